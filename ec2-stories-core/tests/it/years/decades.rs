//! Lives until so many node-years are lived, on so many threads.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::lives::{Life, SEED};

/// What all threads know.
struct Log {
    seeds: Range<u64>,
    all: Life,
    cpu: Duration,
    /// What was wrong, by seed.
    wrong: BTreeMap<u64, Vec<String>>,
}

/// # Panics
/// When a life was wrong, with all that was, and how to live it again.
pub(super) fn live_through(seeds: Range<u64>, node_years: f64, threads: usize) {
    let first = seeds.start;
    let log = Mutex::new(Log { seeds, all: Life::default(), cpu: Duration::ZERO, wrong: BTreeMap::new() });
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| work(&log, node_years));
        }
    });
    let Log { seeds, all, cpu, wrong } = log.into_inner().unwrap_or_else(PoisonError::into_inner);
    let speed = all.node_years / cpu.as_secs_f64();
    println!("years: seeds {first} to {}: {all}, {speed:.2} node-years a CPU second", seeds.start - 1);
    let again = wrong.iter().map(|(seed, wrong)| format!("{SEED}={seed}:\n{}", wrong.join("\n")));
    assert!(wrong.is_empty(), "{}", again.collect::<Vec<_>>().join("\n\n"));
}

fn work(log: &Mutex<Log>, node_years: f64) {
    let locked = || log.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let next = {
            let mut log = locked();
            if log.all.node_years >= node_years { None } else { log.seeds.next() }
        };
        let Some(seed) = next else { break };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let (pace, life) = runtime.unwrap().block_on(super::life(seed));
        println!("{} nodes, seed {seed}: {life}", pace.nodes());
        let mut log = locked();
        if !life.wrong.is_empty() {
            log.wrong.insert(seed, life.wrong.clone());
        }
        log.all += life;
    }
    locked().cpu += cpu_time();
}

/// What this thread has cost.
fn cpu_time() -> Duration {
    // https://docs.kernel.org/scheduler/sched-stats.html: first the time on the CPU, in nanoseconds.
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split_whitespace()
        .next()
        .and_then(|text| text.parse().ok())
        .map_or(Duration::ZERO, Duration::from_nanos)
}
