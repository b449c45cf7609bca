//! Echo requests: to this machine as it is, and in networks that the tests make, where more is allowed or less.

use std::env;
use std::process::Command;

use ec2_stories_core::conformance::{self, ProbeFixture};
use ec2_stories_core::probe::Icmp;
use ec2_stories_core::provider::{Liveness, Node, Probe};
use tokio::time::Instant;

use super::{PATIENT, SHORT, no_name};
use crate::support::node;

/// What a network that a test made does with echo requests.
const DOES: &str = "ECHO_REQUESTS";
/// There, an address of a network that has a route, and of no host.
const NOBODY: &str = "10.99.0.2";

const ALLOW: &str = "echo 0 0 >/proc/sys/net/ipv4/ping_group_range";
const REFUSE: &str = "echo 1 0 >/proc/sys/net/ipv4/ping_group_range";
/// Both ends of a cable: what is sent into it, nobody answers.
const CABLE: &str = "ip link add here type veth peer name there && ip addr add 10.99.0.1/24 dev here && \
                     ip link set here up && ip link set there up";

/// Runs one of these tests again, in a network of its own: that of the machine stays as it is. It needs root, as in CI.
fn again(test: &str, allow: &str, does: &str) {
    let prepare = format!("{allow} && ip link set lo up && {CABLE} && exec \"$0\" \"$@\"");
    let mut command = Command::new("unshare");
    command.args(["--net", "/bin/sh", "-c", &prepare]).arg(env::current_exe().unwrap());
    command.args(["--exact", &format!("probes::icmp::{test}"), "--nocapture"]);
    let output = command.env(DOES, does).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{output:?}");
}

/// Whether the system lets this process send them: its group, or one of its others, is in the range (Linux, icmp(7)).
fn may() -> bool {
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ping_group_range").unwrap();
    let range: Vec<u64> = range.split_whitespace().map(|id| id.parse().unwrap()).collect();
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let groups = status.lines().filter(|line| line.starts_with("Gid:") || line.starts_with("Groups:"));
    let mut ids =
        groups.flat_map(|line| line.split_whitespace().skip(1)).map(|id| id.parse::<u64>().unwrap());
    ids.any(|id| (range[0]..=range[1]).contains(&id))
}

#[tokio::test]
async fn this_machine_answers_itself_where_it_may_be_asked() {
    let does = env::var(DOES).ok();
    let may = does.as_ref().map_or_else(may, |does| does == "answer");
    // Not every kernel has version 6.
    let sixth = std::fs::read_to_string("/proc/net/if_inet6").is_ok_and(|has| has.contains(" lo"));
    for address in ["127.0.0.1", "127.1.2.3"].into_iter().chain(sixth.then_some("::1")) {
        match Icmp::echo().check(&node(0, address)).await {
            Liveness::Live => assert!(may),
            Liveness::Unknown(why) => {
                assert!(!may && why.contains("net.ipv4.ping_group_range"), "{address}: {why}");
            }
            other => panic!("{address}: {other:?}"),
        }
    }
}

/// On this machine as it is, whoever may not ask is one more way not to know.
#[tokio::test]
async fn an_echo_keeps_the_contract() {
    let sick = (Icmp::echo(), node(0, &no_name()));
    if env::var_os(DOES).is_none() {
        return assert!(matches!(sick.0.check(&sick.1).await, Liveness::Unknown(_)));
    }
    let nobody = || -> (Icmp, Node) { (Icmp::echo().timeout(SHORT), node(1, NOBODY)) };
    let began = Instant::now();
    conformance::probe(&ProbeFixture {
        live: (Icmp::echo(), node(0, "127.0.0.1")),
        failing: nobody(),
        silent: Some(nobody()),
        sick: Some(sick),
        declared_dead: None,
    })
    .await;
    assert!(began.elapsed() < PATIENT);
}

#[test]
fn it_is_answered_where_the_system_lets_it() {
    again("this_machine_answers_itself_where_it_may_be_asked", ALLOW, "answer");
}

#[test]
fn it_keeps_the_contract_where_the_system_lets_it() {
    again("an_echo_keeps_the_contract", ALLOW, "answer");
}

#[test]
fn whoever_may_not_ask_is_told_what_says_so() {
    again("this_machine_answers_itself_where_it_may_be_asked", REFUSE, "refuse");
}
