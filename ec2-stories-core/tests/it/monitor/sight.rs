//! When the watcher is sick.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ec2_stories_core::model::{Generation, Health};
use ec2_stories_core::monitor::{Canary, HealthState};
use ec2_stories_core::provider::{Liveness, Monitor};
use tokio::time::sleep;

use super::world::World;

#[tokio::test(start_paused = true)]
async fn an_outage_of_two_zones_replaces_nothing_and_passes() {
    let world = World::live(30).await;
    let lost = |slot: &usize| slot % 3 != 2;
    (0..30).filter(lost).for_each(|slot| world.fails(slot));
    assert_eq!(world.replaced(2 * 3600).await, [0_u32; 0]);
    let blind = world.monitor.snapshot().blind.unwrap();
    assert!(blind.contains("fail at once"), "{blind}");
    (0..30).filter(lost).for_each(|slot| world.answers(slot, Liveness::Live));
    assert_eq!(world.replaced(3600).await, [0_u32; 0]);
    let snapshot = world.monitor.snapshot();
    assert_eq!(snapshot.blind, None);
    assert!(snapshot.nodes.iter().all(|node| node.state == HealthState::Live));
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_one_zone_is_replaced_one_then_two_then_four_at_a_time() {
    let world = World::live(90).await;
    (0..90).filter(|slot| slot % 3 == 0).for_each(|slot| world.fails(slot));
    let mut waves = Vec::new();
    let mut generation = Generation::FIRST;
    while waves.iter().sum::<usize>() < 30 {
        let replaced = world.replaced(300).await;
        waves.push(replaced.len());
        generation = generation.next();
        for slot in replaced {
            world.answers(slot as usize, Liveness::Live);
            world.monitor.watch(&world.nodes[slot as usize], generation).await.unwrap();
        }
    }
    // Each that lives lets the next ones in, two for one; a tenth of the zone's thirty is the most.
    assert_eq!(waves[..4], [1, 2, 3, 3], "{waves:?}");
    sleep(Duration::from_secs(60)).await;
    assert!(world.monitor.snapshot().nodes.iter().all(|node| node.state == HealthState::Live));
}

#[tokio::test(start_paused = true)]
async fn while_the_canaries_are_silent_nothing_is_replaced() {
    let sings = Arc::new(AtomicBool::new(true));
    let canary = {
        let sings = sings.clone();
        Canary::new("gateway", move || {
            let sings = sings.load(Ordering::Relaxed);
            async move { if sings { Liveness::Live } else { Liveness::Unknown("no route".to_owned()) } }
        })
    };
    let world = World::with(1, Health::default(), |builder| builder.canary(canary)).await;
    world.watch_all().await;
    world.fails(0);
    sings.store(false, Ordering::Relaxed);
    assert_eq!(world.replaced(3600).await, [0_u32; 0]);
    assert_eq!(world.monitor.snapshot().blind.as_deref(), Some("1 of 1 canaries do not answer"));
    sings.store(true, Ordering::Relaxed);
    let (_, _, took) = world.verdict().await;
    assert!((120..=145).contains(&took), "the whole time anew, not {took}");
}

#[tokio::test(start_paused = true)]
async fn a_watcher_that_was_kept_from_running_replaces_nothing_for_it() {
    let world = World::live(3).await;
    world.fails(0);
    sleep(Duration::from_secs(100)).await;
    // As a process that was stopped, or a machine that slept.
    tokio::time::advance(Duration::from_secs(900)).await;
    world.answers(0, Liveness::Live);
    assert_eq!(world.replaced(600).await, [0_u32; 0]);
    assert_eq!(world.monitor.snapshot().blind, None);
}
