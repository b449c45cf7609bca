//! Deployments that were given no monitor: watched by the one that every deployment has.

use std::time::Duration;

use ec2_stories_core::deployment::machine::Phase;
use ec2_stories_core::memory::{Fault, MemoryRegistrar, Registry, ScriptedProbe};
use ec2_stories_core::provider::{Hold, Liveness};
use ec2_stories_core::{Clock, Deployment, Fleet, Running};
use tokio::time::{Instant, sleep};

use super::replacement::{is_live, node, until};
use super::world::{World, debian};

fn web(nodes: u32, probe: &ScriptedProbe, names: &MemoryRegistrar) -> Fleet {
    debian("web", nodes).probe(probe.clone()).registrar(names.clone()).build().unwrap()
}

struct Watched {
    world: World,
    probe: ScriptedProbe,
    names: MemoryRegistrar,
}

impl Watched {
    fn new() -> Self {
        Self { world: World::new(), probe: ScriptedProbe::new(), names: MemoryRegistrar::new() }
    }

    fn describe(&self, nodes: u32) -> Deployment {
        self.world.shop([web(nodes, &self.probe, &self.names)])
    }

    async fn start(&self, nodes: u32) -> Running {
        let running = self.describe(nodes).start().await.unwrap();
        running.ready().await.unwrap();
        sleep(Duration::from_secs(60)).await;
        running
    }

    fn says(&self, node: &str, liveness: Liveness) {
        self.probe.always(&node.parse().unwrap(), liveness);
    }

    fn dies(&self, node: &str) {
        self.says(node, Liveness::DeclaredDead("it says so itself".to_owned()));
    }

    /// The node is replaced, and the next one lives.
    async fn replaced(&self, running: &Running, address: &str, generation: u32) {
        until(running, address, |node| node.phase == Phase::Resting).await;
        self.says(address, Liveness::Live);
        until(running, address, is_live(generation)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_dead_node_that_was_held_at_the_last_moment_is_replaced_once_the_hold_ends() {
    let shop = Watched::new();
    let running = shop.start(3).await;
    // Time enough for somebody to come in between.
    shop.names.script().fail(Registry::Deregister, Fault::Before);
    shop.dies("web/0");
    until(&running, "web/0", |node| node.phase == Phase::Deregistering).await;
    let until_then = shop.world.cloud.clock().now() + Duration::from_secs(3600);
    let hold = Hold { owner: "ada".to_owned(), reason: "a look".to_owned(), until: until_then };
    running.hold(&"web/0".parse().unwrap(), hold).await.unwrap();
    until(&running, "web/0", is_live(1)).await;
    sleep(Duration::from_secs(1800)).await;
    assert!(is_live(1)(&node(&running, "web/0")));
    shop.replaced(&running, "web/0", 2).await;
    running.terminate().await.unwrap().assert_clean();
}

#[tokio::test(start_paused = true)]
async fn a_node_whose_ordered_replacement_a_hold_stopped_is_watched_on_and_takes_nobodys_turn() {
    let shop = Watched::new();
    let running = shop.start(3).await;
    let web = "web/0".parse().unwrap();
    running.replace(&web, "a new kernel").await.unwrap();
    until(&running, "web/0", |node| node.phase == Phase::Draining).await;
    let until_then = shop.world.cloud.clock().now() + Duration::from_secs(3600);
    let hold = Hold { owner: "bob".to_owned(), reason: "a look".to_owned(), until: until_then };
    running.hold(&web, hold).await.unwrap();
    until(&running, "web/0", is_live(1)).await;
    sleep(Duration::from_secs(60)).await;
    shop.dies("web/1");
    shop.replaced(&running, "web/1", 2).await;
    running.release(&web).await.unwrap();
    shop.dies("web/0");
    shop.replaced(&running, "web/0", 2).await;
    running.terminate().await.unwrap().assert_clean();
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_scaled_away_while_it_is_replaced_keeps_nobodys_turn() {
    let shop = Watched::new();
    let running = shop.start(3).await;
    let web = "web".parse().unwrap();
    shop.dies("web/2");
    until(&running, "web/2", |node| node.phase == Phase::Resting).await;
    running.scale(&web, 2).await.unwrap();
    shop.says("web/2", Liveness::Live);
    shop.dies("web/1");
    shop.replaced(&running, "web/1", 2).await;
    running.scale(&web, 3).await.unwrap();
    running.ready().await.unwrap();
    sleep(Duration::from_secs(60)).await;
    let generation = node(&running, "web/2").generation.0;
    shop.dies("web/2");
    shop.replaced(&running, "web/2", generation + 1).await;
    running.terminate().await.unwrap().assert_clean();
    shop.world.assert_nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn a_plain_node_that_never_came_up_has_its_start_up_time_once_whoever_controls_it() {
    let shop = Watched::new();
    let plain = || shop.world.shop([debian("web", 1).probe(shop.probe.clone()).build().unwrap()]);
    shop.says("web/0", Liveness::Failing("connection refused".to_owned()));
    let begun = Instant::now();
    let running = plain().start().await.unwrap();
    running.ready().await.unwrap();
    sleep(Duration::from_secs(400)).await;
    running.kill().await;
    let running = plain().start().await.unwrap();
    until(&running, "web/0", |node| node.phase == Phase::Terminating).await;
    let took = begun.elapsed().as_secs();
    assert!((600..=660).contains(&took), "{took}");
    running.terminate().await.unwrap().assert_clean();
}
