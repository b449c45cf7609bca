//! What the monitor asks the cloud, and what callers ask of it.

use std::time::Duration;

use ec2_stories_core::memory::{Fault, Operation};
use ec2_stories_core::model::{Generation, Health, InstanceState, Share};
use ec2_stories_core::monitor::{HealthMonitorBuilder, HealthState};
use ec2_stories_core::provider::{Hold, InstanceDeployer, Liveness, Monitor, Verdict};
use ec2_stories_core::{Clock, Error, ErrorKind};
use tokio::time::sleep;

use super::world::World;
use crate::support::name;

#[tokio::test(start_paused = true)]
async fn one_call_asks_about_all() {
    let world = World::live(900).await;
    let before = world.cloud.script().count(Operation::Health);
    sleep(Duration::from_secs(300)).await;
    assert_eq!(world.cloud.script().count(Operation::Health) - before, 10);
}

#[tokio::test(start_paused = true)]
async fn a_first_fleet_without_a_probe_is_asked_about_in_the_clouds_period() {
    let plain = |builder: HealthMonitorBuilder| builder.fleet(name("web"), Health::default(), None);
    let world = World::with(100, Health::default(), plain).await;
    // They come to run one after the other.
    for node in &world.nodes {
        world.monitor.watch(node, Generation::FIRST).await.unwrap();
        sleep(Duration::from_millis(250)).await;
    }
    sleep(Duration::from_secs(36)).await;
    assert_eq!(world.cloud.script().count(Operation::Health), 2, "in the first minute");
    let live = |slot: u32| world.monitor.snapshot().nodes[slot as usize].state == HealthState::Live;
    assert!((0..100).all(live));
}

#[tokio::test(start_paused = true)]
async fn a_successor_without_a_probe_is_asked_about_until_it_lives_since_others_wait_for_it() {
    let plain = |builder: HealthMonitorBuilder| builder.fleet(name("web"), Health::default(), None);
    let world = World::with(2, Health::default(), plain).await;
    for node in &world.nodes {
        world.monitor.watch(node, Generation::FIRST).await.unwrap();
    }
    sleep(Duration::from_secs(300)).await;
    world.monitor.replacing(world.address(0), Generation::FIRST).await.unwrap();
    world.monitor.watch(&world.nodes[0], Generation(2)).await.unwrap();
    let Health { period, success_threshold, .. } = Health::default();
    sleep(period * success_threshold + Duration::from_secs(2)).await;
    assert_eq!(world.monitor.snapshot().nodes[0].state, HealthState::Live);
    let before = world.cloud.script().count(Operation::Health);
    sleep(Duration::from_secs(300)).await;
    assert_eq!(world.cloud.script().count(Operation::Health) - before, 10);
}

#[tokio::test(start_paused = true)]
async fn whoever_is_suspect_is_asked_about_at_once_with_all_others_that_are() {
    let world = World::live(300).await;
    let before = world.cloud.script().count(Operation::Health);
    // One zone of three: in its failing there is no blindness.
    (0..300).filter(|slot| slot % 3 == 0).for_each(|slot| world.fails(slot));
    sleep(Duration::from_secs(60)).await;
    let asked = world.cloud.script().count(Operation::Health) - before;
    assert!((4..=14).contains(&asked), "{asked} calls for a hundred suspects");
}

#[tokio::test(start_paused = true)]
async fn while_the_cloud_does_not_answer_nobody_is_replaced() {
    let world = World::live(1).await;
    world.fails(0);
    sleep(Duration::from_secs(5)).await;
    for _ in 0..1000 {
        world.cloud.fail(Operation::Health, Fault::Before);
    }
    assert_eq!(world.replaced(3600).await, [0_u32; 0]);
    assert!(world.monitor.snapshot().cloud_silent.is_some_and(|why| why.contains("connection refused")));
    world.cloud.script().heal();
    let (.., took) = world.verdict().await;
    assert!(took <= 32, "{took}");
    assert_eq!(world.monitor.snapshot().cloud_silent, None);
}

#[tokio::test(start_paused = true)]
async fn a_cloud_that_never_returns_is_silent_and_asked_again() {
    let world = World::live(1).await;
    world.fails(0);
    world.cloud.fail(Operation::Health, Fault::StallBefore);
    let (.., took) = world.verdict().await;
    assert!((105..=135).contains(&took), "{took}");
}

#[tokio::test(start_paused = true)]
async fn a_deep_ping_gives_both_answers_and_changes_nothing() {
    let world = World::live(1).await;
    world.fails(0);
    for _ in 0..10 {
        let checked = world.monitor.check_now(world.address(0)).await.unwrap();
        assert_eq!(checked.probe, Some(Liveness::Failing("connection refused".to_owned())));
        let health = checked.cloud.unwrap().unwrap().unwrap();
        assert_eq!((&health.id, health.state), (world.id(0), InstanceState::Running));
    }
    assert_eq!(world.monitor.snapshot().nodes[0].state, HealthState::Live);
    world.cloud.fail(Operation::Health, Fault::Before);
    let checked = world.monitor.check_now(world.address(0)).await.unwrap();
    assert!(checked.cloud.unwrap().is_err());
    let unknown = "web/7".parse().unwrap();
    assert_eq!(world.monitor.check_now(&unknown).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test(start_paused = true)]
async fn a_hold_says_who_why_and_until_when_within_a_day() {
    let world = World::live(1).await;
    let now = world.cloud.clock().now();
    let day = Duration::from_secs(24 * 3600);
    let hold =
        |owner: &str, reason: &str, until| Hold { owner: owner.to_owned(), reason: reason.to_owned(), until };
    for (wrong, field) in [
        (hold("", "debugging", now + day), "owner"),
        (hold("ann", " ", now + day), "reason"),
        (hold("ann", "debugging", now), "until"),
        (hold("ann", "debugging", now + day + Duration::from_secs(1)), "until"),
    ] {
        let error: Error = world.monitor.hold(world.address(0), wrong).await.unwrap_err();
        assert_eq!((error.kind(), error.resource()), (ErrorKind::Invalid, Some(field)));
    }
    let held = hold("ann", "debugging", now + day);
    world.monitor.hold(world.address(0), held.clone()).await.unwrap();
    world.fails(0);
    sleep(Duration::from_secs(300)).await;
    let node = world.monitor.snapshot().nodes.remove(0);
    assert_eq!((node.state, node.hold), (HealthState::Held, Some(held)));
    let (.., took) = world.verdict().await;
    assert!((86_090..=86_100).contains(&took), "{took}");
}

#[tokio::test(start_paused = true)]
async fn the_condemned_go_one_after_the_other_as_their_successors_live() {
    let world = World::live(5).await;
    for node in &world.nodes {
        world.monitor.condemn(&node.address, "it has an old image").await.unwrap();
    }
    for _ in 0..5 {
        let (slot, verdict, _) = world.verdict().await;
        assert!(matches!(verdict, Verdict::Leaving { why, .. } if why == "it has an old image"));
        assert_eq!(world.monitor.snapshot().fleets[0].in_flight, 1);
        assert_eq!(world.replaced(300).await, [0_u32; 0]);
        let node = &world.nodes[slot as usize];
        world.monitor.watch(node, Generation::FIRST.next()).await.unwrap();
    }
    sleep(Duration::from_secs(60)).await;
    let figures = world.monitor.snapshot().fleets.remove(0);
    assert_eq!((figures.in_flight, figures.waiting, figures.unhealthy), (0, 0, 0));
    assert!(world.monitor.condemn(&"web/9".parse().unwrap(), "old").await.is_err());
}

#[tokio::test(start_paused = true)]
async fn replacements_of_an_earlier_controller_count() {
    let health = Health { max_in_flight: Share::Nodes(1), ..Health::default() };
    let world = World::new(3, health).await;
    let gone = "web/9".parse().unwrap();
    world.monitor.replacing(&gone, Generation::FIRST).await.unwrap();
    world.watch_all().await;
    world.cloud.terminate(&[world.id(0).clone()]).await.unwrap();
    assert_eq!(world.replaced(600).await, [0_u32; 0]);
    world.monitor.forget(&gone).await.unwrap();
    assert_eq!(world.verdict().await.0, 0);
}

#[tokio::test(start_paused = true)]
async fn whoever_is_quarantined_is_left_alone() {
    let world = World::live(2).await;
    world.monitor.quarantine(world.address(0), "five deaths in an hour").await.unwrap();
    world.fails(0);
    world.cloud.terminate(&[world.id(0).clone()]).await.unwrap();
    let asked = world.probe.asked(world.address(0));
    assert_eq!(world.verdicts(3600).await, []);
    assert!(world.probe.asked(world.address(0)) <= asked + 1);
    let node = world.monitor.snapshot().nodes.remove(0);
    assert_eq!(node.state, HealthState::Quarantined);
    assert_eq!(node.why.as_deref(), Some("five deaths in an hour"));
}
