//! Launch a fleet and wait until it runs: ours beside boto3 with its waiter and Apache Libcloud, each on a fresh copy of
//! one simulated cloud, served on loopback in real time.
//!
//! The cloud knows when each instance ran; a client says when it knew of all of them. Ours launches twice: the first fleet is
//! of a kind that it has never seen boot, the second is of a kind that it knows. The peers learn nothing.
//!
//! `cargo bench -p ec2-stories-benches --bench versus_launch`
#![allow(clippy::print_stdout)] // A benchmark's result is what it prints.

mod case;
mod cloud;
mod ours;

use case::Case;
use cloud::{Cloud, Outcome};
use ec2_stories_benches::{Bench, Peers, Row};
use ours::Ours;

const BOTO3: &str = "boto3 1.44.5";
const LIBCLOUD: &str = "apache-libcloud 3.9.1";

const CASES: [Case; 5] = [
    Case { nodes: 20, boot: 30, jitter: 0.0 },
    Case { nodes: 100, boot: 30, jitter: 0.0 },
    Case { nodes: 500, boot: 30, jitter: 0.0 },
    Case { nodes: 100, boot: 30, jitter: 0.2 },
    Case { nodes: 100, boot: 16, jitter: 0.0 },
];

/// What the metrics can tell apart: calls, and seconds on a busy machine.
const ONE_CALL: f64 = 1.0;
const SECONDS: f64 = 0.01;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let peers = Peers::install(&["boto3==1.44.5", "apache-libcloud==3.9.1"])?;
    let mut bench = Bench::new("versus_launch");
    for case in CASES {
        let cloud = Cloud::start(&case).await?;
        let client = Ours::connect(&cloud).await?;
        let first = cloud.measure("ours, first", async |_| client.launch("first", case.nodes).await).await?;
        let second =
            cloud.measure("ours, second", async |_| client.launch("second", case.nodes).await).await?;
        for (name, script) in [(BOTO3, "launch_boto3.py"), (LIBCLOUD, "launch_libcloud.py")] {
            let cloud = Cloud::start(&case).await?;
            let peer = async |cloud: &Cloud| cloud.script(&peers, script, case.nodes).await;
            let theirs = cloud.measure(name, peer).await?;
            compare(&mut bench, &format!("{case}, first fleet"), &first, name, &theirs);
            compare(&mut bench, &format!("{case}, second fleet"), &second, name, &theirs);
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
