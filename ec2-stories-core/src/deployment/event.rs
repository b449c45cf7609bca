//! What a running deployment tells those who watch.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Stray;
use super::machine::Phase;
use crate::model::{ImageId, InstanceId, NodeAddress, SecurityGroupId};
use crate::monitor::What;
use crate::provider::StepOutcome;

/// Something that happened in a deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// To which node, where it is one node's.
    pub node: Option<NodeAddress>,
    /// What.
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "data")]
#[non_exhaustive]
pub enum EventKind {
    /// A fleet's image, key and group are there.
    Prepared {
        /// The fleet.
        fleet: String,
        /// The image that its nodes are launched from.
        image: ImageId,
        /// Its own security group.
        group: Option<SecurityGroupId>,
    },
    /// Instances are asked for; the intent is in the journal.
    Launching {
        /// The fleet.
        fleet: String,
        /// How many.
        count: u32,
        /// The type, and where.
        place: String,
    },
    /// A launch was accepted.
    Launched {
        /// The fleet.
        fleet: String,
        /// How many instances it made.
        count: u32,
        /// How many were asked for.
        asked: u32,
    },
    /// The node has another instance than before.
    Instance(InstanceId),
    /// The node entered a phase.
    Phase(Phase),
    /// Something is wrong with the node, not enough to act.
    Suspect(String),
    /// Nothing is wrong with it any more.
    Recovered,
    /// It is dead: it is replaced.
    Dead(String),
    /// It does its work, and will be taken away: it is drained and replaced.
    Leaving {
        /// By what.
        why: String,
        /// When, at the earliest.
        by: Timestamp,
    },
    /// It was to be replaced, and is not, for this reason.
    Spared(String),
    /// It is not to be replaced for a while.
    Held {
        /// Who asked for it.
        owner: String,
        /// Until when.
        until: Timestamp,
    },
    /// Somebody stopped the deployment from changing.
    Paused {
        /// Who.
        owner: String,
        /// Why.
        reason: String,
    },
    /// It may change again.
    Resumed,
    /// A fleet is to have another number of nodes.
    Scaled {
        /// The fleet.
        fleet: String,
        /// How many it was to have.
        from: u32,
        /// How many it is to have now.
        to: u32,
    },
    /// Something else that the deployment's monitor saw or decided.
    Health(What),
    /// All of a fleet's nodes were launched from its image.
    RolledOut {
        /// The fleet.
        fleet: String,
    },
    /// A node that was replaced did not come to live, and no other is replaced.
    RolloutHalted {
        /// The fleet.
        fleet: String,
        /// What became of the node.
        why: String,
    },
    /// It lives with another instance than before: its attributes differ, and the fleets after it are customized again.
    Changed,
    /// An instance carries the deployment's tag and is nobody's; each is told of once, and once it was terminated.
    Stray(Stray),
    /// A customizer's step ended.
    Step {
        /// The step.
        step: String,
        /// How.
        outcome: StepOutcome,
    },
    /// Something went wrong; what follows is another event.
    Problem(String),
    /// All fleets are ready.
    Ready,
    /// The deployment cannot become ready.
    Failed(String),
    /// The end began.
    Terminating,
    /// Everything is down; what is left was reported.
    Terminated,
    /// The nodes are left to themselves.
    Detached,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0} ", self.at)?;
        if let Some(node) = &self.node {
            write!(f, "{node} ")?;
        }
        self.kind.fmt(f)
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prepared { fleet, image, group: Some(group) } => {
                write!(f, "fleet {fleet}: prepared, image {image}, security group {group}")
            }
            Self::Prepared { fleet, image, group: None } => {
                write!(f, "fleet {fleet}: prepared, image {image}")
            }
            Self::Launching { fleet, count, place } => {
                write!(f, "fleet {fleet}: launching {count} × {place}")
            }
            Self::Launched { fleet, count, asked } => write!(f, "fleet {fleet}: launched {count} of {asked}"),
            Self::Instance(id) => write!(f, "is {id}"),
            Self::Phase(phase) => phase.fmt(f),
            Self::Suspect(why) => write!(f, "suspect: {why}"),
            Self::Recovered => f.write_str("healthy again"),
            Self::Dead(why) => write!(f, "dead: {why}"),
            Self::Leaving { why, by } => write!(f, "leaves by {by:.0}: {why}"),
            Self::Health(what) => what.fmt(f),
            Self::Spared(why) => write!(f, "not replaced: {why}"),
            Self::Changed => f.write_str("was replaced, and has other attributes"),
            Self::Stray(stray) => write!(f, "nobody's instance {stray}"),
            Self::Step { step, outcome } => match outcome {
                StepOutcome::Changed => write!(f, "{step}: changed"),
                StepOutcome::Unchanged => write!(f, "{step}: unchanged"),
                StepOutcome::Failed(why) => write!(f, "{step}: failed: {why}"),
                StepOutcome::Skipped => write!(f, "{step}: skipped"),
            },
            Self::Held { owner, until } => write!(f, "held by {owner} until {until:.0}"),
            Self::Paused { owner, reason } => write!(f, "paused by {owner}: {reason}"),
            Self::Resumed => f.write_str("resumed"),
            Self::Scaled { fleet, from, to } => write!(f, "fleet {fleet}: from {from} nodes to {to}"),
            Self::RolledOut { fleet } => write!(f, "fleet {fleet}: rolled out"),
            Self::RolloutHalted { why, .. } => f.write_str(why),
            Self::Problem(why) => write!(f, "problem: {why}"),
            Self::Ready => f.write_str("ready"),
            Self::Failed(why) => write!(f, "failed: {why}"),
            Self::Terminating => f.write_str("terminating"),
            Self::Terminated => f.write_str("terminated"),
            Self::Detached => f.write_str("detached"),
        }
    }
}
