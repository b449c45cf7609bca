//! Where controllers live: what one shares with those before and after it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use ec2_stories::deployment::DeploymentBuilder;
use ec2_stories::deployment::machine::Phase;
use ec2_stories::model::{BackOff, Health, Share};
use ec2_stories::monitor::HealthMonitor;
use ec2_stories::prelude::*;
use tokio::time::sleep;

use super::boundary::Boundaries;
use super::cloud;
use super::nodes::{Marks, Names};
use super::truth::Truth;

/// Long enough for a machine with much else to do; whoever comes after one that died waits for so long.
const LEASE: Duration = Duration::from_secs(3);

/// How often the cloud is asked how everybody is.
const PERIOD: Duration = Duration::from_millis(500);

const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A cloud, a folder with the journal, and where this controller dies.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) url: String,
    pub(super) folder: PathBuf,
    pub(super) boundaries: Boundaries,
}

impl Place {
    pub(super) async fn deployment(&self, mode: Mode, fleets: impl IntoIterator<Item = Fleet>) -> Deployment {
        let config = cloud::config(&self.url).await;
        let client = self.boundaries.client(ec2_stories::aws::http_client());
        let ec2 = Ec2::from_config(&config.into_builder().http_client(client).build());
        let journal = FileStore::open(self.folder.join("journal")).unwrap();
        let builder = Deployment::builder().name("shop").mode(mode).cloud(ec2.clone()).lease(LEASE);
        let builder = builder.journal(self.boundaries.store(journal));
        let mut monitor = HealthMonitor::builder().cloud(Arc::new(ec2)).cloud_period(PERIOD);
        let fleets: Vec<Fleet> = fleets.into_iter().collect();
        for fleet in &fleets {
            let spec = fleet.spec();
            monitor = monitor.fleet(spec.name.clone(), spec.health.clone(), None);
        }
        let builder = builder.monitor(monitor.build());
        fleets.into_iter().fold(builder, DeploymentBuilder::fleet).build().unwrap()
    }

    /// As patient with nodes as with everything else here.
    pub(super) fn health() -> Health {
        let back_off = BackOff { first: PERIOD, longest: 2 * PERIOD, ..BackOff::default() };
        let (period, timeout, dead_after, drain) = (PERIOD, PERIOD / 2, 2 * PERIOD, PERIOD / 5);
        let max_in_flight = Share::Nodes(1);
        Health { period, timeout, dead_after, drain, back_off, max_in_flight, ..Health::default() }
    }

    pub(super) fn marks(&self, text: &'static str) -> Marks {
        Marks { folder: self.folder.clone(), boundaries: self.boundaries.clone(), text }
    }

    pub(super) fn names(&self) -> Names {
        Names { folder: self.folder.clone(), boundaries: self.boundaries.clone() }
    }

    /// The node that something is done to.
    pub(super) fn node(&self) -> NodeAddress {
        "web/0".parse().unwrap()
    }

    /// The instance that it had when the first controller was ready, whichever controller asks.
    pub(super) fn old(&self, running: &Running) -> String {
        self.note("old").unwrap_or_else(|| {
            let id = self.instance(running).expect("it is live");
            self.write("old", &id);
            id
        })
    }

    /// What one of the controllers has written for those that follow.
    pub(super) fn note(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.folder.join(name)).ok()
    }

    /// Written at once, or not at all.
    pub(super) fn write(&self, name: &str, text: &str) {
        let whole = self.folder.join(format!("{name}.new"));
        fs::write(&whole, text).unwrap();
        fs::rename(whole, self.folder.join(name)).unwrap();
    }

    /// The images that the nodes of the fleet were launched from.
    pub(super) fn images(&self, running: &Running) -> Vec<String> {
        let of_fleet = |node: &NodeStatus| node.wanted && node.address.fleet == self.node().fleet;
        let instances = running.nodes().into_iter().filter(of_fleet).filter_map(|node| node.instance);
        instances.map(|instance| instance.image.to_string()).collect()
    }

    /// Checks that no node of the fleet has the image that all of them had.
    pub(super) fn is_on_another_image(&self, running: &Running) {
        let (old, now) = (self.note("image").expect("it was written"), self.images(running));
        assert!(now.len() == 2 && !now.contains(&old), "{old} before, {now:?} now");
    }

    fn status(&self, running: &Running) -> NodeStatus {
        running.nodes().into_iter().find(|node| node.address == self.node()).expect("it is described")
    }

    fn instance(&self, running: &Running) -> Option<String> {
        Some(self.status(running).instance?.id.to_string())
    }

    /// Whether the node has this instance.
    pub(super) fn has(&self, running: &Running, instance: &str) -> bool {
        self.instance(running).as_deref() == Some(instance)
    }

    /// Ends an instance behind the controller's back.
    pub(super) async fn end(&self, instance: &str) {
        Truth::of(&self.url).await.terminate(instance).await;
    }

    /// Waits until the node lives with another instance, and all is as it should be: for ever; whoever runs the process has less
    /// patience.
    pub(super) async fn until_without(&self, running: &Running, old: &str) {
        while self.status(running).phase != Phase::Live || self.has(running, old) {
            sleep(LOOK_AGAIN).await;
        }
        self.check(running).await;
    }

    /// Waits until so many nodes of the fleet live, and all is as it should be.
    pub(super) async fn until_of(&self, running: &Running, nodes: u32) {
        loop {
            let all = running.nodes();
            let of_fleet: Vec<_> =
                all.iter().filter(|node| is_there(node) && node.address.fleet == self.node().fleet).collect();
            let live = of_fleet.iter().filter(|node| node.phase == Phase::Live).count();
            if (of_fleet.len(), live) == (nodes as usize, nodes as usize) {
                return self.check(running).await;
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    /// Sees for a few periods that nobody launches anything.
    pub(super) async fn nothing_is_launched(&self) {
        let mut truth = Truth::of(&self.url).await;
        truth.look().await;
        let before = truth.launched();
        sleep(4 * PERIOD).await;
        truth.look().await;
        assert_eq!(truth.launched(), before, "something was launched");
    }

    /// Waits until what runs is what is known, one instance a node, and a node's name stands for its instance.
    pub(super) async fn check(&self, running: &Running) {
        let mut truth = Truth::of(&self.url).await;
        while let Err(why) = self.is_right(&mut truth, running).await {
            println!("not yet: {why}");
            sleep(10 * LOOK_AGAIN).await;
        }
    }

    async fn is_right(&self, truth: &mut Truth, running: &Running) -> Result<(), String> {
        truth.look().await;
        let known = |status: NodeStatus| {
            let instance = status.instance.map(|instance| instance.id.to_string());
            (status.address.to_string(), instance.into_iter().collect())
        };
        let (alive, known): (_, BTreeMap<_, Vec<_>>) =
            (truth.alive(), running.nodes().into_iter().filter(is_there).map(known).collect());
        if alive != known {
            let odd = |node: &NodeStatus| {
                alive.get(&node.address.to_string()) != known.get(&node.address.to_string())
            };
            let odd: Vec<_> = running
                .nodes()
                .into_iter()
                .filter(odd)
                .map(|node| (node.phase, node.wanted, node.address))
                .collect();
            return Err(format!("{alive:?} live, {known:?} are known, {odd:?}"));
        }
        for (name, value) in Names::standing(&self.folder) {
            if alive.get(&name.replace('-', "/")) != Some(&vec![value.clone()]) {
                return Err(format!("the name {name} stands for {value}"));
            }
        }
        Ok(())
    }
}

/// A slot that a fleet has no more is known for as long as the cloud shows its last instance.
fn is_there(node: &NodeStatus) -> bool {
    node.wanted || node.instance.is_some()
}
