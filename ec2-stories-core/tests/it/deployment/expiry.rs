//! What a controller that is lost leaves behind ends by itself; what has one lives on.

use std::time::Duration;

use ec2_stories_core::attributes::Template;
use ec2_stories_core::deployment::EventKind;
use ec2_stories_core::memory::{Fault, Operation};
use ec2_stories_core::model::{Expires, Expiry, Instance, Mode, Tags, UserData};
use ec2_stories_core::provider::InstanceDeployer;
use ec2_stories_core::{Clock, ErrorKind};
use futures::StreamExt;
use jiff::Timestamp;
use tokio::time::sleep;

use super::world::{World, debian};

const HOUR: Duration = Duration::from_secs(3600);

fn expires(instance: &Instance) -> Option<Timestamp> {
    instance.ownership().unwrap().expires
}

/// What the journal says of the only launch.
fn recorded(world: &World) -> serde_json::Value {
    let journal = world.store.dump().into_iter().filter(|(name, _)| name.contains("/launches/"));
    let launches: Vec<Vec<u8>> = journal.map(|(_, bytes)| bytes.to_vec()).collect();
    assert_eq!(launches.len(), 1);
    // The first line is the record's checksum.
    let body = launches[0].iter().position(|byte| *byte == b'\n').unwrap();
    let launch: serde_json::Value = serde_json::from_slice(&launches[0][body..]).unwrap();
    launch["record"]["request"].clone()
}

fn user_data(request: &serde_json::Value) -> String {
    let hex = request["user_data"].as_str().unwrap_or_default();
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    String::from_utf8((0..hex.len()).step_by(2).map(byte).collect()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_dev_fleet_is_renewed_while_its_controller_lives_and_expires_an_hour_after() {
    let world = World::new();
    let shop = world.shop([debian("web", 3).build().unwrap()]);
    let launched = world.cloud.clock().now();
    let running = shop.start().await.unwrap();
    running.ready().await.unwrap();
    let first = expires(&world.cloud.instances()[0]).unwrap();
    assert!((first.duration_since(launched).as_secs() - 3600).abs() < 5, "{first}");
    for _ in 0..6 {
        sleep(HOUR / 2).await;
        let now = world.cloud.clock().now();
        for instance in world.cloud.instances() {
            let left = expires(&instance).unwrap().duration_since(now).as_secs();
            assert!((2300..=3600).contains(&left), "{left} s");
        }
    }
    let calls = world.cloud.script().count(Operation::Extend);
    assert!((8..=9).contains(&calls), "{calls} calls in three hours for all nodes together");
    running.kill().await;
    sleep(HOUR).await;
    let now = world.cloud.clock().now();
    assert!(world.cloud.instances().iter().all(|instance| expires(instance).unwrap() <= now));

    let running = shop.start().await.unwrap();
    running.ready().await.unwrap();
    sleep(Duration::from_secs(60)).await;
    let now = world.cloud.clock().now();
    assert!(world.cloud.instances().iter().all(|instance| expires(instance).unwrap() > now));
    assert_eq!(world.cloud.instances().len(), 3);
    running.terminate().await.unwrap().assert_clean();
}

#[tokio::test(start_paused = true)]
async fn the_launch_itself_carries_the_time_and_the_switch() {
    let world = World::new();
    let text = Template::literal("#!/bin/sh\necho shop\n");
    let web = debian("web", 1).user_data(text).expires_after(4 * HOUR).build().unwrap();
    let running = world.shop([web]).start().await.unwrap();
    running.ready().await.unwrap();
    let request = recorded(&world);
    assert_eq!(request["metadata"]["tags"], true, "or the guest could not read it");
    assert!(request["ownership"]["expires"].is_string());
    let data = user_data(&request);
    for part in ["text/cloud-boothook", "text/x-shellscript", "-ge 7200 ]", "echo shop"] {
        assert!(data.contains(part), "no {part} in {data}");
    }
    running.terminate().await.unwrap().assert_clean();
}

#[tokio::test(start_paused = true)]
async fn a_launch_that_is_replayed_hours_later_is_renewed_at_once() {
    let world = World::new();
    let shop = world.shop([debian("web", 1).build().unwrap()]);
    world.cloud.fail(Operation::Launch, Fault::StallBefore);
    let running = shop.start().await.unwrap();
    world.cloud.script().stalled().await;
    running.kill().await;
    sleep(5 * HOUR).await;
    let running = shop.start().await.unwrap();
    running.ready().await.unwrap();
    sleep(Duration::from_secs(61)).await;
    let [instance] = &world.cloud.instances()[..] else { panic!("one, by one token") };
    assert!(expires(instance).unwrap() > world.cloud.clock().now());
    running.terminate().await.unwrap().assert_clean();
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_fails_is_told_once_and_tried_again() {
    let world = World::new();
    let running = world.shop([debian("web", 1).build().unwrap()]).start().await.unwrap();
    running.ready().await.unwrap();
    for _ in 0..3 {
        world.cloud.fail(Operation::Extend, Fault::Before);
    }
    let mut events = std::pin::pin!(running.events());
    sleep(HOUR / 2).await;
    let now = world.cloud.clock().now();
    assert!(expires(&world.cloud.instances()[0]).unwrap().duration_since(now).as_secs() > 2300);
    running.terminate().await.unwrap().assert_clean();
    let mut told = 0;
    while let Some(event) = events.next().await {
        told += usize::from(matches!(&event.kind, EventKind::Problem(why) if why.contains("expiry")));
    }
    assert_eq!(told, 1);
}

#[tokio::test(start_paused = true)]
async fn production_lives_on_and_what_becomes_production_does_too() {
    let mut world = World { mode: Mode::Production, ..World::new() };
    let web = || debian("web", 1).build().unwrap();
    let running = world.shop([web()]).start().await.unwrap();
    running.ready().await.unwrap();
    sleep(3 * HOUR).await;
    assert_eq!(expires(&world.cloud.instances()[0]), None);
    assert_eq!(recorded(&world)["user_data"], serde_json::Value::Null);
    assert_eq!(world.cloud.script().count(Operation::Extend), 0);
    running.terminate().await.unwrap().assert_clean();

    world = World::new();
    let running = world.shop([web()]).start().await.unwrap();
    running.ready().await.unwrap();
    running.kill().await;
    let kept = world.shop([debian("web", 1).expires_after(Expiry::Never).build().unwrap()]);
    let running = kept.start().await.unwrap();
    running.ready().await.unwrap();
    sleep(Duration::from_secs(60)).await;
    assert_eq!(expires(&world.cloud.instances()[0]), Some(Expires::NEVER));
    running.terminate().await.unwrap().assert_clean();
}

#[tokio::test(start_paused = true)]
async fn a_plan_says_how_long_nodes_live_and_what_cannot_be_watched() {
    let world = World::new();
    let plan = world.shop([debian("web", 1).build().unwrap()]).plan().await.unwrap();
    assert!(plan.findings().is_empty(), "{plan}");
    assert!(plan.to_string().contains("web: its nodes end themselves 1h after"), "{plan}");

    let filled =
        UserData::new(Template::literal(format!("#!/bin/sh\n#{}\n", "x".repeat(UserData::MAX - 100))));
    for (fleet, why) in [
        (debian("web", 1).user_data(Template::literal("{}")).build().unwrap(), "cloud-init"),
        (debian("web", 1).user_data(filled).build().unwrap(), "room"),
        (debian("web", 1).tags(Tags::new().with("a b", "c")).build().unwrap(), "a b"),
    ] {
        let plan = world.shop([fleet.clone()]).plan().await.unwrap();
        let [finding] = plan.findings() else { panic!("{plan}") };
        assert_eq!(finding.field, "fleet.web.expires_after");
        assert!(finding.message.contains(why), "{plan}");
        let running = world.shop([fleet]).start().await.unwrap();
        running.ready().await.unwrap();
        let request = recorded(&world);
        assert_eq!(request["metadata"]["tags"], false);
        assert!(!user_data(&request).contains("cloud-boothook"));
        assert!(request["ownership"]["expires"].is_string(), "others still see when it should have gone");
        running.terminate().await.unwrap().assert_clean();
        world.assert_nothing_is_left();
    }
    let error = debian("web", 1).expires_after(Duration::from_secs(1)).build().unwrap_err();
    assert_eq!((error.kind(), error.resource()), (ErrorKind::Invalid, Some("fleet.web.expires_after")));
}

#[tokio::test(start_paused = true)]
async fn a_sweep_ends_what_expired_once_nobody_has_the_deployment() {
    let world = World::new();
    let shop = world.shop([debian("web", 2).build().unwrap()]);
    let running = shop.start().await.unwrap();
    running.ready().await.unwrap();
    for instance in world.cloud.instances() {
        let past = world.cloud.clock().now() - 2 * HOUR;
        world.cloud.extend(&[instance.id], past).await.unwrap();
    }
    let left = shop.clone().held_by("another desk").sweep().await.unwrap();
    assert!(left.strays.iter().all(|stray| !stray.terminated && stray.why.contains("controller")), "{left}");
    assert_eq!((left.strays.len(), world.cloud.live()), (2, 2));

    running.kill().await;
    let swept = shop.sweep().await.unwrap();
    assert!(swept.strays.len() == 2 && swept.strays.iter().all(|stray| stray.terminated), "{swept}");
    assert_eq!(world.cloud.live(), 0);
    assert!(shop.sweep().await.unwrap().strays.is_empty());
}
