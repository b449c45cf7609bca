//! Deploy by copy: a bundle is copied to a node, started, checked, and rolled back where it does not work.
//!
//! A [`Bundle`] is a folder or an archive with a [`Manifest`], `bundle.toml`. On a node it lives in a folder of its own:
//!
//! ```text
//! /opt/shop/releases/9f2c…/   one version, with what is the node's own in .ec2-stories/
//! /opt/shop/current           a link to the version that runs
//! /opt/shop/log/output.log    what it says, where there is no systemd
//! ```
//!
//! ```no_run
//! # fn example() -> ec2_stories_core::Result<()> {
//! use ec2_stories_core::Fleet;
//! use ec2_stories_core::model::Image;
//! use ec2_stories_ssh::bundle::Bundle;
//!
//! let fleet = Fleet::builder().name("web").nodes(3).image(Image::public("debian-12"));
//! let fleet = fleet.customize(Bundle::open("dist/")?).build()?;
//! # Ok(())
//! # }
//! ```
//!
//! # What happens on a node
//! 1. *copy*: what is not there yet is sent, checked against its hash, and unpacked beside the version that runs.
//! 2. *start*: the link is switched by an atomic rename, and the service is started anew.
//! 3. *check*: its health is asked for on the node itself. What is not healthy in time, or ends, is stopped, and the last version
//!    that was healthy runs again, and is checked too. Else old versions are removed.
//!
//! # Guarantees
//! - A version that was deployed already is sent again never, and a healthy one is left alone: every step is `Unchanged`.
//! - All of it is one script on the node, which needs no word from here once the content has arrived. It may die anywhere,
//!   and the next run repairs it.
//! - One at a time: others wait for the node's lock, and are told who has it.
//! - Nothing of ours has to stay connected.
//!
//! # What keeps it running
//! systemd, by a unit `NAME.service`, where the node has it. Else a small supervisor, a POSIX shell script in a session of its
//! own, which starts the program anew after a pause when it ends; a reboot ends it, and the next run starts it.
//! The node needs `flock` and `setsid` (util-linux), `tar` and `gzip`.

mod archive;
mod deploy;
mod manifest;
mod pack;
mod release;
mod spec;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ec2_stories_core::provider::{Customizer, Node, StepReport};
use ec2_stories_core::{Error, Result};

pub use manifest::{Health, MANIFEST, Manifest, Page};
pub use spec::BundleSpec;

use crate::Session;
use crate::step::Nodes;
use pack::Pack;

/// Where bundles are put on nodes, where not said.
const FOLDER: &str = "/opt";
/// How long another controller's deployment is waited for, where not said.
const PATIENCE: Duration = Duration::from_secs(300);

/// An application that is deployed by copy. Cheap to clone; read and packed once, for all nodes.
#[derive(Clone, Debug)]
pub struct Bundle {
    pack: Arc<Pack>,
    folder: String,
    patience: Duration,
    nodes: Nodes,
}

impl Bundle {
    /// Reads a bundle: a folder, or a `.tar` or `.tar.gz` archive, with `bundle.toml` in its root.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](ec2_stories_core::ErrorKind::Invalid), naming the field or the file that is wrong, or what
    /// reading fails with.
    pub fn open(source: impl Into<PathBuf>) -> Result<Self> {
        let pack = Arc::new(Pack::open(&source.into())?);
        Ok(Self { pack, folder: FOLDER.to_owned(), patience: PATIENCE, nodes: Nodes::new() })
    }

    /// Puts it into this folder of the node instead of `/opt`. One that begins with `~/` is in the home of the user that is logged
    /// in: then root is not needed, and the supervisor keeps it running.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](ec2_stories_core::ErrorKind::Invalid) for what is no such path.
    pub fn folder(mut self, folder: impl Into<String>) -> Result<Self> {
        let folder = folder.into();
        let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
        let path = folder.strip_prefix("~/").or(folder.strip_prefix('/'));
        let good = path.is_some_and(|path| {
            path.chars().all(plain) && path.split('/').all(|part| part != ".." && part != ".")
        });
        if !good {
            return Err(Error::invalid(
                "bundle.folder",
                format!("{folder:?} is no path such as \"/opt\" or \"~/apps\""),
            ));
        }
        self.folder = folder.trim_end_matches('/').to_owned();
        Ok(self)
    }

    /// Waits this long for a node on which another controller is at work. 5 minutes where not said.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Gets to the nodes like this, instead of by what a node's login says alone.
    #[must_use]
    pub fn over(mut self, nodes: Nodes) -> Self {
        self.nodes = nodes;
        self
    }

    /// What it says of itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.pack.manifest
    }

    /// The hash of its content, by which it is identified.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.pack.id
    }

    /// Brings a host to this bundle, over a session that is there.
    ///
    /// # Errors
    /// As [`Customizer::customize`].
    pub async fn deploy(&self, session: &Session, node: &Node) -> Result<Vec<StepReport>> {
        deploy::deploy(self, session, node).await
    }

    /// Stops it on a host, and removes all that it has there.
    ///
    /// # Errors
    /// As [`Customizer::undo`].
    pub async fn remove(&self, session: &Session) -> Result<Vec<StepReport>> {
        deploy::remove(self, session).await
    }

    fn title(&self) -> String {
        let Manifest { name, version, .. } = self.manifest();
        format!("{name} {version}")
    }
}

#[async_trait]
impl Customizer for Bundle {
    fn name(&self) -> String {
        format!("bundle {}", self.title())
    }

    async fn revision(&self) -> Result<String> {
        Ok(format!("{} in {}", self.hash(), self.folder))
    }

    async fn customize(&self, node: &Node) -> Result<Vec<StepReport>> {
        let session = self.nodes.session(node).await?;
        let reports = self.deploy(&session, node).await;
        session.close().await;
        reports
    }

    async fn undo(&self, node: &Node) -> Result<Vec<StepReport>> {
        let session = self.nodes.session(node).await?;
        let reports = self.remove(&session).await;
        session.close().await;
        reports
    }

    async fn settle(&self) {
        self.nodes.settle().await;
    }
}
