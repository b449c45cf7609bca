//! What the machine is told.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Failure, Timer};
use crate::model::{ClientToken, InstanceId, Name, NodeAddress};
use crate::provider::Registration;

/// Something that happened. Events about a node's instance name it, so that a late one cannot be taken for news of
/// the next instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event", content = "data")]
#[allow(missing_docs)] // The fields are those of the action that is answered.
pub enum Event {
    /// The state is ready, fresh or recovered: go on from it.
    Start,
    /// A fleet's image, key pair and security group are there.
    Prepared { fleet: Name },
    /// They cannot be had.
    PrepareFailed { fleet: Name, failure: Failure },
    /// A launch succeeded, for all of its slots or some.
    Launched { token: ClientToken, instances: Vec<(u32, InstanceId)> },
    /// A launch failed, or its reply was lost.
    LaunchFailed { token: ClientToken, call: u32, failure: Failure },
    /// What a search by token found; it may be a part, and nothing found proves little.
    Found { token: ClientToken, instances: Vec<(u32, InstanceId)> },
    /// The search failed.
    LookFailed { token: ClientToken, failure: Failure },
    /// An instance runs.
    Ran { node: NodeAddress, instance: InstanceId },
    /// A wait for it failed: it does not run, and will not, or whoever watched was sick.
    NotRan { node: NodeAddress, instance: InstanceId, failure: Failure },
    /// A node was customized.
    Customized { node: NodeAddress, instance: InstanceId },
    /// It could not be.
    CustomizeFailed { node: NodeAddress, instance: InstanceId, failure: Failure },
    /// A node was registered.
    Registered { node: NodeAddress, instance: InstanceId, registrations: Vec<Registration> },
    /// It could not be, or not everywhere; the registrations that were made stand.
    RegisterFailed {
        node: NodeAddress,
        instance: InstanceId,
        registrations: Vec<Registration>,
        failure: Failure,
    },
    /// Its registrations were ended, as far as that went.
    Deregistered { node: NodeAddress, problem: Option<Failure> },
    /// Its customization was taken back, as far as that went.
    Undone { node: NodeAddress, instance: InstanceId, problem: Option<Failure> },
    /// An instance is terminated.
    Gone { node: NodeAddress, instance: InstanceId },
    /// It could not be terminated: a leak, for now.
    NotGone { node: NodeAddress, instance: InstanceId, failure: Failure },
    /// An instance is dead: it is to be replaced, and not asked for anything any more.
    Dead { node: NodeAddress, instance: InstanceId, failure: Failure },
    /// An instance does its work, and is to be replaced; it is drained first, at the latest by this time.
    Leaving { node: NodeAddress, instance: InstanceId, failure: Failure, by: Option<Timestamp> },
    /// A node whose instance ended while nobody watched it may have another.
    Admitted { node: NodeAddress },
    /// Somebody wants another instance of this node, whatever became of it before.
    Renew { node: NodeAddress, failure: Failure },
    /// Somebody wants the node without an instance, until it is released or renewed.
    Quarantine { node: NodeAddress, failure: Failure },
    /// A node in quarantine may have an instance again.
    Release { node: NodeAddress },
    /// An instance was not terminated: its node is held, or it lives after all.
    Held { node: NodeAddress, instance: InstanceId, failure: Failure, lives: bool },
    /// An instance that was held to be dead, and was not terminated, lives.
    Lives { node: NodeAddress, instance: InstanceId },
    /// A node's customizers are to run again.
    Outdated { node: NodeAddress },
    /// Somebody wants the fleet to have so many nodes.
    Scale { fleet: Name, wanted: u32, at_least: u32 },
    /// Nothing is to be launched, replaced or scaled down, or is to be again.
    Paused(bool),
    /// These nodes, and no others, are held.
    Holds(BTreeSet<NodeAddress>),
    /// A delay is over.
    Elapsed(Timer),
    /// Take everything down; the first cause is kept.
    Terminate { cause: Option<Failure> },
    /// A last search was made, and what it found was terminated or reported.
    Proven,
    /// Security groups and key pairs were removed, as far as that went.
    SharedRemoved,
}
