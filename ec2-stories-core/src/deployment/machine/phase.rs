//! A node's state.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Failure;
use crate::model::{Generation, InstanceId};
use crate::provider::Registration;

/// A node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Where it is on its way.
    pub phase: Phase,
    /// The generation of its instance, or of the last one; 0 before the first.
    pub generation: Generation,
    /// The generation and attempt of its next launch.
    pub next: (Generation, u32),
    /// Its instance.
    pub instance: Option<InstanceId>,
    /// When the instance was launched, where it was found again after a restart.
    pub adopted: Option<Timestamp>,
    /// Whether customizers ran on the instance, or began to.
    pub touched: bool,
    /// Whether they all succeeded.
    pub customized: bool,
    /// Whether a registration was begun and its outcome is not known.
    pub registering: bool,
    /// Whether the instance is registered everywhere.
    pub registered: bool,
    /// Where the node is registered.
    pub registrations: Vec<Registration>,
    /// When it lost an instance, within the last hour.
    pub losses: Vec<Timestamp>,
    /// Whether the instance could not be terminated.
    pub leaked: bool,
    /// What went wrong last.
    pub failure: Option<Failure>,
}

/// Where a node is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It has no instance, and none is asked for yet.
    Absent,
    /// It lost its instance; the next is launched after a while.
    Resting,
    /// A launch is under way.
    Launching,
    /// Its instance is accepted and boots.
    Pending,
    /// Its instance runs.
    Running,
    /// Its customizers run.
    Customizing,
    /// It is being registered.
    Registering,
    /// It does its work.
    Live,
    /// Its registrations are being ended.
    Deregistering,
    /// Its customization is being taken back.
    Undoing,
    /// It is ready to be terminated, with the rest of its fleet.
    Condemned,
    /// Its instance is being terminated.
    Terminating,
    /// It is gone, for good.
    Terminated,
    /// It was given up.
    Failed,
}

impl Phase {
    /// The phase's name, as in a journal.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Resting => "resting",
            Self::Launching => "launching",
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Customizing => "customizing",
            Self::Registering => "registering",
            Self::Live => "live",
            Self::Deregistering => "deregistering",
            Self::Undoing => "undoing",
            Self::Condemned => "condemned",
            Self::Terminating => "terminating",
            Self::Terminated => "terminated",
            Self::Failed => "failed",
        }
    }
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

impl Default for Node {
    fn default() -> Self {
        Self {
            phase: Phase::Absent,
            generation: Generation(0),
            next: (Generation::FIRST, 1),
            instance: None,
            adopted: None,
            touched: false,
            customized: false,
            registering: false,
            registered: false,
            registrations: Vec::new(),
            losses: Vec::new(),
            leaked: false,
            failure: None,
        }
    }
}
