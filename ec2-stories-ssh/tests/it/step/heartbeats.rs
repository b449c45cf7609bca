//! Heartbeats that a node's systemd sends, and that arrive.

use std::time::Duration;

use ec2_stories_core::ErrorKind;
use ec2_stories_core::probe::{HeartbeatKey, Heartbeats};
use ec2_stories_core::provider::StepOutcome::{Changed, Unchanged};
use ec2_stories_core::provider::{Customizer, Liveness, Node, Probe};
use ec2_stories_ssh::step::{Heartbeat, Steps};
use secrecy::{ExposeSecret, SecretString};

use super::systemd::say;
use super::{node, nodes, outcomes, path, run, steps, undo, why};
use crate::support::{Sshd, eventually};

const SECOND: Duration = Duration::from_secs(1);
const LATE: Duration = Duration::from_secs(3);
const IS_ACTIVE: &str = "systemctl is-active ec2-stories-heartbeat";
const PID: &str = "systemctl show -p MainPID --value ec2-stories-heartbeat";

/// A listener, and the PEM of the certificate that it shows.
async fn listen() -> (Heartbeats, String) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let (shown, key) = (made.cert.pem(), SecretString::from(made.signing_key.serialize_pem()));
    let here = Heartbeats::builder().address("127.0.0.1:0".parse().unwrap()).tls((shown.clone(), key));
    (here.listen().await.unwrap(), shown)
}

fn to(heartbeats: &Heartbeats, ca: &str) -> Heartbeat {
    let address = format!("https://{}", heartbeats.address());
    Heartbeat::to(address, heartbeats.key()).ca(ca).every(SECOND).undone()
}

async fn lives(heartbeats: &Heartbeats, node: &Node) {
    let probe = heartbeats.within(LATE);
    eventually("a heartbeat arrives", async || probe.check(node).await == Liveness::Live).await;
}

async fn dies(heartbeats: &Heartbeats, node: &Node) {
    let probe = heartbeats.within(LATE);
    let dead = async || matches!(probe.check(node).await, Liveness::Failing(why) if why.contains("old"));
    eventually("it is found dead", dead).await;
}

#[tokio::test]
async fn beats_arrive_until_the_sender_ends() {
    let (server, (heartbeats, ca)) = (Sshd::with_systemd(), listen().await);
    let (here, sends) = (node(&server), steps(&server, [to(&heartbeats, &ca)]));
    assert_eq!(run(&server, &sends).await, [Changed]);
    lives(&heartbeats, &here).await;
    let first = say(&server, PID).await;
    assert_eq!(run(&server, &sends).await, [Unchanged]);
    assert_eq!(say(&server, PID).await, first);

    // Killed, it is started again; stopped, it is dead.
    say(&server, &format!("kill -KILL {first}")).await;
    eventually("systemd starts it again", async || {
        let pid = say(&server, PID).await;
        pid != "0" && pid != first
    })
    .await;
    lives(&heartbeats, &here).await;
    say(&server, "systemctl stop ec2-stories-heartbeat").await;
    dies(&heartbeats, &here).await;
    assert_eq!(run(&server, &sends).await, [Changed]);
    lives(&heartbeats, &here).await;

    assert_eq!(undo(&server, &sends).await, [Changed]);
    assert_eq!(say(&server, IS_ACTIVE).await, "inactive");
    let left = format!(
        "ls -d {}/heartbeat /etc/systemd/system/*/ec2-stories-heartbeat* 2>/dev/null",
        path(&server, "state")
    );
    assert_eq!(say(&server, &left).await, "");
    assert_eq!(undo(&server, &sends).await, [Unchanged]);
    dies(&heartbeats, &here).await;
}

#[tokio::test]
async fn the_token_is_in_one_file_of_roots_and_nowhere_else() {
    let (server, (heartbeats, ca)) = (Sshd::with_systemd(), listen().await);
    let sends = steps(&server, [to(&heartbeats, &ca)]);
    let reports = sends.customize(&node(&server)).await.unwrap();
    lives(&heartbeats, &node(&server)).await;
    let token = heartbeats.token(&node(&server));
    let token = token.expose_secret();
    let file = format!("{}/heartbeat/token", path(&server, "state"));
    let mode = format!("stat -c '%a %U' {file} {}", file.trim_end_matches("/token"));
    assert_eq!(say(&server, &mode).await, "600 root\n700 root");
    let places = format!("/etc /run {}", path(&server, "state"));
    // The pattern comes by standard input: as an argument it would be found in its own process.
    let find = format!("cat {file} >/dev/shm/token; grep -rlF -f /dev/shm/token {places} 2>/dev/null");
    assert_eq!(say(&server, &find).await, file);
    let shown = "for n in 1 2 3 4 5 6 7 8; do cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ; sleep 0.2; done 2>/dev/null \
                 | grep -caF -f /dev/shm/token; journalctl -q --no-pager -o export | grep -caF -f /dev/shm/token";
    assert_eq!(say(&server, shown).await, "0\n0");
    let said = format!("{reports:?} {sends:?} {}", serde_json::to_string(&sends).unwrap());
    assert!(!said.contains(token), "{said}");
    assert!(!sends.revision().await.unwrap().contains(token));
}

#[tokio::test]
async fn the_next_generation_and_the_next_key_have_tokens_of_their_own() {
    let (server, (heartbeats, ca)) = (Sshd::with_systemd(), listen().await);
    let sends = steps(&server, [to(&heartbeats, &ca)]);
    let (first, mut second) = (node(&server), node(&server));
    second.instance.id = "i-2".into();
    assert_eq!(run(&server, &sends).await, [Changed]);
    lives(&heartbeats, &first).await;
    assert_eq!(outcomes(sends.customize(&second).await.unwrap()), [Changed]);
    lives(&heartbeats, &second).await;
    dies(&heartbeats, &first).await;

    let (other, ca) = listen().await;
    let anew = steps(&server, [to(&other, &ca)]);
    assert_ne!(anew.revision().await.unwrap(), sends.revision().await.unwrap());
    assert_eq!(run(&server, &anew).await, [Changed]);
    lives(&other, &first).await;
    dies(&heartbeats, &second).await;
}

#[tokio::test]
async fn it_sends_by_wget_and_says_what_is_missing() {
    let (server, (heartbeats, ca)) = (Sshd::with_systemd(), listen().await);
    let sends = steps(&server, [to(&heartbeats, &ca)]);
    say(&server, "rm /usr/bin/curl").await;
    assert_eq!(run(&server, &sends).await, [Changed]);
    lives(&heartbeats, &node(&server)).await;
    // Another controller at the same place: the node does not trust it.
    let (_, another) = listen().await;
    assert_eq!(run(&server, &steps(&server, [to(&heartbeats, &another)])).await, [Changed]);
    dies(&heartbeats, &node(&server)).await;
    let journal = "journalctl -q -o cat -u ec2-stories-heartbeat | grep -c 'no heartbeat arrives'";
    // Once for each time that none arrives, and on a busy machine that may be more than once.
    assert_ne!(say(&server, journal).await, "0");
    say(&server, "rm /usr/bin/wget").await;
    let outcomes = run(&server, &sends).await;
    assert!(why(&outcomes).contains("neither curl nor GNU wget"), "{outcomes:?}");
}

#[tokio::test]
async fn the_keys_file_is_read_when_the_step_runs() {
    use std::os::unix::fs::PermissionsExt;
    let server = Sshd::start();
    let file = server.path("key");
    let sends = Steps::new([Heartbeat::with_key_file("https://10.0.0.5:7443", &file)]).over(nodes(&server));
    let error = sends.revision().await.unwrap_err();
    assert_eq!((error.kind(), error.resource()), (ErrorKind::Io, file.to_str()));
    assert_eq!(sends.references().unwrap_err().resource(), Some("steps[0].heartbeat.key_file"));
    std::fs::write(&file, "0123456789abcdef0123456789abcdef\n").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let before = sends.revision().await.unwrap();
    std::fs::write(&file, "another0123456789abcdef0123456789").unwrap();
    assert_ne!(sends.revision().await.unwrap(), before);
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let of = |step: Heartbeat| Steps::new([step]).check();
    let key = HeartbeatKey::random;
    of(Heartbeat::to("https://10.0.0.5:7443", key())).unwrap();
    for (step, field) in [
        (Heartbeat::to("http://10.0.0.5:7443", key()), "steps[0].heartbeat.to"),
        (Heartbeat::to("https://a", key()).every(Duration::from_millis(1500)), "steps[0].heartbeat.every"),
        (Heartbeat::to("https://a", key()).ca("none"), "steps[0].heartbeat.ca"),
        (serde_json::from_str(r#"{"to": "https://a"}"#).unwrap(), "steps[0].heartbeat.key_file"),
    ] {
        assert_eq!(of(step).unwrap_err().resource(), Some(field));
    }
}
