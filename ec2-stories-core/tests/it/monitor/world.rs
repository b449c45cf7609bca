//! Nodes of a cloud in memory, and a monitor that watches them.

use std::sync::Arc;
use std::time::Duration;

use ec2_stories_core::memory::{MemoryCloud, ScriptedProbe};
use ec2_stories_core::model::{Generation, Health, InstanceId, NodeAddress};
use ec2_stories_core::monitor::{HealthMonitor, HealthMonitorBuilder};
use ec2_stories_core::provider::{InstanceDeployer, Liveness, Monitor, Node, Verdict};
use tokio::time::{Instant, timeout};

use crate::support::{name, node, request};

pub(crate) const ZONES: [&str; 3] = ["eu-west-1a", "eu-west-1b", "eu-west-1c"];

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) cloud: MemoryCloud,
    pub(crate) probe: ScriptedProbe,
    pub(crate) nodes: Vec<Node>,
    pub(crate) monitor: HealthMonitor,
}

impl World {
    /// So many nodes that run, in three zones in turn, and a monitor that watches none of them yet.
    pub(crate) async fn new(nodes: u32, health: Health) -> Self {
        Self::with(nodes, health, |builder| builder).await
    }

    pub(crate) async fn with(
        nodes: u32,
        health: Health,
        more: impl FnOnce(HealthMonitorBuilder) -> HealthMonitorBuilder,
    ) -> Self {
        let (cloud, probe) = (MemoryCloud::new(), ScriptedProbe::new());
        cloud.boot_time(Duration::ZERO);
        let launch = cloud.launch(&request(&cloud, "token", nodes).await).await.unwrap();
        let nodes = (0..).zip(launch.instances).map(|(slot, mut instance)| {
            instance.zone = ZONES[slot as usize % 3].into();
            Node { instance, ..node(slot, "10.0.0.1") }
        });
        let builder = HealthMonitor::builder().cloud(Arc::new(cloud.clone())).clock(Arc::new(cloud.clock()));
        let monitor = more(builder.fleet(name("web"), health, Some(Arc::new(probe.clone())))).build();
        Self { nodes: nodes.collect(), cloud, probe, monitor }
    }

    /// The same, watched and live for a minute.
    pub(crate) async fn live(nodes: u32) -> Self {
        let world = Self::new(nodes, Health::default()).await;
        world.watch_all().await;
        world
    }

    pub(crate) async fn watch_all(&self) {
        for node in &self.nodes {
            self.monitor.watch(node, Generation::FIRST).await.unwrap();
        }
        tokio::time::sleep(Duration::from_secs(60)).await;
        while timeout(Duration::from_millis(1), self.monitor.changed()).await.is_ok() {}
    }

    pub(crate) fn address(&self, slot: usize) -> &NodeAddress {
        &self.nodes[slot].address
    }

    pub(crate) fn id(&self, slot: usize) -> &InstanceId {
        &self.nodes[slot].instance.id
    }

    pub(crate) fn answers(&self, slot: usize, liveness: Liveness) {
        self.probe.always(self.address(slot), liveness);
    }

    pub(crate) fn fails(&self, slot: usize) {
        self.answers(slot, Liveness::Failing("connection refused".to_owned()));
    }

    /// The next verdict that is neither `Live` nor `Suspect`, of which slot, and after how many seconds.
    pub(crate) async fn verdict(&self) -> (u32, Verdict, u64) {
        let begun = Instant::now();
        let patience = Duration::from_secs(24 * 3600);
        loop {
            let (node, _, verdict) = timeout(patience, self.monitor.changed()).await.unwrap().unwrap();
            if matches!(verdict, Verdict::Leaving { .. } | Verdict::Replace(_)) {
                return (node.slot, verdict, begun.elapsed().as_secs());
            }
        }
    }

    /// The verdicts of so many seconds.
    pub(crate) async fn verdicts(&self, seconds: u64) -> Vec<(u32, Verdict)> {
        let mut verdicts = Vec::new();
        let end = Instant::now() + Duration::from_secs(seconds);
        while let Ok(change) = tokio::time::timeout_at(end, self.monitor.changed()).await {
            let (node, _, verdict) = change.unwrap();
            verdicts.push((node.slot, verdict));
        }
        verdicts
    }

    /// Those of them that replace.
    pub(crate) async fn replaced(&self, seconds: u64) -> Vec<u32> {
        let verdicts = self.verdicts(seconds).await.into_iter();
        verdicts.filter(|(_, verdict)| matches!(verdict, Verdict::Replace(_))).map(|(slot, _)| slot).collect()
    }
}
