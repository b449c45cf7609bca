//! Echo requests to this machine.

use ec2_stories_core::probe::Icmp;
use ec2_stories_core::provider::{Liveness, Probe};

use super::no_name;
use crate::support::node;

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
    let must = std::env::var_os("MUST_ANSWER").is_some();
    for address in ["127.0.0.1", "127.1.2.3"] {
        match Icmp::echo().check(&node(0, address)).await {
            Liveness::Live => assert!(may()),
            Liveness::Unknown(why) => assert!(!must && !may() && why.contains("does not let"), "{why}"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_name_is_not_resolved() {
    assert!(matches!(Icmp::echo().check(&node(0, &no_name())).await, Liveness::Unknown(_)));
}

#[test]
fn it_answers_where_the_system_lets_it() {
    // A network of its own, in which everyone may ask: that of the machine stays as it is.
    let allow = "echo 0 0 > /proc/sys/net/ipv4/ping_group_range && ip link set lo up && exec \"$0\" \"$@\"";
    let test = "probes::icmp::this_machine_answers_itself_where_it_may_be_asked";
    let mut command = std::process::Command::new("unshare");
    command.args(["--map-root-user", "--net", "/bin/sh", "-c", allow]);
    command.arg(std::env::current_exe().unwrap()).args(["--exact", test, "--nocapture"]);
    let output = command.env("MUST_ANSWER", "1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{output:?}");
}
