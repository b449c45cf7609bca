//! The suite that every monitor keeps to.

use std::time::Duration;

use async_trait::async_trait;
use ec2_stories_core::conformance::{self, MonitorBench};
use ec2_stories_core::model::{Health, NodeAddress, Notice};
use ec2_stories_core::provider::{Liveness, Monitor, Node};
use ec2_stories_core::{Clock, TokioClock};

use super::world::World;

struct Bench(World, TokioClock);

#[async_trait]
impl MonitorBench for Bench {
    fn monitor(&self) -> &dyn Monitor {
        &self.0.monitor
    }

    fn clock(&self) -> &dyn Clock {
        &self.1
    }

    fn nodes(&self) -> [Node; 2] {
        [self.0.nodes[0].clone(), self.0.nodes[1].clone()]
    }

    async fn kill(&self, node: &NodeAddress) {
        self.0.fails(node.slot as usize);
    }

    async fn revive(&self, node: &NodeAddress) {
        self.0.answers(node.slot as usize, Liveness::Live);
    }

    async fn announce(&self, node: &NodeAddress) -> bool {
        let notice = Notice { what: "spot-interruption".to_owned(), ends: true, at: self.1.now() };
        self.0.cloud.notify(self.0.id(node.slot as usize), notice);
        true
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(180)
    }

    fn start_up_time(&self) -> Duration {
        Duration::from_secs(30)
    }
}

#[tokio::test(start_paused = true)]
async fn the_monitor_keeps_the_contract() {
    let health = Health { startup_timeout: Duration::from_secs(30), ..Health::default() };
    let world = World::new(2, health).await;
    let clock = world.cloud.clock();
    conformance::monitor(&Bench(world, clock)).await;
}
