//! Nodes that die, and nodes that are to leave: replaced, in virtual time.

use std::sync::Arc;
use std::time::Duration;

use ec2_stories_core::deployment::machine::Phase;
use ec2_stories_core::deployment::{DeploymentBuilder, NodeStatus};
use ec2_stories_core::memory::{MemoryCustomizer, MemoryMonitor, MemoryRegistrar};
use ec2_stories_core::model::{Generation, InstanceState};
use ec2_stories_core::provider::Verdict;
use ec2_stories_core::{Deployment, Fleet, Running};
use tokio::time::{sleep, timeout};

use super::world::{World, debian};

/// A shop with a monitor whose verdicts the test writes.
pub(super) struct Shop {
    pub(super) world: World,
    pub(super) monitor: MemoryMonitor,
    pub(super) packages: MemoryCustomizer,
    pub(super) names: MemoryRegistrar,
}

impl Shop {
    pub(super) fn new() -> Self {
        let world = World::new();
        let monitor = MemoryMonitor::new(Arc::new(world.cloud.clock()));
        let packages = MemoryCustomizer::new("packages", ["update", "install"]);
        Self { world, monitor, packages, names: MemoryRegistrar::new() }
    }

    pub(super) fn describe(&self, fleets: impl IntoIterator<Item = Fleet>) -> Deployment {
        let clock = Arc::new(self.world.cloud.clock());
        let builder = Deployment::builder().name("shop").mode(self.world.mode).clock(clock);
        let builder = builder.cloud(self.world.cloud.clone()).journal(self.world.store.clone());
        let builder = builder.monitor(self.monitor.clone());
        fleets.into_iter().fold(builder, DeploymentBuilder::fleet).build().unwrap()
    }

    pub(super) fn web(&self, nodes: u32) -> Fleet {
        debian("web", nodes).customize(self.packages.clone()).registrar(self.names.clone()).build().unwrap()
    }

    pub(super) async fn start(&self, fleets: impl IntoIterator<Item = Fleet>) -> Running {
        let running = self.describe(fleets).start().await.unwrap();
        running.ready().await.unwrap();
        running
    }

    pub(super) fn dead(&self, node: &str) {
        self.monitor.judge(&node.parse().unwrap(), Verdict::Replace("no answer".to_owned()));
    }
}

pub(super) fn node(running: &Running, address: &str) -> NodeStatus {
    let address = address.parse().unwrap();
    running.nodes().into_iter().find(|node| node.address == address).unwrap()
}

/// Waits until the node is as wanted.
pub(super) async fn until(running: &Running, address: &str, wanted: impl Fn(&NodeStatus) -> bool) {
    let seen = async {
        while !wanted(&node(running, address)) {
            sleep(Duration::from_millis(100)).await;
        }
    };
    let hours = timeout(Duration::from_secs(4 * 3600), seen).await;
    hours.unwrap_or_else(|_| panic!("{:?}", node(running, address)));
}

pub(super) fn is_live(generation: u32) -> impl Fn(&NodeStatus) -> bool {
    move |node| node.phase == Phase::Live && node.generation == Generation(generation)
}

#[tokio::test(start_paused = true)]
async fn a_dead_node_is_terminated_and_its_next_generation_customized_and_registered() {
    let shop = Shop::new();
    let running = shop.start([shop.web(3)]).await;
    let before = node(&running, "web/1").instance.unwrap();
    shop.dead("web/1");
    until(&running, "web/1", is_live(2)).await;
    let after = node(&running, "web/1");
    let instance = after.instance.unwrap();
    assert_eq!(after.death.as_deref(), Some("no answer"));
    assert_ne!(instance.id, before.id);
    assert_eq!(shop.packages.done(&instance.id).len(), 2);
    assert_eq!(shop.names.lookup("web-1.shop"), instance.private_ip);
    let old = shop.world.cloud.instances().into_iter().find(|seen| seen.id == before.id).unwrap();
    assert_eq!(old.state, InstanceState::Terminated);
    assert_eq!(shop.world.cloud.instances().len(), 4, "nothing else was replaced");
    running.terminate().await.unwrap().assert_clean();
    shop.world.assert_nothing_is_left();
    assert!(shop.names.names().is_empty());
}
