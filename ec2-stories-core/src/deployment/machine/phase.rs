//! A node's state.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Failure;
use crate::ErrorKind;
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
    /// The revision of the customizers that ran.
    pub revision: String,
    /// Whether they are to run again, since something changed that they may have read.
    pub outdated: bool,
    /// Whether its instance was launched from another image than the fleet's.
    pub superseded: bool,
    /// Whether a rollout replaced what it had.
    pub rolled: bool,
    /// Why its instance is to go, where it is.
    pub leaving: Option<Leaving>,
    /// Why somebody wants another instance, where that waits for the end of other replacements.
    pub renewal: Option<Failure>,
    /// Whether somebody ordered what is done about it.
    pub renewed: bool,
    /// The instance before, where it lives until this one does.
    pub outgoing: Option<Outgoing>,
    /// The generation that those who come after it know.
    pub told: Generation,
    /// When it became live.
    pub live_since: Option<Timestamp>,
    /// Until when it rests.
    pub rests_until: Option<Timestamp>,
    /// When it lost an instance, until it is forgotten.
    pub losses: Vec<Timestamp>,
    /// Why its last instance was replaced.
    pub death: Option<Failure>,
    /// Whether its next launch is paid for.
    pub admission: Admission,
    /// Whether the instance could not be terminated.
    pub leaked: bool,
    /// How often in a row that was given up for a while.
    pub refused: u32,
    /// Whether it died and is held: it is registered nowhere until it lives again.
    pub withdrawn: bool,
    /// What went wrong last.
    pub failure: Option<Failure>,
}

/// Why an instance is to go, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Leaving {
    /// Why.
    pub failure: Failure,
    /// It does its work: it is drained, and its customization taken back.
    pub healthy: bool,
    /// When it ends by itself, at the earliest.
    pub by: Option<Timestamp>,
    /// Whether the node is to have no instance after it.
    pub quarantine: bool,
    /// Whether somebody asked for it, so that it is done after a restart too. What a monitor said it says again.
    pub asked: bool,
    /// Whether it was decided before a restart that its successor is to live first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub beside: bool,
}

impl Leaving {
    /// For this reason, and because a monitor said so.
    pub(super) fn because(failure: Failure, healthy: bool) -> Self {
        Self { failure, healthy, by: None, quarantine: false, asked: false, beside: false }
    }
}

/// An instance whose successor is to live before it goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outgoing {
    /// The instance.
    pub instance: InstanceId,
    /// Whether it does its work: it is drained first, and its customization taken back.
    pub healthy: bool,
    /// Whether customizers ran on it, or began to, and that was not taken back.
    #[serde(default)]
    pub touched: bool,
    /// When it ends by itself, at the earliest.
    #[serde(default)]
    pub by: Option<Timestamp>,
    /// Whether it could not be terminated.
    pub leaked: bool,
    /// Why it is to go, where somebody asked for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Failure>,
}

/// Whether a node without an instance may be launched anew. What ended while nobody watched it counts in the monitor's budgets like
/// any other death.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Admission {
    /// It may.
    #[default]
    Given,
    /// The monitor is to be asked first.
    Wanted,
    /// The monitor was asked.
    Asked,
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
    /// It finishes what it does, before it is replaced.
    Draining,
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
    /// It died too often, or was put here: it has no instance until somebody says so.
    Quarantined,
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
            Self::Draining => "draining",
            Self::Undoing => "undoing",
            Self::Condemned => "condemned",
            Self::Terminating => "terminating",
            Self::Terminated => "terminated",
            Self::Failed => "failed",
            Self::Quarantined => "quarantined",
        }
    }

    /// Whether its instance is there still, and on its way out.
    #[must_use]
    pub fn is_leaving(self) -> bool {
        matches!(
            self,
            Self::Deregistering | Self::Draining | Self::Undoing | Self::Condemned | Self::Terminating
        )
    }
}

impl Node {
    /// Whether nothing more is tried with it.
    #[must_use]
    pub fn is_given_up(&self) -> bool {
        matches!(self.phase, Phase::Failed | Phase::Quarantined)
    }

    /// Whether an order put it into quarantine, and not its deaths: those are failures, an order cancels.
    #[must_use]
    pub fn is_set_aside(&self) -> bool {
        let is_ordered = self.failure.as_ref().is_some_and(|failure| failure.kind == ErrorKind::Canceled);
        self.phase == Phase::Quarantined && is_ordered
    }

    /// Whether its instance runs, and is not on its way down.
    #[must_use]
    pub fn is_up(&self) -> bool {
        matches!(self.phase, Phase::Running | Phase::Customizing | Phase::Registering | Phase::Live)
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
            revision: String::new(),
            outdated: false,
            superseded: false,
            rolled: false,
            leaving: None,
            renewal: None,
            renewed: false,
            outgoing: None,
            told: Generation(0),
            live_since: None,
            rests_until: None,
            losses: Vec::new(),
            death: None,
            admission: Admission::Given,
            leaked: false,
            refused: 0,
            withdrawn: false,
            failure: None,
        }
    }
}
