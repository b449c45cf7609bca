//! Where controllers live: what one shares with those before and after it.

use std::path::PathBuf;

use ec2_stories::deployment::DeploymentBuilder;
use ec2_stories::prelude::*;

use super::boundary::Boundaries;
use super::cloud;
use super::nodes::{Marks, Names};
use super::truth::Truth;

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
        let builder = Deployment::builder().name("shop").mode(mode).cloud(ec2);
        let builder = builder.journal(self.boundaries.store(journal));
        fleets.into_iter().fold(builder, DeploymentBuilder::fleet).build().unwrap()
    }

    pub(super) fn marks(&self, text: &'static str) -> Marks {
        Marks { folder: self.folder.clone(), boundaries: self.boundaries.clone(), text }
    }

    pub(super) fn names(&self) -> Names {
        Names { folder: self.folder.clone(), boundaries: self.boundaries.clone() }
    }

    /// What runs is what is known, one instance a node; a node's name stands for its instance.
    pub(super) async fn check(&self, running: &Running) {
        let mut truth = Truth::of(&self.url).await;
        truth.look().await;
        let known = |status: NodeStatus| {
            let instance = status.instance.expect("a node that is live has one");
            (status.address.to_string(), vec![instance.id.to_string()])
        };
        assert_eq!(truth.alive(), running.nodes().into_iter().map(known).collect());
        for (name, value) in Names::standing(&self.folder) {
            assert_eq!(truth.alive()[&name.replace('-', "/")], [value], "{name}");
        }
    }
}
