//! Weeks of a deployment in virtual time, with everything going wrong that can, at times that a seed says.

mod cloud;
mod life;
mod nature;
mod pace;
mod probe;
mod truth;

use std::time::Duration;

use life::{Life, live};
use pace::Pace;

const DAY: Duration = Duration::from_secs(24 * 3600);
const YEAR: Duration = Duration::from_secs(31_557_600);

/// Replays one life.
const SEED: &str = "EC2_STORIES_YEARS_SEED";

async fn lives(pace: Pace, seeds: std::ops::Range<u64>, length: Duration) {
    let seeds = match std::env::var(SEED) {
        Ok(seed) => seed.parse().map(|seed| seed..seed + 1).expect("a seed is a number"),
        Err(_) => seeds,
    };
    let mut all = Life::default();
    for seed in seeds.clone() {
        let life = live(pace, seed, length).await;
        println!("{} nodes, seed {seed}: {life}", pace.nodes());
        assert!(life.wrong.is_empty(), "{SEED}={seed}:\n{}", life.wrong.join("\n"));
        all += life;
    }
    println!("years: {} nodes, seeds {seeds:?}: {all}", pace.nodes());
}

#[tokio::test(start_paused = true)]
async fn whatever_happens_a_deployment_comes_back_and_nothing_healthy_is_harmed() {
    lives(Pace::BRISK, 0..6, 2 * DAY).await;
}

#[tokio::test(start_paused = true)]
async fn weeks_of_many_nodes_that_are_looked_at_seldom_pass_without_harm() {
    lives(Pace::SLOW, 0..2, 10 * DAY).await;
}
