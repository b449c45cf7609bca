//! Controllers that are killed at every boundary: before and after each operation on the journal, each request to the cloud, each
//! step on a node. The cloud is a process of its own, and says at the end what was launched twice and what is left.

mod boundary;
mod cloud;
mod nodes;
mod order;
mod place;
mod plan;
mod scenario;
mod trial;
mod truth;

use std::env;
use std::fmt::Debug;
use std::ops::Add;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use cloud::Cloud;
use futures::{StreamExt, stream};
use order::Order;
use plan::{Life, Plan};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use scenario::Scenario;
use trial::Tally;
use truth::{Overlap, Truth};

const TEST: &str = "kills::a_controller_killed_at_any_boundary_launches_nothing_twice_and_leaves_nothing";

/// How many kills a run of the tests sees; `cargo xtask kills` sees as many as it is told.
const SAMPLE: u64 = 60;

/// Plans under way at once: most of the time they wait for machines.
const AT_ONCE: usize = 32;

/// A long run says now and then that it goes on.
const SAY_EVERY: u64 = 100;

/// A setting of `cargo xtask kills`.
fn setting<T: FromStr<Err: Debug>>(name: &str) -> Option<T> {
    let value = env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|error| panic!("{name}={value}: {error:?}")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_controller_killed_at_any_boundary_launches_nothing_twice_and_leaves_nothing() {
    if let Some(order) = Order::from_environment() {
        return order.obey().await;
    }
    let seed: u64 = setting("EC2_STORIES_KILLS_SEED").unwrap_or(1);
    if let Some(plan) = setting::<Plan>("EC2_STORIES_KILLS_ONLY") {
        let tally = trial::run(&plan, seed).await;
        println!("kills: {plan}, seed {seed}: {tally}");
        assert!(tally.is_good());
        return;
    }
    let wanted: u64 = setting("EC2_STORIES_KILLS").unwrap_or(SAMPLE);
    let measured = stream::iter(Scenario::ALL).map(|scenario| async move {
        let undisturbed = Plan { scenario, lives: vec![Life::UNDISTURBED] };
        (scenario, trial::measure(&undisturbed, seed).await)
    });
    let measured: Vec<(Scenario, u64)> = measured.buffered(AT_ONCE).collect().await;
    let boundaries: u64 = measured.iter().map(|(_, boundaries)| boundaries).sum();
    let kills = &AtomicU64::new(0);
    let plans = plans(&measured, seed).take_while(|_| kills.load(Ordering::SeqCst) < wanted);
    let trials = stream::iter(plans).map(|plan| async move {
        let tally = trial::run(&plan, seed).await;
        let before = kills.fetch_add(tally.kills, Ordering::SeqCst);
        let now = before + tally.kills;
        if before / SAY_EVERY < now / SAY_EVERY {
            println!("{now} kills so far");
        }
        tally
    });
    let all: Vec<Tally> = trials.buffer_unordered(AT_ONCE).collect().await;
    let tally = all.into_iter().fold(Tally::default(), Tally::add);
    let scenarios = measured.len();
    println!("kills: seed {seed}, {boundaries} boundaries of {scenarios} scenarios: {tally}");
    assert!(tally.is_good(), "{tally}");
    assert!(tally.kills >= wanted, "only {} kills", tally.kills);
}

/// Plans whose first controller dies at each boundary of each scenario, in an order that the seed says; then again, with other
/// followers.
fn plans(measured: &[(Scenario, u64)], seed: u64) -> impl Iterator<Item = Plan> {
    (seed..).flat_map(move |seed| {
        let mut round: Vec<Plan> = Vec::new();
        for (scenario, boundaries) in measured {
            round.extend((1..=*boundaries).map(|at| Plan::dying_first_at(*scenario, at, *boundaries, seed)));
        }
        round.shuffle(&mut StdRng::seed_from_u64(seed));
        round
    })
}

#[tokio::test]
async fn the_witness_sees_what_was_launched_twice_and_what_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let cloud = Cloud::start(folder.path(), 1).await;
    let mut truth = Truth::of(&cloud.url).await;
    assert_eq!(truth.leaks().await, Vec::<String>::new());
    for generation in [1, 1, 2] {
        truth.launch("web/0".parse().unwrap(), generation).await;
    }
    let leaks = truth.leaks().await;
    assert_eq!((truth.launched(), leaks.len()), (3, 3), "{leaks:?}");
    assert_eq!(truth.doubles(Overlap::Never).len(), 3);
    assert_eq!(truth.doubles(Overlap::OfGenerations).len(), 1, "the two of generation 1");
}
