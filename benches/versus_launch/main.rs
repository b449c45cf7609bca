//! Launch a fleet and wait until it runs: ours beside boto3 with its waiter and Apache Libcloud, each on a fresh copy of
//! one simulated cloud, served on loopback in real time.
//!
//! The cloud knows when each instance ran; a client says when it knew of all of them. Ours starts without a learned boot time.
#![allow(clippy::print_stdout)] // A benchmark's result is what it prints.

mod cloud;
mod ours;

use std::time::Duration;

use cloud::{Cloud, Outcome};
use ec2_stories_benches::{Bench, Peers, Row};

const BOTO3: &str = "boto3 1.44.5";
const LIBCLOUD: &str = "apache-libcloud 3.9.1";

/// Nodes, and how long they take to boot, varied by a fifth.
const CASES: [(u32, u64); 4] = [(20, 30), (100, 30), (500, 30), (100, 16)];

/// What the metrics can tell apart: calls, and seconds on a busy machine.
const ONE_CALL: f64 = 1.0;
const SECONDS: f64 = 0.01;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let peers = Peers::install(&["boto3==1.44.5", "apache-libcloud==3.9.1"])?;
    let mut bench = Bench::new("versus_launch");
    for (nodes, boot) in CASES {
        let case = format!("{nodes} nodes, {boot} s");
        let boot = Duration::from_secs(boot);
        let ours =
            Cloud::start(boot).await?.measure("ours", async |cloud| ours::launch(cloud, nodes).await).await?;
        let theirs = [(BOTO3, "launch_boto3.py"), (LIBCLOUD, "launch_libcloud.py")];
        for (name, script) in theirs {
            let cloud = Cloud::start(boot).await?;
            let outcome =
                cloud.measure(name, async |cloud| cloud.script(&peers, script, nodes).await).await?;
            compare(&mut bench, &case, &ours, name, &outcome);
        }
    }
    bench.print();
    Ok(())
}

fn compare(bench: &mut Bench, case: &str, ours: &Outcome, peer: &str, theirs: &Outcome) {
    for operation in ["RunInstances", "CreateTags", "DescribeInstances"] {
        let metric = format!("{operation} calls");
        bench.push(Row::less_is_better(
            case,
            &metric,
            ours.calls(operation),
            peer,
            theirs.calls(operation),
            ONE_CALL,
        ));
    }
    bench.push(Row::less_is_better(case, "API calls", ours.total, peer, theirs.total, ONE_CALL));
    let metric = "seconds from last running to noticed";
    bench.push(Row::less_is_better(case, metric, ours.late, peer, theirs.late, SECONDS));
    let metric = "seconds from start to noticed";
    bench.push(Row::less_is_better(case, metric, ours.wall, peer, theirs.wall, SECONDS));
}
