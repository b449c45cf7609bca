//! Heartbeats that nodes send.

use std::net::SocketAddr;
use std::time::Duration;

use ec2_stories_core::ErrorKind;
use ec2_stories_core::conformance::{self, ProbeFixture};
use ec2_stories_core::probe::{HeartbeatKey, HeartbeatSpec, Heartbeats, Http};
use ec2_stories_core::provider::{Liveness, Node, Probe};
use secrecy::ExposeSecret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::certificates::{self, NAME};
use super::{SHORT, fails, server};
use crate::support::node;

const LATE: Duration = Duration::from_secs(60);

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// The status that a heartbeat is answered with.
async fn send(heartbeats: &Heartbeats, method: &str, node: &Node, token: &str) -> u16 {
    send_to(heartbeats.address(), method, node, token).await
}

async fn send_to(address: SocketAddr, method: &str, node: &Node, token: &str) -> u16 {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let path = Heartbeats::path(&node.instance.id);
    let request = format!("{method} {path} HTTP/1.1\r\nhost: here\r\nauthorization: Bearer {token}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

async fn listen() -> Heartbeats {
    Heartbeats::listen("127.0.0.1:0".parse().unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_heartbeat_keeps_the_contract() {
    let (heartbeats, just_begun) = (listen().await, listen().await);
    let (heard, unheard) = (node(0, "10.0.0.1"), node(1, "10.0.0.2"));
    assert_eq!(send(&heartbeats, "PUT", &heard, heartbeats.token(&heard).expose_secret()).await, 204);
    let fixture = ProbeFixture {
        live: (heartbeats.within(LATE), heard),
        failing: (heartbeats.within(Duration::ZERO), unheard.clone()),
        silent: None,
        sick: Some((just_begun.within(LATE), unheard)),
        declared_dead: None,
    };
    conformance::probe(&fixture).await;
}

#[tokio::test]
async fn only_the_instances_own_token_counts() {
    let heartbeats = listen().await;
    let (own, other) = (node(0, "10.0.0.1"), node(1, "10.0.0.2"));
    let others = heartbeats.token(&other);
    for (method, token, status) in [
        ("PUT", others.expose_secret(), 401),
        ("PUT", "", 401),
        ("PUT", "zz", 401),
        ("GET", heartbeats.token(&own).expose_secret(), 405),
    ] {
        assert_eq!(send(&heartbeats, method, &own, token).await, status, "{method} {token}");
    }
    fails(&heartbeats.within(Duration::ZERO).check(&own).await, "there was no heartbeat");
    assert!(!format!("{heartbeats:?}").contains(others.expose_secret()));
}

#[tokio::test]
async fn the_same_key_takes_the_tokens_of_before_a_restart() {
    let key = || HeartbeatKey::new(SECRET).unwrap();
    let here = || Heartbeats::builder().address("127.0.0.1:0".parse().unwrap()).key(key()).listen();
    let (before, node) = (here().await.unwrap(), node(0, "10.0.0.1"));
    let token = before.token(&node);
    drop(before);
    let after = here().await.unwrap();
    assert_eq!(send(&after, "PUT", &node, token.expose_secret()).await, 204);
    assert_eq!(after.within(LATE).check(&node).await, Liveness::Live);
}

#[tokio::test]
async fn others_reach_it_by_tls_or_not_unasked() {
    let anywhere = "0.0.0.0:0".parse().unwrap();
    let error = Heartbeats::listen(anywhere).await.unwrap_err();
    assert_eq!((error.kind(), error.resource()), (ErrorKind::Invalid, Some("heartbeats.address")));

    let shown = certificates::until(4000);
    let heartbeats = Heartbeats::builder()
        .address("127.0.0.1:0".parse().unwrap())
        .tls((shown.own.clone(), shown.key.clone().into()))
        .listen()
        .await
        .unwrap();
    // It speaks TLS, and HTTP within: a page that is not there.
    let probe = Http::get(heartbeats.address().port(), "/").ca(shown.authority.clone()).unwrap();
    let probe = probe.host(NAME).unwrap().status(404);
    assert_eq!(probe.check(&node(0, "127.0.0.1")).await, Liveness::Live);
    let wrong = Heartbeats::builder().address(anywhere).tls((String::new(), "no key".to_owned().into()));
    assert_eq!(wrong.listen().await.unwrap_err().resource(), Some("heartbeats.tls"));
}

#[tokio::test]
async fn it_ends_with_its_last_handle() {
    let heartbeats = listen().await;
    let (address, probe) = (heartbeats.address(), heartbeats.within(LATE));
    drop(heartbeats);
    TcpStream::connect(address).await.unwrap();
    drop(probe);
    let ended = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(20 * SHORT, ended).await.unwrap();
}

/// A file that nobody else may read.
fn key_file(folder: &tempfile::TempDir) -> std::path::PathBuf {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let path = folder.path().join("key");
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).unwrap();
    file.write_all(SECRET.as_bytes()).unwrap();
    path
}

#[tokio::test]
async fn a_description_listens_from_its_first_check_on_and_shares_its_address() {
    let (folder, port) = (tempfile::tempdir().unwrap(), server::nobody().await);
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let described = HeartbeatSpec::new(address, key_file(&folder));
    described.consistent().unwrap();
    described.check_files().unwrap();
    let one = described.clone().beside([]).unwrap();
    let late = described.clone().within(Duration::from_secs(300));
    let (two, apart) = (late.clone().beside([&one]).unwrap(), late.beside([]).unwrap());
    let node = node(0, "10.0.0.1");
    TcpStream::connect(address).await.unwrap_err();

    assert!(matches!(one.check(&node).await, Liveness::Unknown(why) if why.contains("no heartbeat yet")));
    let token = HeartbeatKey::new(SECRET).unwrap().token(&node.instance.id);
    assert_eq!(send_to(address, "PUT", &node, token.expose_secret()).await, 204);
    assert_eq!(one.check(&node).await, Liveness::Live);
    assert_eq!(two.check(&node).await, Liveness::Live);
    // As another process that only asks: it does not know, and takes the address once it is free.
    assert!(matches!(apart.check(&node).await, Liveness::Unknown(why) if why.contains("does not listen")));
    drop((one, two));
    let is_free = async {
        while matches!(apart.check(&node).await, Liveness::Unknown(why) if why.contains("does not listen")) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(20 * SHORT, is_free).await.unwrap();
}

#[tokio::test]
async fn a_description_that_cannot_be_meant_names_its_field() {
    let folder = tempfile::tempdir().unwrap();
    let of = |address: &str| HeartbeatSpec::new(address.parse().unwrap(), folder.path().join("none"));
    let refused = |spec: &HeartbeatSpec| spec.consistent().unwrap_err().resource().unwrap().to_owned();
    assert_eq!(refused(&of("0.0.0.0:7443")), "listen");
    assert_eq!(refused(&of("127.0.0.1:0")), "listen");
    assert_eq!(refused(&of("127.0.0.1:7443").within(Duration::ZERO)), "within");
    let half = r#"{ "listen": "0.0.0.0:7443", "key_file": "key", "certificate": "chain.pem" }"#;
    assert_eq!(refused(&serde_json::from_str(half).unwrap()), "certificate");
    let whole = of("0.0.0.0:7443").tls("chain.pem", "key.pem");
    whole.consistent().unwrap();
    of("0.0.0.0:7443").in_the_clear().consistent().unwrap();
    assert_eq!(whole.check_files().unwrap_err().resource(), Some("key_file"));
    let set = |file: &std::path::Path, mode| {
        std::fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    };
    let (secret, chain) = (key_file(&folder), folder.path().join("chain.pem"));
    let private = folder.path().join("key.pem");
    for file in [&chain, &private] {
        std::fs::write(file, "").unwrap();
        set(file, 0o644);
    }
    let port = server::nobody().await;
    let open = HeartbeatSpec::new(([127, 0, 0, 1], port).into(), &secret).tls(&chain, &private);
    let error = open.check_files().unwrap_err();
    assert_eq!(error.resource(), Some("private_key"));
    let told = format!("(mode 0644): run chmod 600 '{}'", private.display());
    assert!(error.message().contains(&told), "{error}");
    let silent = open.check(&node(0, "10.0.0.1")).await;
    assert!(matches!(&silent, Liveness::Unknown(why) if why.contains(&told)), "{silent:?}");
    set(&private, 0o600);
    open.check_files().unwrap();
    set(&secret, 0o640);
    assert_eq!(open.check_files().unwrap_err().resource(), Some("key_file"));
    assert_eq!(whole.clone().beside([&of("0.0.0.0:7443")]).unwrap_err().resource(), Some("listen"));
    let unread = of("127.0.0.1:7443").check(&node(0, "10.0.0.1")).await;
    assert!(matches!(&unread, Liveness::Unknown(why) if why.contains("none")), "{unread:?}");
}
