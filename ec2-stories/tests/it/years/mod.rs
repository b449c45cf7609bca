//! Months of a deployment in virtual time, with everything going wrong that can, at times that a seed says.

mod cloud;
mod life;
mod nature;
mod probe;
mod truth;

use std::time::Duration;

use life::{Life, live};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Replays one life.
const SEED: &str = "EC2_STORIES_YEARS_SEED";

async fn lives(seeds: std::ops::Range<u64>, length: Duration) {
    let seeds = match std::env::var(SEED) {
        Ok(seed) => seed.parse().map(|seed| seed..seed + 1).expect("a seed is a number"),
        Err(_) => seeds,
    };
    let mut all = Life::default();
    for seed in seeds.clone() {
        let life = live(seed, length).await;
        println!("seed {seed}: {life}");
        assert!(life.wrong.is_empty(), "{SEED}={seed}:\n{}", life.wrong.join("\n"));
        all += life;
    }
    println!("seeds {seeds:?}: {all}");
}

#[tokio::test(start_paused = true)]
async fn whatever_happens_a_deployment_comes_back_and_nothing_healthy_is_harmed() {
    lives(0..6, 5 * DAY).await;
}
