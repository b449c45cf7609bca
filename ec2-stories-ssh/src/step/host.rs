//! The node that a step works on.

use std::collections::BTreeSet;
use std::time::Duration;

use ec2_stories_core::attributes::{Scope, Template};
use ec2_stories_core::provider::Node;
use ec2_stories_core::{Error, ErrorKind, Result, Status};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Nodes;
use super::state::{self, State};
use crate::error::code;
use crate::{Command, Output, Session};

/// Where root's state is kept. Below `/etc`, since `/var` is read-only on some images.
const STATE: &str = "/etc/ec2-stories";
/// What the family itself runs is short; a disk that hangs is not waited for forever.
const SHORT: Duration = Duration::from_secs(300);

/// A node that is logged in to, for one run of steps.
pub(crate) struct Host {
    session: Session,
    node: Node,
    root: bool,
    folder: String,
    state: State,
    key: String,
    /// The steps after this one that heed changes.
    heeders: BTreeSet<String>,
}

impl Host {
    /// Logs in, finds out whether root can be had, and reads what was kept.
    pub(super) async fn reach(nodes: &Nodes, node: &Node) -> Result<Self> {
        let session = nodes.session(node).await?;
        let kept_in = nodes.kept_in();
        let as_root = state::read(kept_in.unwrap_or(STATE)).as_root().timeout(SHORT);
        let (root, output) = match session.exec(&as_root).await {
            Ok(output) => (true, output),
            Err(error) if error.api_code() == Some(code::NOT_STARTED) => {
                let own = state::read(kept_in.unwrap_or_default()).timeout(SHORT);
                (false, session.exec(&own).await?)
            }
            Err(error) => return Err(error),
        };
        let output = output.checked("read what steps did before")?;
        let (folder, state) = state::parse(&output.stdout.bytes())?;
        let (key, heeders) = Default::default();
        Ok(Self { session, node: node.clone(), root, folder, state, key, heeders })
    }

    pub(super) fn session(&self) -> &Session {
        &self.session
    }

    pub(super) fn node(&self) -> &Node {
        &self.node
    }

    /// Whether steps run as root.
    pub(super) fn is_root(&self) -> bool {
        self.root
    }

    /// The step that runs now.
    pub(super) fn turn_to(&mut self, key: &str, heeders: BTreeSet<String>) {
        key.clone_into(&mut self.key);
        self.heeders = heeders;
    }

    /// The text, with what is known of the deployment.
    pub(crate) fn resolve(&self, template: &Template) -> Result<String> {
        template.resolve(&Scope {
            deployment: &self.node.deployment,
            fleet: &self.node.address.fleet,
            node: Some(&self.node.address),
            attributes: &self.node.attributes,
        })
    }

    /// Runs a command as root, or as the login's user where root cannot be had, and gives whatever it ended with.
    pub(crate) async fn run(&self, command: &Command) -> Result<Output> {
        let command = command.clone();
        let command = if self.root { command.as_root() } else { command };
        self.session.exec(&command).await
    }

    /// Runs a script of the family's own, with arguments. It has to succeed.
    pub(crate) async fn script(&self, what: &str, script: &str, arguments: &[&str]) -> Result<Output> {
        self.feed(what, script, arguments, Vec::new()).await
    }

    /// As [`script`](Self::script), with something to read. What it writes is kept whole.
    pub(crate) async fn feed(
        &self,
        what: &str,
        script: &str,
        arguments: &[&str],
        stdin: Vec<u8>,
    ) -> Result<Output> {
        let command =
            Command::shell(script).args(arguments).stdin(stdin).timeout(SHORT).keep(256 * 1024 * 1024);
        self.run(&command).await?.checked(what)
    }

    /// To be called before a step's first change: steps that heed changes are due from now on, whatever happens.
    pub(crate) async fn about_to_change(&mut self) -> Result<()> {
        if self.heeders.is_subset(&self.state.heeded) {
            return Ok(());
        }
        self.state.heeded.extend(self.heeders.iter().cloned());
        self.save().await
    }

    /// This step itself has changes to heed, whatever happens.
    pub(crate) async fn is_due(&mut self) -> Result<()> {
        if !self.state.heeded.insert(self.key.clone()) {
            return Ok(());
        }
        self.save().await
    }

    /// Whether something before this step changed since it ran last.
    pub(crate) fn has_changes(&self) -> bool {
        self.state.heeded.contains(&self.key)
    }

    /// The changes are heeded.
    pub(crate) async fn heeded(&mut self) -> Result<()> {
        if !self.state.heeded.remove(&self.key) {
            return Ok(());
        }
        self.save().await
    }

    /// What this step kept.
    pub(crate) fn kept<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        let Some(value) = self.state.steps.get(&self.key) else { return Ok(None) };
        serde_json::from_value(value.clone()).map(Some).map_err(|error| {
            Error::new(ErrorKind::Corrupt, "what this step kept on the node cannot be read")
                .on(format!("{}/steps.json", self.folder))
                .because(error)
        })
    }

    /// Keeps something for a later run of this step.
    pub(crate) async fn keep<T: Serialize + Sync>(&mut self, value: &T) -> Result<()> {
        let value = serde_json::to_value(value).map_err(|error| {
            Error::new(ErrorKind::Unexpected, "what a step keeps cannot be written").because(error)
        })?;
        if self.state.steps.get(&self.key) == Some(&value) {
            return Ok(());
        }
        self.state.steps.insert(self.key.clone(), value);
        self.save().await
    }

    /// Forgets what this step kept.
    pub(crate) async fn forget(&mut self) -> Result<()> {
        if self.state.steps.remove(&self.key).is_none() {
            return Ok(());
        }
        self.save().await
    }

    /// A folder on the node for what this step has to put aside.
    pub(crate) fn aside(&self) -> String {
        use sha2::{Digest, Sha256};
        let name = hex::encode(&Sha256::digest(self.key.as_bytes())[..16]);
        self.beside(&format!("before/{name}"))
    }

    /// A place on the node beside what steps keep.
    pub(super) fn beside(&self, name: &str) -> String {
        format!("{}/{name}", self.folder)
    }

    async fn save(&self) -> Result<()> {
        let write = state::write(&self.folder, &self.state)?.timeout(SHORT);
        self.run(&write).await?.checked("keep what steps did").map(drop)
    }

    /// A step's failure, or else an error that ends the run: the node is out of reach.
    pub(super) fn judge(&self, error: Error) -> Result<String> {
        let lost = error.api_code() == Some(code::LINK_LOST) || !self.session.is_alive();
        // Steps may be repeated: what is not known to have happened happens again.
        if lost { Err(error.status(Status::Temporary)) } else { Ok(error.chain()) }
    }
}
