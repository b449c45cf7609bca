//! Each kind of death, and how long the verdict takes.

use std::sync::Arc;
use std::time::Duration;

use ec2_stories_core::model::{Generation, Health, Notice};
use ec2_stories_core::monitor::{HealthEvent, HealthMonitor, HealthState, What};
use ec2_stories_core::probe::probe_fn;
use ec2_stories_core::provider::{Liveness, Monitor, Verdict};
use ec2_stories_core::{Clock, Error, ErrorKind};
use futures::StreamExt;

use super::world::World;
use crate::support::name;

#[tokio::test(start_paused = true)]
async fn a_node_that_fails_is_replaced_two_minutes_after_its_last_success() {
    let world = World::live(3).await;
    world.fails(1);
    let (slot, verdict, took) = world.verdict().await;
    assert_eq!(slot, 1);
    assert!(matches!(verdict, Verdict::Replace(why) if why.starts_with("connection refused")));
    assert!((105..=135).contains(&took), "{took}");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_hangs_is_replaced_as_soon() {
    let health = Health::default();
    let hangs = probe_fn("hangs", async |_| std::future::pending().await).timeout(Duration::from_secs(3600));
    let world =
        World::with(1, health.clone(), |builder| builder.fleet(name("web"), health, Some(Arc::new(hangs))))
            .await;
    world.monitor.resume(&world.nodes[0], Generation::FIRST).await.unwrap();
    let (_, verdict, took) = world.verdict().await;
    assert!(matches!(verdict, Verdict::Replace(why) if why.starts_with("hangs: no answer within 5s")));
    assert!((120..=140).contains(&took), "{took}");
}

#[tokio::test(start_paused = true)]
async fn what_the_cloud_ended_is_replaced_with_its_next_word() {
    for watched in [true, false] {
        let world = World::new(1, Health::default()).await;
        if watched {
            world.watch_all().await;
        } else {
            world.fails(0);
            world.monitor.watch(&world.nodes[0], Generation::FIRST).await.unwrap();
        }
        world.cloud.kill(world.id(0), "Server.SpotInstanceTermination", "taken away");
        let (_, verdict, took) = world.verdict().await;
        assert!(matches!(verdict, Verdict::Replace(why) if why.contains("Server.SpotInstanceTermination")));
        assert!(took <= 31, "{took}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_declared_dead_is_replaced_with_the_next_probe() {
    let world = World::live(1).await;
    world.answers(0, Liveness::DeclaredDead("its disk is read-only".to_owned()));
    let (_, verdict, took) = world.verdict().await;
    assert_eq!(verdict, Verdict::Replace("its disk is read-only".to_owned()));
    assert!(took <= 11, "{took}");
}

#[tokio::test(start_paused = true)]
async fn impaired_status_checks_take_two_minutes_and_the_clouds_period() {
    let world = World::live(1).await;
    world.cloud.impair(world.id(0), true);
    let (_, verdict, took) = world.verdict().await;
    assert!(matches!(verdict, Verdict::Replace(why) if why.contains("status check is impaired")));
    assert!((120..=155).contains(&took), "{took}");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_never_starts_has_ten_minutes() {
    let world = World::new(1, Health::default()).await;
    world.fails(0);
    world.monitor.watch(&world.nodes[0], Generation::FIRST).await.unwrap();
    let (_, _, took) = world.verdict().await;
    assert!((600..=602).contains(&took), "{took}");
}

#[tokio::test(start_paused = true)]
async fn a_spot_notice_lets_a_node_leave_while_it_still_works() {
    let world = World::live(1).await;
    let at = world.cloud.clock().now() + Duration::from_secs(120);
    world.cloud.notify(world.id(0), Notice { what: "spot-interruption".to_owned(), ends: true, at });
    let (_, verdict, took) = world.verdict().await;
    assert_eq!(verdict, Verdict::Leaving { why: "the cloud announces spot-interruption".to_owned(), by: at });
    assert!(took <= 31, "{took}");
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_panics_says_nothing_of_the_node() {
    let health = Health::default();
    let broken = probe_fn("broken", async |_| panic!("index out of bounds"));
    let world =
        World::with(1, health.clone(), |builder| builder.fleet(name("web"), health, Some(Arc::new(broken))))
            .await;
    world.monitor.resume(&world.nodes[0], Generation::FIRST).await.unwrap();
    assert_eq!(world.verdicts(3600).await, []);
    let checked = world.monitor.check_now(world.address(0)).await.unwrap();
    let why = "the probe panicked: index out of bounds".to_owned();
    assert_eq!(checked.probe, Some(Liveness::Unknown(why)));
}

#[tokio::test(start_paused = true)]
async fn events_say_what_was_decided_and_why() {
    let world = World::live(1).await;
    let events = world.monitor.events();
    world.fails(0);
    world.verdict().await;
    let events: Vec<HealthEvent> = events.take(3).collect().await;
    let said: Vec<String> = events.iter().map(ToString::to_string).collect();
    assert!(said[0].contains("web/0 (generation 1): suspect: connection refused"), "{said:?}");
    assert!(said[1].contains("dead: connection refused (for 12"), "{said:?}");
    assert!(said[2].contains("to be replaced: connection refused"), "{said:?}");
    assert!(matches!(events[1].what, What::Dead { definitive: false, .. }));

    let snapshot = world.monitor.snapshot();
    assert_eq!(snapshot.nodes[0].state, HealthState::Replacing);
    assert_eq!((snapshot.fleets[0].in_flight, snapshot.fleets[0].nodes), (1, 1));
    let silence = world.cloud.clock().now().duration_since(snapshot.nodes[0].last_success.unwrap());
    assert!((120..=131).contains(&silence.as_secs()), "{silence:?}");
}

#[tokio::test(start_paused = true)]
async fn everything_ends_with_the_last_handle() {
    let world = World::live(1).await;
    let events = world.monitor.events();
    let clone = world.monitor.clone();
    let World { monitor, cloud, probe, nodes } = world;
    drop(monitor);
    let before = probe.asked(&nodes[0].address);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(probe.asked(&nodes[0].address) > before, "one handle is left");
    drop(clone);
    let (asked, calls) = (probe.asked(&nodes[0].address), cloud.script().calls().len());
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!((probe.asked(&nodes[0].address), cloud.script().calls().len()), (asked, calls));
    assert_eq!(events.count().await, 0, "they end, too");
}

#[tokio::test(start_paused = true)]
async fn a_node_of_a_fleet_nobody_told_of_is_refused() {
    let world = World::live(1).await;
    let monitor = HealthMonitor::builder().build();
    let error: Error = monitor.watch(&world.nodes[0], Generation::FIRST).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("not told of fleet web"), "{error}");
}
