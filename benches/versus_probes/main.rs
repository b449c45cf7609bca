//! Liveness of many targets: ours beside Debian's prometheus-blackbox-exporter, in one run, on the same targets.
//!
//! The targets are addresses of 127.0.0.0/8 with one server behind them, a process of its own. Ours is the monitor as a deployment has
//! it, with so many nodes and a period that makes `PROBES_A_SECOND` (3,000) of them; the exporter is asked for the same targets by
//! connections that are kept, as fast as it answers. What counts is what either process computed for a probe; who asks the exporter
//! does not. A probe that fails ends the benchmark.
//!
//! `cargo bench -p ec2-stories-benches --no-default-features --bench versus_probes -- [targets …]`, by default 1000 10000 100000.
//! `PROBE_SECONDS` (8) says how long each figure is taken.
#![allow(clippy::print_stdout)] // A benchmark's result is what it prints.

mod decisions;
mod exporter;
mod ours;
mod process;
mod targets;

use std::error::Error;
use std::time::Duration;

use ec2_stories_benches::{Bench, Row};
use exporter::Exporter;
use process::Figure;
use targets::Targets;

pub(crate) type Outcome<T> = Result<T, Box<dyn Error>>;

const PEER: &str = "blackbox_exporter";
/// What there is to beat where the peer does nothing of the kind.
const AIM: &str = "(aim)";
const AIM_BYTES: f64 = 512.0;
const AIM_DECISIONS: f64 = 500_000.0;

/// What is asked of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Http,
    Tcp,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Tcp => "tcp",
        }
    }
}

/// How the figures are taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) seconds: Duration,
    pub(crate) a_second: u32,
}

fn setting<T: std::str::FromStr>(name: &str, default: T) -> Result<T, T::Err> {
    std::env::var(name).map_or(Ok(default), |value| value.parse())
}

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let settings = Settings {
        seconds: Duration::from_secs(setting("PROBE_SECONDS", 8)?),
        a_second: setting("PROBES_A_SECOND", 3000)?,
    };
    // Each process has one thread for its probes: then a core is a core.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--serve"] => runtime.block_on(targets::serve()),
        ["--ours", kind, targets, port] => {
            let kind = if *kind == "tcp" { Kind::Tcp } else { Kind::Http };
            runtime.block_on(ours::run(kind, targets.parse()?, port.parse()?, settings))
        }
        ["--idle", targets] => runtime.block_on(ours::idle(targets.parse()?)),
        counts => {
            let counts: Vec<u32> = counts.iter().map(|count| count.parse()).collect::<Result<_, _>>()?;
            let counts = if counts.is_empty() { vec![1000, 10_000, 100_000] } else { counts };
            runtime.block_on(compare(&counts, settings))
        }
    }
}

async fn compare(counts: &[u32], settings: Settings) -> Outcome<()> {
    let mut bench = Bench::new("versus_probes");
    let targets = Targets::start().await?;
    for &count in counts {
        for kind in [Kind::Http, Kind::Tcp] {
            let case = format!("{count} targets, {}", kind.name());
            let ours: Figure = ours::measured(kind, count, targets.port).await?;
            let exporter = Exporter::start().await?;
            let theirs: Figure = exporter.measured(kind, count, targets.port, settings).await?;
            println!("{case}: ours {ours:?}, {PEER} {theirs:?}");
            let (mine, others) = (ours.a_core_second(), theirs.a_core_second());
            bench.push(Row::more_is_better(&case, "probes per second and core", mine, PEER, others));
            let memory = |figure: &Figure| figure.memory / f64::from(1 << 20);
            let (mine, others) = (memory(&ours), memory(&theirs));
            bench.push(Row::less_is_better(&case, "resident memory in MiB", mine, PEER, others, 1.0));
        }
        let bytes = ours::idle_bytes(count).await? / f64::from(count);
        let case = format!("{count} targets, idle");
        bench.push(Row::less_is_better(&case, "bytes a target", bytes, AIM, AIM_BYTES, 1.0));
        let decided = decisions::a_second(count);
        bench.push(Row::more_is_better(&case, "no-op decisions per second", decided, AIM, AIM_DECISIONS));
    }
    bench.print();
    Ok(())
}
