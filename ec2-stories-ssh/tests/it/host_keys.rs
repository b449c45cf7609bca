//! Proof of who the host is.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use async_trait::async_trait;
use ec2_stories_core::memory::Fault;
use ec2_stories_core::model::InstanceId;
use ec2_stories_core::{Error, ErrorKind, MemoryStore, Result, TokioClock};
use ec2_stories_ssh::{Console, HostKeys, Readiness, Session, Target, code};
use futures::StreamExt;

use crate::support::sshd::{Sshd, keygen, text};
use crate::support::{pinned, refused, ssh};

const OTHER: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";

fn instance(server: &Sshd) -> Target {
    server.target().instance("i-0123456789abcdef0")
}

async fn connect(server: &Sshd, host_keys: HostKeys) -> Result<Session> {
    ssh(server, host_keys).connect(&instance(server)).await
}

fn known_hosts(server: &Sshd, lines: &str) -> HostKeys {
    let file = server.path("known_hosts");
    fs::write(&file, lines).unwrap();
    HostKeys::known_hosts(file)
}

fn name(server: &Sshd) -> String {
    format!("[{}]:{}", server.address().ip(), server.address().port())
}

fn fingerprint(server: &Sshd) -> String {
    let output =
        std::process::Command::new("ssh-keygen").arg("-lf").arg(server.path("host.pub")).output().unwrap();
    String::from_utf8(output.stdout).unwrap().split(' ').nth(1).unwrap().to_owned()
}

#[tokio::test]
async fn an_unknown_key_is_an_error_with_its_fingerprint_and_where_was_looked() {
    let server = Sshd::start();
    let error =
        refused(connect(&server, known_hosts(&server, &format!("other.example.org {OTHER}\n"))).await);
    assert_eq!((error.api_code(), error.is_permanent()), (Some(code::HOST_KEY_UNKNOWN), true));
    let said = error.to_string();
    assert!(said.contains(&fingerprint(&server)), "{said}");
    assert!(said.contains(text(&server.path("known_hosts"))), "{said}");
}

#[tokio::test]
async fn another_key_than_the_known_one_is_an_error_of_its_own_and_not_retried() {
    let server = Sshd::start();
    let ssh = ssh(&server, known_hosts(&server, &format!("{} {OTHER}\n", name(&server))));
    let readiness = Readiness::builder().build().unwrap();
    let error = refused(readiness.wait(&ssh, &instance(&server)).await);
    assert_eq!((error.api_code(), error.kind()), (Some(code::HOST_KEY_CHANGED), ErrorKind::Credentials));
    assert!(error.to_string().contains(&fingerprint(&server)), "{error}");
    assert!(error.to_string().contains("SHA256:"), "{error}");
    let log = fs::read_to_string(server.path("log")).unwrap();
    assert_eq!(log.matches("preauth").count(), 1, "one try only: {log}");
}

#[tokio::test]
async fn known_hosts_are_understood_as_openssh_does() {
    let server = Sshd::start();
    let key = server.host_key();
    connect(&server, known_hosts(&server, &format!("{} {key}", name(&server)))).await.unwrap();

    let hashed = known_hosts(&server, &format!("{} {key}", name(&server)));
    keygen_hash(&server);
    assert!(fs::read_to_string(server.path("known_hosts")).unwrap().starts_with("|1|"));
    connect(&server, hashed).await.unwrap();

    let revoked = format!("{} {key}@revoked * {key}", name(&server));
    let error = refused(connect(&server, known_hosts(&server, &revoked)).await);
    assert_eq!(error.api_code(), Some(code::HOST_KEY_REVOKED));
}

fn keygen_hash(server: &Sshd) {
    let hash = std::process::Command::new("ssh-keygen")
        .args(["-H", "-f", text(&server.path("known_hosts"))])
        .output();
    assert!(hash.unwrap().status.success());
}

/// A server with a host certificate for these principals.
fn certified(principals: &str, validity: &str) -> Sshd {
    Sshd::prepared("HostCertificate {here}/host-cert.pub", |folder| {
        keygen(&["-t", "ed25519", "-f", text(&folder.join("ca"))]);
        let (ca, key) = (folder.join("ca"), folder.join("host.pub"));
        keygen(&["-s", text(&ca), "-h", "-I", "test", "-n", principals, "-V", validity, text(&key)]);
    })
}

#[tokio::test]
async fn certificates_of_a_known_authority_are_enough() {
    let server = certified("127.*", "always:forever");
    let authority = fs::read_to_string(server.path("ca.pub")).unwrap();
    connect(&server, HostKeys::authority(&authority).unwrap()).await.unwrap();
    connect(&server, known_hosts(&server, &format!("@cert-authority [127.*]:* {authority}"))).await.unwrap();
    let error = refused(connect(&server, HostKeys::authority(OTHER).unwrap()).await);
    assert!(error.to_string().contains("unknown authority"), "{error}");
    connect(&server, HostKeys::authority(OTHER).unwrap().or(pinned(&server))).await.unwrap();
}

#[tokio::test]
async fn a_certificate_for_another_host_or_time_is_not() {
    let server = certified("web.example.org", "20200101:20200201");
    let authority = HostKeys::authority(&fs::read_to_string(server.path("ca.pub")).unwrap()).unwrap();
    let error = refused(connect(&server, authority.clone()).await);
    assert!(error.to_string().contains("has expired"), "{error}");
    let clock = TokioClock::starting_at("2020-01-15T00:00:00Z".parse().unwrap());
    let error = refused(connect(&server, authority.clock(Arc::new(clock))).await);
    assert!(error.to_string().contains("is for web.example.org, not for 127."), "{error}");
}

#[tokio::test]
async fn a_verified_key_is_remembered_and_no_other_is_accepted() {
    let mut server = Sshd::start();
    let store = Arc::new(MemoryStore::new());
    connect(&server, pinned(&server).remembered_in(store.clone())).await.unwrap();
    let nothing = HostKeys::known_hosts(server.path("none")).remembered_in(store.clone());
    connect(&server, nothing.clone()).await.unwrap();

    server.kill_all();
    fs::remove_file(server.path("host")).unwrap();
    keygen(&["-t", "ed25519", "-f", text(&server.path("host"))]);
    server.restart();
    for keys in [nothing, pinned(&server).remembered_in(store)] {
        let error = refused(connect(&server, keys).await);
        assert_eq!(error.api_code(), Some(code::HOST_KEY_CHANGED), "{error}");
    }
}

#[tokio::test]
async fn a_certificate_does_not_replace_a_key_that_is_remembered() {
    let mut server = certified("127.*", "always:forever");
    let store = Arc::new(MemoryStore::new());
    connect(&server, pinned(&server).remembered_in(store.clone())).await.unwrap();
    let authority = HostKeys::authority(&fs::read_to_string(server.path("ca.pub")).unwrap()).unwrap();
    let keys = authority.clone().remembered_in(store);
    connect(&server, keys.clone()).await.unwrap();

    // Another host of the same authority answers at the address.
    server.kill_all();
    fs::remove_file(server.path("host")).unwrap();
    keygen(&["-t", "ed25519", "-f", text(&server.path("host"))]);
    let (ca, key) = (server.path("ca"), server.path("host.pub"));
    keygen(&["-s", text(&ca), "-h", "-I", "test", "-n", "127.*", text(&key)]);
    server.restart();
    connect(&server, authority).await.unwrap();
    assert_eq!(refused(connect(&server, keys).await).api_code(), Some(code::HOST_KEY_CHANGED));
}

#[derive(Debug)]
struct Printed(String);

#[async_trait]
impl Console for Printed {
    async fn console(&self, _: &InstanceId) -> Result<Option<String>, Error> {
        Ok(Some(self.0.clone()))
    }
}

#[tokio::test]
async fn the_console_proves_a_key_once_it_shows_it() {
    let server = Sshd::start();
    let console = |text: String| HostKeys::console(Arc::new(Printed(text)));
    let error = refused(connect(&server, console("booting".to_owned())).await);
    assert_eq!((error.api_code(), error.is_temporary()), (Some(code::HOST_KEY_NOT_PRINTED), true));
    let block = |fingerprint: &str| {
        format!(
            "ec2: -----BEGIN SSH HOST KEY FINGERPRINTS-----\r\nec2: 256 {fingerprint} root@ip (ED25519)\r\n\
             ec2: -----END SSH HOST KEY FINGERPRINTS-----\r\n"
        )
    };
    connect(&server, console(block(&fingerprint(&server)))).await.unwrap();
    let error = refused(connect(&server, console(block("SHA256:AAAA"))).await);
    assert_eq!(error.api_code(), Some(code::HOST_KEY_CHANGED));
}

/// What an image's user data put there. The server's user is root, or has a sudo that asks nothing.
fn injected() -> Sshd {
    let server = Sshd::with_sudo("");
    fs::copy(server.path("host"), server.path("injected")).unwrap();
    fs::copy(server.path("host.pub"), server.path("injected.pub")).unwrap();
    server
}

fn injected_keys(server: &Sshd, store: &MemoryStore) -> HostKeys {
    HostKeys::injected(server.path("injected")).remembered_in(Arc::new(store.clone()))
}

/// The server shows a key of its own, which is remembered, and the injected one is not accepted any more.
async fn is_settled(server: &mut Sshd, store: &MemoryStore) {
    let record = String::from_utf8(store.dump().remove(0).1).unwrap();
    assert!(!record.contains("rotating"), "{record}");
    let own = server.host_key();
    assert_ne!(own, fs::read_to_string(server.path("injected.pub")).unwrap());
    connect(server, HostKeys::pinned([own]).unwrap()).await.unwrap();
    connect(server, injected_keys(server, store)).await.unwrap();

    server.kill_all();
    fs::copy(server.path("injected"), server.path("host")).unwrap();
    server.restart();
    let error = refused(connect(server, injected_keys(server, store)).await);
    assert_eq!(error.api_code(), Some(code::HOST_KEY_CHANGED), "{error}");
}

#[tokio::test]
async fn an_injected_key_is_replaced_at_the_first_login() {
    let (mut server, store) = (injected(), MemoryStore::new());
    let session = connect(&server, injected_keys(&server, &store)).await.unwrap();
    assert!(session.is_alive());
    is_settled(&mut server, &store).await;
}

#[tokio::test]
async fn a_replacement_that_was_cut_off_goes_on_at_the_next_login() {
    // Calls of the store after the first question: what is remembered and its change, before the host takes its new keys;
    // and both again, after it has shown them.
    for call in 1..=4_usize {
        for fault in [Fault::Before, Fault::After] {
            let (mut server, store) = (injected(), MemoryStore::new());
            let target = instance(&server);
            store.fail(call, fault);
            let _ = ssh(&server, injected_keys(&server, &store)).connect(&target).await;
            connect(&server, injected_keys(&server, &store)).await.unwrap();
            is_settled(&mut server, &store).await;
        }
    }
}

/// Runs what it is named after, and then takes with it all that it belongs to, if it is the one whose turn it is.
const DEADLY: &str = r#"#!/bin/sh
here=${0%/bin/*}
/usr/bin/${0##*/} "$@"; status=$?
exec 9>"$here/turns"; flock 9
turn=$(($(cat "$here/turn" 2>/dev/null || echo 0) + 1)); echo "$turn" >"$here/turn"
[ "$turn" != "$(cat "$here/deadly")" ] || kill -KILL 0
exit "$status"
"#;

#[tokio::test]
async fn a_replacement_that_dies_on_the_host_at_any_command_goes_on_at_the_next_login() {
    let dies_at = |turn: u32| async move {
        let (mut server, store) = (injected(), MemoryStore::new());
        for program in ["ln", "mv", "rm", "sed", "ssh-keygen", "tr"] {
            let file = server.path("bin").join(program);
            fs::write(&file, DEADLY).unwrap();
            fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
        }
        fs::write(server.path("deadly"), turn.to_string()).unwrap();
        let died = connect(&server, injected_keys(&server, &store)).await.is_err();
        connect(&server, injected_keys(&server, &store)).await.unwrap();
        let shown =
            std::process::Command::new("ssh-keygen").args(["-y", "-f", text(&server.path("host"))]).output();
        let shown = String::from_utf8(shown.unwrap().stdout).unwrap();
        assert_eq!(
            shown.split(' ').nth(1).unwrap().trim(),
            server.host_key().split(' ').nth(1).unwrap().trim()
        );
        let left = fs::read_dir(server.path("")).unwrap().flatten();
        let left: Vec<_> = left.map(|file| file.file_name().into_string().unwrap()).collect();
        assert!(!left.iter().any(|name| name.contains(".ec2-stories")), "{turn}: {left:?}");
        is_settled(&mut server, &store).await;
        died
    };
    let all: Vec<bool> = futures::stream::iter(1..=36).map(dies_at).buffered(4).collect().await;
    let deaths = all.iter().filter(|died| **died).count();
    assert!((12..36).contains(&deaths), "{deaths} commands, and not one more");
    assert!(all[..deaths].iter().all(|died| *died), "{all:?}");
}

#[tokio::test]
async fn programs_that_replace_an_injected_key_at_once_agree() {
    for _ in 0..3 {
        let (mut server, store) = (injected(), MemoryStore::new());
        let target = instance(&server);
        let programs = (0..4).map(|_| {
            let ssh = ssh(&server, injected_keys(&server, &store));
            let (target, readiness) =
                (target.clone(), Readiness::builder().cloud_init(false).build().unwrap());
            async move { readiness.wait(&ssh, &target).await }
        });
        for outcome in futures::future::join_all(programs).await {
            outcome.unwrap();
        }
        is_settled(&mut server, &store).await;
    }
}

/// Takes the injected key's place only when told to, or after a while.
const SLOW_TO_TAKE: &str = r#"#!/bin/sh
here=${0%/bin/*}; tries=0
for to; do :; done
while [ "$to" = "$here/host" ] && [ ! -e "$here/go" ] && [ "$tries" -lt 150 ]; do sleep 0.02; tries=$((tries + 1)); done
exec /usr/bin/mv "$@"
"#;
/// Of two programs that make keys, has the second one begin when the first has taken one.
const IN_TURN: &str = r#"#!/bin/sh
here=${0%/bin/*}; tries=0
until_is() { while ! "$@" && [ "$tries" -lt 150 ]; do sleep 0.02; tries=$((tries + 1)); done; }
taken() { ! cmp -s "$here/second.pub" "$here/second.old"; }
case $* in *hostkey*)
  if mkdir "$here/one" 2>/dev/null; then until_is [ -e "$here/two" ]
  elif mkdir "$here/two" 2>/dev/null; then until_is taken
  fi;;
esac
exec /usr/bin/sed "$@"
"#;
/// Tells so when a key is shown that was made after the other one beside it was taken, and goes on when that is done.
const LATE_TO_MAKE: &str = r#"#!/bin/sh
here=${0%/bin/*}; tries=0
for file; do :; done
if [ "$file" = "$here/second.ec2-stories" ] && ! cmp -s "$here/second.pub" "$here/second.old"; then
  touch "$here/go"
  while [ -e "$here/host.ec2-stories" ] && [ "$tries" -lt 150 ]; do sleep 0.02; tries=$((tries + 1)); done
fi
exec /usr/bin/ssh-keygen "$@"
"#;

#[tokio::test]
async fn a_program_that_comes_while_another_takes_its_keys_leaves_none_behind() {
    let server = Sshd::with_sudo("HostKey {here}/second");
    let own = |name: &str| fs::read_to_string(server.path(name)).unwrap();
    fs::copy(server.path("host"), server.path("injected")).unwrap();
    fs::copy(server.path("second.pub"), server.path("second.old")).unwrap();
    for (program, text) in [("mv", SLOW_TO_TAKE), ("sed", IN_TURN), ("ssh-keygen", LATE_TO_MAKE)] {
        let file = server.path("bin").join(program);
        fs::write(&file, text).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let store = MemoryStore::new();
    let login = || {
        let ssh = ssh(&server, injected_keys(&server, &store));
        let readiness = Readiness::builder().cloud_init(false).build().unwrap();
        let target = instance(&server);
        async move { readiness.wait(&ssh, &target).await }
    };
    let (one, two) = tokio::join!(login(), login());
    one.unwrap();
    two.unwrap();
    assert!(server.path("two").exists() && own("second.pub") != own("second.old"));
    let left = fs::read_dir(server.path("")).unwrap().flatten();
    let left: Vec<_> = left.map(|file| file.file_name().into_string().unwrap()).collect();
    assert!(!left.iter().any(|name| name.contains(".ec2-stories")), "{left:?}");
}

#[tokio::test]
async fn an_injected_key_needs_a_store() {
    let keys = HostKeys::injected("key");
    let ssh = ec2_stories_ssh::Ssh::builder()
        .user("admin")
        .identity(ec2_stories_ssh::Identity::agent())
        .host_keys(keys)
        .build();
    assert_eq!(refused(ssh).kind(), ErrorKind::Invalid);
}
