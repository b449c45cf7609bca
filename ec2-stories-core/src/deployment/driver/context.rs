//! What all actions share.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::super::fleet::Fleet;
use super::super::journal::{FleetRecord, Head, Journal, LaunchRecord};
use super::super::machine::Kin;
use super::super::orders::{OrderBook, Orders, Pause};
use super::view::View;
use crate::attributes::Attributes;
use crate::model::{
    ClientToken, DeploymentSpec, Instance, InstanceId, LoginSpec, Name, NodeAddress, RegisteredImage,
};
use crate::monitor::HealthMonitor;
use crate::provider::{Cloud, Hold, ImageUploader, Monitor, Node, Verdict};
use crate::{Clock, Error, ErrorKind, Result};

/// A deployment while a controller has it.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) spec: DeploymentSpec,
    pub(crate) fleets: Vec<Fleet>,
    pub(crate) cloud: Arc<dyn Cloud>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) uploader: Option<Arc<dyn ImageUploader>>,
    /// Whoever only reads, or takes down, watches nothing.
    pub(crate) monitor: Option<Arc<dyn Monitor>>,
    /// The same, where it is the one that every deployment has that was given no other.
    pub(crate) health: Option<HealthMonitor>,
    pub(crate) journal: Journal,
    pub(crate) orders: OrderBook,
    pub(crate) view: View,
    /// What was read of, or written to, the journal.
    pub(crate) known: Mutex<Known>,
}

/// The journal's content, as far as actions need it.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) head: Option<Head>,
    /// Whether the head counts launches, and is not written with them yet.
    pub(crate) folds: bool,
    /// Whether there was no head: only tags tell what was launched.
    pub(crate) tags_only: bool,
    /// Which instances are the deployment's own.
    pub(crate) kin: Kin,
    pub(crate) fleets: BTreeMap<Name, FleetRecord>,
    pub(crate) launches: HashMap<ClientToken, LaunchRecord>,
    /// Instances that were nodes' when the controller began.
    pub(crate) adopted: BTreeSet<InstanceId>,
    /// Instances of another deployment of the same name, as one search showed them.
    pub(crate) foreign: Vec<Instance>,
    /// Instances that are known to have ended; they count in no limit on nodes.
    pub(crate) gone: BTreeSet<InstanceId>,
    /// What the monitor said last of each node's instance.
    pub(crate) verdicts: BTreeMap<NodeAddress, Verdict>,
    /// The orders when the controller began.
    pub(crate) ordered: Orders,
    /// Who stopped it from changing.
    pub(crate) pause: Option<Pause>,
    /// Who keeps nodes from being replaced.
    pub(crate) holds: BTreeMap<NodeAddress, Hold>,
    /// The images of fleets that were files, as far as this process has looked for them.
    pub(crate) supplied: BTreeMap<Name, RegisteredImage>,
}

impl Context {
    pub(crate) fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Reads whether another controller has the deployment. That it cannot be read does not keep anything from being taken
    /// down.
    pub(crate) async fn is_fenced(&self) -> bool {
        match self.journal.check().await {
            Err(error) if error.kind() != ErrorKind::Conflict => {
                self.problem(None, error.chain());
                false
            }
            checked => checked.is_err(),
        }
    }

    /// Tells of a write to the journal that failed. That of a controller that was fenced off is told once, at its end.
    pub(crate) fn unwritten(&self, node: Option<&NodeAddress>, error: &Error) {
        if self.journal.lost().is_none() {
            self.problem(node, error.chain());
        }
    }

    /// The fleet, where the description has it.
    pub(crate) fn fleet(&self, name: &Name) -> Option<&Fleet> {
        self.fleets.iter().find(|fleet| fleet.spec.name == *name)
    }

    /// The node as customizers, probes and registrars see it.
    pub(crate) fn node(&self, address: &NodeAddress) -> Result<Node> {
        let unknown = || Error::new(ErrorKind::NotFound, "the node has no instance").on(address.to_string());
        let (instance, attributes) = self.view.node(address).ok_or_else(unknown)?;
        Ok(self.as_node(address, instance, attributes))
    }

    /// The same, with an instance that may be the one before its present one.
    pub(crate) fn node_of(&self, address: &NodeAddress, instance: &InstanceId) -> Result<Node> {
        let unknown = || Error::new(ErrorKind::NotFound, "it was not seen yet").on(instance.to_string());
        let instance = self.view.instance(instance).ok_or_else(unknown)?;
        Ok(self.as_node(address, instance, self.view.attributes()))
    }

    fn as_node(&self, address: &NodeAddress, instance: Instance, attributes: Attributes) -> Node {
        let login = self.fleet(&address.fleet).map(|fleet| LoginSpec::of(&fleet.spec)).unwrap_or_default();
        let deployment = self.spec.name.clone();
        Node { deployment, address: address.clone(), instance, attributes, login }
    }
}
