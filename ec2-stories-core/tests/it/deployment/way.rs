//! The whole way, up and down.

use ec2_stories_core::deployment::machine::Phase;
use ec2_stories_core::memory::Operation;
use ec2_stories_core::model::{FirewallPolicy, InstanceState, Mode, Source};

use super::world::{World, debian};

#[tokio::test(start_paused = true)]
async fn a_fleet_is_deployed_used_and_taken_down() {
    let world = World::new();
    let shop = world.shop([debian("web", 3).build().unwrap()]);
    let running = shop.start().await.unwrap();
    running.ready().await.unwrap();
    let nodes = running.nodes();
    assert_eq!(nodes.len(), 3);
    for node in &nodes {
        assert_eq!(node.phase, Phase::Live, "{node:?}");
        assert_eq!(node.instance.as_ref().unwrap().state, InstanceState::Running);
    }
    assert!(running.ping().await.passed());
    assert_eq!(world.cloud.script().count(Operation::Launch), 1, "one call for the whole batch");
    let report = running.terminate().await.unwrap();
    report.assert_clean();
    assert!(report.nodes().iter().all(|node| node.phase == Phase::Terminated), "{report}");
    assert_eq!(world.cloud.script().count(Operation::Terminate), 1, "{report}");
    world.assert_nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn start_follows_the_order_and_the_end_reverses_it() {
    let world = World::new();
    let anyone = || FirewallPolicy::builder().tcp(443, Source::Anywhere).build();
    let web = debian("web", 2).after("db").firewall(anyone()).build().unwrap();
    let running = world.shop([web, debian("db", 1).build().unwrap()]).start().await.unwrap();
    running.ready().await.unwrap();
    let launched = |fleet: &str| {
        let instances = world.cloud.instances();
        instances
            .into_iter()
            .find(|i| i.node().unwrap().fleet.as_str() == fleet)
            .unwrap()
            .launched_at
            .unwrap()
    };
    assert!((launched("web") - launched("db")).get_seconds() >= 30, "web waits until db runs");
    running.terminate().await.unwrap().assert_clean();
    assert_eq!(world.cloud.script().count(Operation::Terminate), 2);
    world.assert_nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_has_ended_is_started_anew_under_the_same_journal() {
    let world = World::new();
    let shop = world.shop([debian("web", 2).build().unwrap()]);
    for round in 1..=2 {
        let running = shop.start().await.unwrap();
        running.ready().await.unwrap();
        running.terminate().await.unwrap().assert_clean();
        assert_eq!(world.cloud.instances().len(), 2 * round);
    }
}

#[tokio::test(start_paused = true)]
async fn production_nodes_outlive_the_program_and_are_adopted() {
    let world = World { mode: Mode::Production, ..World::new() };
    let shop = world.shop([debian("web", 3).build().unwrap()]);
    let running = shop.start().await.unwrap();
    running.ready().await.unwrap();
    drop(running);
    tokio::task::yield_now().await;
    let again = shop.start().await.unwrap();
    again.ready().await.unwrap();
    assert_eq!(world.cloud.instances().len(), 3);
    let report = again.detach().await.unwrap();
    assert_eq!(world.cloud.live(), 3, "{report}");
    shop.terminate().await.unwrap().assert_clean();
    world.assert_nothing_is_left();
}
