//! What a journal that was lost, or that the last release wrote, had launched stays the deployment's.

use std::time::Duration;

use ec2_stories_core::memory::Fault;
use ec2_stories_core::model::Mode;
use ec2_stories_core::provider::{Expect, TupleStore};
use ec2_stories_core::{Deployment, MemoryStore};
use sha2::{Digest, Sha256};
use tokio::time::sleep;

use super::replacement::{is_live, until};
use super::world::{World, debian};

fn shop(world: &World) -> Deployment {
    world.shop([debian("web", 2).build().unwrap()])
}

/// Starts twice and ends: nothing is launched beside what is there, and nothing is left.
async fn goes_on(world: &World, at: &str) {
    let there = world.cloud.instances().len();
    for _ in 0..2 {
        let running = shop(world).start().await.unwrap();
        running.ready().await.unwrap();
        running.kill().await;
        assert_eq!(world.cloud.instances().len(), there, "{at}");
    }
    shop(world).terminate().await.unwrap().assert_clean();
    world.assert_nothing_is_left();
}

/// A controller that begins a new journal beside two nodes, and dies at a call of the store; `None` where it did not.
async fn died(after: usize, fault: Fault) -> Option<World> {
    let world = World { mode: Mode::Production, ..World::new() };
    let running = shop(&world).start().await.unwrap();
    running.ready().await.unwrap();
    running.kill().await;
    let world = World { store: MemoryStore::new(), ..world };
    world.store.fail(after, fault);
    let shop = shop(&world);
    let mut running = None;
    let starts = async { running.insert(shop.start().await.unwrap()).ready().await.unwrap() };
    let died = tokio::select! {
        () = starts => false,
        () = world.store.script().stalled() => true,
    };
    if let Some(running) = running {
        running.kill().await;
    }
    died.then_some(world)
}

#[tokio::test(start_paused = true)]
async fn what_a_lost_journal_launched_is_known_wherever_the_new_ones_controller_dies() {
    let mut points = 0;
    for fault in [(|| Fault::StallBefore) as fn() -> Fault, || Fault::StallAfter] {
        for after in 0.. {
            let Some(world) = died(after, fault()).await else { break };
            points += 1;
            sleep(Duration::from_secs(60)).await;
            goes_on(&world, &format!("died at {after}, {:?}", fault())).await;
        }
    }
    assert!(points > 10, "only {points}");
}

/// Leaves out of the head what the last release did not write.
async fn age(store: &MemoryStore) {
    let name = "deployments/shop/deployment";
    let tuple = store.get(name).await.unwrap().unwrap();
    let text = String::from_utf8(tuple.value).unwrap();
    let mut head: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    head["record"].as_object_mut().unwrap().retain(|field, _| !["lives", "folded"].contains(&field.as_str()));
    let sum = hex::encode(Sha256::digest(format!("{name}\n{head}")));
    let value = format!("ec2-stories-journal 2 {sum}\n{head}");
    store.put(name, value.as_bytes(), Expect::Unchanged(tuple.version)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_journal_of_the_last_release_goes_on() {
    for ended in [false, true] {
        let world = World { mode: Mode::Production, ..World::new() };
        let running = shop(&world).start().await.unwrap();
        running.ready().await.unwrap();
        if ended {
            running.terminate().await.unwrap().assert_clean();
        } else {
            running.kill().await;
        }
        age(&world.store).await;
        let running = shop(&world).start().await.unwrap();
        running.ready().await.unwrap();
        let first = &running.nodes()[0];
        world.cloud.kill(&first.instance.as_ref().unwrap().id, "Client", "somebody ended it");
        until(&running, "web/0", is_live(first.generation.0 + 1)).await;
        running.kill().await;
        assert!(shop(&world).status().await.unwrap().foreign.is_empty());
        goes_on(&world, if ended { "after its end" } else { "in the middle" }).await;
    }
}
