//! Weeks of a deployment in virtual time, with everything going wrong that can, at times that a seed says: the lives that the core lives on
//! its cloud in memory, through the AWS SDK.

mod ground;
#[allow(dead_code)] // The core lives at more paces.
#[path = "../../../../ec2-stories-core/tests/it/years/lives/mod.rs"]
mod lives;

use std::ops::Range;
use std::time::Duration;

use ground::Simulated;
use lives::{DAY, Life, Pace, SEED, live};

/// Lives one life after the other.
///
/// # Panics
/// After the first in which something was wrong, saying how to live it again.
async fn lives(pace: Pace, seeds: Range<u64>, length: Duration) {
    let seeds = match std::env::var(SEED) {
        Ok(seed) => seed.parse().map(|seed| seed..seed + 1).expect("a seed is a number"),
        Err(_) => seeds,
    };
    let mut all = Life::default();
    for seed in seeds.clone() {
        let life = live(Simulated::of_seed(seed), pace, seed, length).await;
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
