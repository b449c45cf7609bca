//! Commands as probes, on real OpenSSH servers.

use std::time::Duration;

use ec2_stories_core::conformance::{self, ProbeFixture};
use ec2_stories_core::model::HostKeys;
use ec2_stories_core::provider::{Liveness, Node, Probe};
use ec2_stories_ssh::CommandProbe;

use crate::step::{node, node_at};
use crate::support::Sshd;
use crate::support::proxy::Proxy;

const SHORT: Duration = Duration::from_secs(2);

/// A node whose host key is another.
fn another(server: &Sshd) -> Node {
    let (mut node, other) = (node(server), Sshd::start());
    node.login.host_keys = Some(HostKeys::Pinned(other.host_key()));
    node
}

#[tokio::test]
async fn a_command_keeps_the_contract() {
    let server = Sshd::start();
    let proxy = Proxy::to(server.address()).await;
    proxy.mute();
    let of = |words: [&str; 2]| CommandProbe::new(words);
    let fixture = ProbeFixture {
        live: (of(["test", "a"]), node(&server)),
        failing: (of(["test", ""]), node(&server)),
        silent: Some((of(["test", "a"]).timeout(SHORT), node_at(&server, proxy.address.port()))),
        sick: Some((of(["test", "a"]), another(&server))),
        declared_dead: None,
    };
    conformance::probe(&fixture).await;
}

#[tokio::test]
async fn the_status_and_what_was_said_count() {
    let server = Sshd::start();
    let node = node(&server);
    let script = "echo out; echo 'it is inactive' >&2; exit 3";
    let probe = CommandProbe::new(["sh", "-c", script]);
    let answer = probe.check(&node).await;
    assert_eq!(answer, Liveness::Failing("exit status 3: it is inactive".to_owned()));
    assert_eq!(probe.status(3).check(&node).await, Liveness::Live);
    let absent = CommandProbe::new(["no-such-program"]).check(&node).await;
    assert!(matches!(&absent, Liveness::Failing(why) if why.starts_with("exit status 127")), "{absent:?}");
    let endless = CommandProbe::new(["sleep", "3600"]).timeout(SHORT).check(&node).await;
    assert!(matches!(&endless, Liveness::Failing(_)), "{endless:?}");
    crate::support::eventually("the command ends with the probe", async || {
        !server.processes().iter().any(|pid| {
            std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.starts_with(b"sleep\x003600"))
        })
    })
    .await;
}

#[tokio::test]
async fn one_login_is_enough_until_the_link_breaks() {
    let mut server = Sshd::with("LogLevel VERBOSE");
    let (node, probe) = (node(&server), CommandProbe::new(["true"]));
    let logins = |server: &Sshd| {
        let log = std::fs::read_to_string(server.path("log")).unwrap();
        log.lines().filter(|line| line.contains("Accepted publickey")).count()
    };
    for _ in 0..3 {
        assert_eq!(probe.check(&node).await, Liveness::Live);
    }
    assert_eq!(logins(&server), 1);
    server.kill_all();
    let answer = probe.check(&node).await;
    assert!(matches!(answer, Liveness::Failing(_)), "{answer:?}");
    server.restart();
    assert_eq!(probe.check(&node).await, Liveness::Live);
    assert_eq!(logins(&server), 2);
}

#[tokio::test]
async fn a_login_that_is_refused_says_nothing_of_the_node() {
    let (server, other) = (Sshd::start(), Sshd::start());
    let mut node = node(&server);
    node.login.private_key = Some(other.path("client"));
    let answer = CommandProbe::new(["true"]).check(&node).await;
    assert!(matches!(&answer, Liveness::Unknown(_)), "{answer:?}");
}
