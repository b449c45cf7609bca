//! Launches of which nothing is left: the journal forgets them, and the limits do not, nor do they count them twice.

use std::time::Duration;

use ec2_stories_core::Deployment;
use ec2_stories_core::deployment::DeploymentBuilder;
use ec2_stories_core::memory::Fault;
use ec2_stories_core::model::{Limits, Mode};
use ec2_stories_core::provider::TupleStore;
use tokio::time::sleep;

use super::replacement::{is_live, until};
use super::world::{World, debian};

/// What the limit says of how many were launched.
fn shop(world: &World, nodes: u32, launches: u32) -> Deployment {
    let limits = Limits { launches, ..Limits::default() };
    let clock = std::sync::Arc::new(world.cloud.clock());
    let builder = Deployment::builder().name("shop").mode(world.mode).limits(limits).clock(clock);
    let builder = builder.cloud(world.cloud.clone()).journal(world.store.clone());
    let fleets = [debian("web", nodes).build().unwrap()];
    fleets.into_iter().fold(builder, DeploymentBuilder::fleet).build().unwrap().held_by("desk")
}

/// Replaces both nodes. The controller that follows forgets their first launch, and dies at a call of the store. Whether it did.
async fn dies(world: &World, after: usize, fault: Fault) -> bool {
    let running = shop(world, 2, 4).start().await.unwrap();
    running.ready().await.unwrap();
    for node in running.nodes() {
        world.cloud.kill(&node.instance.unwrap().id, "Client", "somebody ended it");
    }
    until(&running, "web/0", is_live(2)).await;
    until(&running, "web/1", is_live(2)).await;
    running.kill().await;
    world.store.fail(world.store.script().calls().len() + after, fault);
    let shop = shop(world, 2, 4);
    let mut running = None;
    let starts = async {
        running.insert(shop.start().await.unwrap()).ready().await.unwrap();
        sleep(Duration::from_secs(20)).await;
    };
    let died = tokio::select! {
        () = starts => false,
        () = world.store.script().stalled() => true,
    };
    if let Some(running) = running {
        running.kill().await;
    }
    died
}

#[tokio::test(start_paused = true)]
async fn what_was_launched_counts_once_wherever_its_controller_dies() {
    let mut points = 0;
    for fault in [(|| Fault::StallBefore) as fn() -> Fault, || Fault::StallAfter] {
        for after in 0.. {
            let world = World { mode: Mode::Production, ..World::new() };
            if !dies(&world, after, fault()).await {
                break;
            }
            points += 1;
            let at = format!("died at {after}, {:?}", fault());
            sleep(Duration::from_secs(60)).await;
            let running = shop(&world, 3, 5).start().await.unwrap();
            running.ready().await.unwrap_or_else(|error| panic!("{at}: {error}"));
            running.kill().await;
            let running = shop(&world, 4, 5).start().await.unwrap();
            let error = running.ready().await.expect_err(&at);
            assert!(error.to_string().contains("limits.launches: 1 more after 5"), "{at}: {error}");
            let launches = world.store.list("deployments/shop/launches/").await.unwrap();
            assert!(launches.len() <= 3, "{at}: {launches:?}");
            running.terminate().await.unwrap().assert_clean();
            world.assert_nothing_is_left();
        }
    }
    assert!(points > 20, "only {points}");
}
