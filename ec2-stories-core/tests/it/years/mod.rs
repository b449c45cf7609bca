//! Decades of a deployment on the cloud in memory, in virtual time.

mod decades;
mod lives;
mod memory;

use lives::{DAY, Life, Pace, live};
use memory::Memory;

/// How many node-years are to be lived, where it is not the default; `cargo xtask years` sets it.
const YEARS: &str = "EC2_STORIES_YEARS";

/// Where the seeds begin, for as many lives as it takes.
const FIRST: &str = "EC2_STORIES_YEARS_FROM";

/// As long as a test run may take for it: one life at each pace.
const DEFAULT_YEARS: f64 = 17.0;

/// One life, of which its seed says all.
async fn life(seed: u64) -> (Pace, Life) {
    let (pace, length) = match seed % 4 {
        0 => (Pace::VAST, 10 * DAY),
        1 => (Pace::BRISK, 5 * DAY),
        2 => (Pace::SLOW.launching_first(), 10 * DAY),
        _ => (Pace::VAST.launching_first(), 10 * DAY),
    };
    (pace, live(Memory::of_seed(seed).await, pace, seed, length).await)
}

#[test]
fn in_decades_nothing_is_launched_twice_nothing_healthy_harmed_and_nothing_left() {
    let setting = |name| std::env::var(name).ok();
    let number = |text: String| text.parse::<u64>().expect("a seed is a number");
    if let Some(seed) = setting(lives::SEED).map(number) {
        return decades::live_through(seed..seed + 1, f64::INFINITY, 1);
    }
    let first = setting(FIRST).map_or(0, number);
    let years = setting(YEARS).map(|years| years.parse::<f64>().expect("years are a number"));
    // Beside other tests it has one thread.
    let threads = years.map_or(1, |_| std::thread::available_parallelism().map_or(1, usize::from));
    decades::live_through(first..u64::MAX, years.unwrap_or(DEFAULT_YEARS), threads);
}
