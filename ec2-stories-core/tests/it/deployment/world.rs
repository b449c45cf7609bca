//! A cloud, a store that outlives processes, and a shop to deploy.

use std::sync::Arc;
use std::time::Duration;

use ec2_stories_core::deployment::{DeploymentBuilder, FleetBuilder, fleet_builder::*};
use ec2_stories_core::memory::MemoryCloud;
use ec2_stories_core::model::{ClientToken, Image, InstanceState, Mode, Ownership};
use ec2_stories_core::{Deployment, Fleet, MemoryStore};
use sha2::{Digest, Sha256};

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) cloud: MemoryCloud,
    pub(crate) store: MemoryStore,
    pub(crate) mode: Mode,
}

/// A fleet of Debian nodes, to be built further.
pub(crate) fn debian(name: &str, nodes: u32) -> FleetBuilder<SetImage<SetNodes<SetName>>> {
    Fleet::builder().name(name).nodes(nodes).image(Image::public("debian-12"))
}

impl World {
    pub(crate) fn new() -> Self {
        Self { cloud: MemoryCloud::new(), store: MemoryStore::new(), mode: Mode::Dev }
    }

    /// The deployment, as each process of its own describes it: one at a time, as far as it does not matter to a test.
    pub(crate) fn shop(&self, fleets: impl IntoIterator<Item = Fleet>) -> Deployment {
        self.anybodys_shop(fleets).held_by("desk")
    }

    /// As [`shop`](Self::shop), for processes that do not know of each other.
    pub(crate) fn anybodys_shop(&self, fleets: impl IntoIterator<Item = Fleet>) -> Deployment {
        let clock = Arc::new(self.cloud.clock());
        let builder = Deployment::builder().name("shop").mode(self.mode).clock(clock);
        let builder = builder.cloud(self.cloud.clone()).journal(self.store.clone());
        fleets.into_iter().fold(builder, DeploymentBuilder::fleet).build().unwrap()
    }

    /// The token of a launch of this life of the journal.
    pub(crate) fn token(&self, ownership: &Ownership) -> ClientToken {
        let head = self.store.dump().into_iter().find(|(name, _)| name == "deployments/shop/deployment");
        let head = String::from_utf8(head.unwrap().1).unwrap();
        let head: serde_json::Value = serde_json::from_str(head.lines().last().unwrap()).unwrap();
        let life = head["record"]["incarnation"].as_str().unwrap();
        let Ownership { deployment, fleet, slots, generation, attempt, .. } = ownership;
        let text = format!("{deployment}\n{life}\n{fleet}\n{slots}\n{generation}\n{attempt}");
        ClientToken::new(hex::encode(Sha256::digest(text)))
    }

    /// How many instances of each slot and generation live; none may have two.
    pub(crate) fn assert_no_doubles(&self) {
        let mut seen = std::collections::BTreeSet::new();
        for instance in self.cloud.instances() {
            let live = matches!(instance.state, InstanceState::Pending | InstanceState::Running);
            if live && let Some(node) = instance.node() {
                assert!(seen.insert(node.clone()), "{node} has two instances");
            }
        }
    }

    /// For tests in real time.
    pub(crate) fn cloud_is_quick(&self) {
        self.cloud.boot_time(Duration::from_millis(20));
        self.cloud.shutdown_time(Duration::from_millis(20));
    }

    pub(crate) fn assert_nothing_is_left(&self) {
        assert!(self.cloud.leaks().is_empty(), "left: {:?}", self.cloud.leaks());
    }
}
