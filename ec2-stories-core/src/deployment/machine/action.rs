//! What the machine wants done.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Failure, Phase};
use crate::model::{ClientToken, InstanceId, Name, NodeAddress};
use crate::provider::Registration;

/// Something to do. Each action is answered by an [`Event`](super::Event).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "action", content = "data")]
#[allow(missing_docs)]
pub enum Action {
    /// Make ready what the fleets' launches need: image, key pair, security group.
    Prepare,
    /// Write the intent of this batch where there is none yet, then make the call it says. A batch whose intent is
    /// written is replayed as it was written. `call` counts the calls under the token, and comes back with a failure.
    Launch { token: ClientToken, call: u32 },
    /// Search for what the launch under this token made.
    Look { token: ClientToken },
    /// Wait until the instance runs, at most this long.
    Await { node: NodeAddress, instance: InstanceId, patience: Duration },
    /// Run the customizers.
    Customize { node: NodeAddress, instance: InstanceId },
    /// Register the node.
    Register { node: NodeAddress, instance: InstanceId },
    /// End its registrations, in the registrars' order; one that is not known yet may stand all the same.
    Deregister { node: NodeAddress, registrations: Vec<Registration> },
    /// Take the customization of this instance back, which may be the one before the node's present one.
    Undo { node: NodeAddress, instance: InstanceId },
    /// Terminate this instance, which is to be replaced, and wait until it is gone; unless the node is held by now.
    Replace { node: NodeAddress, instance: InstanceId },
    /// Terminate these instances and wait until each is gone.
    Terminate { nodes: Vec<(NodeAddress, InstanceId)> },
    /// Say [`Event::Elapsed`](super::Event::Elapsed) after this long, give or take.
    Delay { timer: Timer, by: Duration },
    /// Search for everything that carries the deployment's tag, and terminate it.
    Prove,
    /// Remove the deployment's security groups and key pairs.
    RemoveShared,
}

/// What a delay is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "timer", content = "of")]
pub enum Timer {
    /// Make a launch call again.
    Launch(ClientToken),
    /// Search again.
    Look(ClientToken),
    /// Launch what a fleet has lost.
    Relaunch(Name),
    /// See whether a rollout may go on.
    Roll(Name),
    /// Try again to terminate this instance, which could not be.
    End(NodeAddress, InstanceId),
    /// Wait again for this instance, which does not run and was to stay all the same.
    Await(NodeAddress, InstanceId),
    /// An instance has had its time to finish what it did.
    Drain(NodeAddress, InstanceId),
}

/// What came of a step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What to do, in this order or at once.
    pub actions: Vec<Action>,
    /// Every phase that a node entered, in order.
    pub entered: Vec<(NodeAddress, Phase)>,
    /// Nodes of which something changed that must not be forgotten, and that entered no phase.
    pub changed: Vec<NodeAddress>,
    /// Nodes that live with another instance than the one that others know.
    pub replaced: Vec<NodeAddress>,
    /// Nodes that a rollout wants replaced as soon as the monitor's budgets allow. Each is answered by
    /// [`Event::Leaving`](super::Event::Leaving), at once where nobody counts.
    pub asks: Vec<NodeAddress>,
    /// Nodes that have lost their instance while nobody watched it, and are launched anew as soon as the monitor's budgets allow. Each is
    /// answered by [`Event::Admitted`](super::Event::Admitted), at once where nobody counts.
    pub lost: Vec<NodeAddress>,
    /// Nodes of which that was asked, and that are to stay after all.
    pub stays: Vec<NodeAddress>,
    /// Rollouts that are done, or halt for a reason.
    pub rollouts: Vec<(Name, Option<Failure>)>,
    /// Nodes that the fleet has no more.
    pub removed: Vec<NodeAddress>,
    /// What went wrong, and for which node.
    pub problems: Vec<(NodeAddress, Failure)>,
    /// Launches that searches settled, and what they made.
    pub found: Vec<(ClientToken, BTreeMap<u32, InstanceId>)>,
    /// Launches that are known to have made nothing that lives, and why.
    pub refused: Vec<(ClientToken, Failure)>,
}
