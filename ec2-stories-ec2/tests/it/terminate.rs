//! Terminating: idempotent, each id on its own.

use std::sync::Arc;
use std::time::Duration;

use ec2_stories_core::aws::ClockTimeSource;
use ec2_stories_core::provider::{Goal, InstanceDeployer};
use ec2_stories_core::{ErrorKind, TokioClock};
use ec2_stories_ec2::Ec2;
use ec2_stories_sim::{Fault, State};

use crate::support::{World, ids, within};

#[tokio::test(start_paused = true)]
async fn many_end_in_few_calls_and_again_is_a_success() {
    let world = World::new().await;
    let launch = world.ec2.launch(&world.request("t1", 100)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    let ids = ids(&launch.instances);
    for _ in 0..2 {
        let outcomes = world.ec2.terminate(&ids).await.unwrap();
        assert_eq!(outcomes.len(), 100);
        assert!(outcomes.iter().all(|termination| termination.outcome.is_ok()));
    }
    assert_eq!(world.sim.calls().count("TerminateInstances"), 2);
    let ended = ids.iter().map(|id| world.ec2.wait(id, Goal::Terminated, within(300)));
    futures::future::try_join_all(ended).await.unwrap();
    assert!(world.sim.instances().iter().all(|instance| instance.state == State::Terminated));
    world.sim.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn an_unknown_id_is_accepted_and_keeps_nobody_alive() {
    let world = World::new().await;
    let launch = world.ec2.launch(&world.request("t1", 2)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let mut all = ids(&launch.instances);
    all.push("i-0123456789abcdef0".into());
    let outcomes = world.ec2.terminate(&all).await.unwrap();
    assert_eq!(outcomes.len(), 3);
    assert!(outcomes.iter().all(|termination| termination.outcome.is_ok()));
    assert!(world.sim.running().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_cannot_be_seen_yet_is_not_taken_for_gone() {
    let world = World::new().await;
    world.sim.faults().always("RunInstances", Fault::UnknownIdFor(Duration::from_secs(20)));
    let launch = world.ec2.launch(&world.request("t1", 1)).await.unwrap();
    let outcomes = world.ec2.terminate(&ids(&launch.instances)).await.unwrap();
    assert!(outcomes[0].outcome.is_ok());
    assert!(world.sim.running().is_empty(), "it would have gone on running");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_ahead_does_not_make_a_fresh_instance_old() {
    let world = World::new().await;
    world.sim.faults().always("RunInstances", Fault::UnknownIdFor(Duration::from_secs(20)));
    let ahead = TokioClock::starting_at(world.sim.now() + Duration::from_secs(600));
    let config = world.sim.sdk_config().into_builder().time_source(ClockTimeSource(Arc::new(ahead))).build();
    let ec2 = Ec2::from_config(&config);
    let launch = ec2.launch(&world.request("t1", 1)).await.unwrap();
    ec2.terminate(&ids(&launch.instances)).await.unwrap();
    assert!(world.sim.running().is_empty(), "it would have gone on running");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_each_ones_own() {
    let world = World::new().await;
    let launch = world.ec2.launch(&world.request("t1", 2)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    world.sim.deny("ec2:TerminateInstances");
    let outcomes = world.ec2.terminate(&ids(&launch.instances)).await.unwrap();
    assert_eq!(outcomes.len(), 2);
    for outcome in outcomes {
        assert_eq!(outcome.outcome.unwrap_err().kind(), ErrorKind::Forbidden);
    }
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_ec2_has_forgotten_is_terminated() {
    let world = World::new().await;
    let gone = "i-0123456789abcdef0".into();
    let instance = world.ec2.wait(&gone, Goal::Terminated, within(300)).await.unwrap();
    assert!(instance.state.is_ending());
}

#[tokio::test(start_paused = true)]
async fn no_ids_are_no_call() {
    let world = World::new().await;
    let before = world.sim.calls().total();
    assert!(world.ec2.terminate(&[]).await.unwrap().is_empty());
    assert_eq!(world.sim.calls().total(), before);
}
