//! How an instance is, in the cloud's own words.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Instance, InstanceId, InstanceState, StateReason};

/// What the cloud says of an instance's health, beyond its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceHealth {
    /// The instance.
    pub id: InstanceId,
    /// Its state.
    pub state: InstanceState,
    /// Why it is in that state, where the cloud says so.
    pub state_reason: Option<StateReason>,
    /// The check of the machine and network below it.
    pub system: Check,
    /// The check of the instance itself: whether its network answers.
    pub instance: Check,
    /// What will be done to it.
    pub notices: Vec<Notice>,
}

impl InstanceHealth {
    /// As far as a describe tells.
    #[must_use]
    pub fn of(instance: &Instance) -> Self {
        Self {
            id: instance.id.clone(),
            state: instance.state,
            state_reason: instance.state_reason.clone(),
            system: Check::Unknown,
            instance: Check::Unknown,
            notices: Vec::new(),
        }
    }
}

/// A status check's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// `ok`
    Ok,
    /// `impaired`, since this time where the cloud says so.
    Impaired(Option<Timestamp>),
    /// `initializing`: the first check is not done yet.
    Initializing,
    /// `insufficient-data`, `not-applicable`, or the cloud has no such checks.
    Unknown,
}

/// What will be done to an instance, by the cloud and not by us.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// What, in the cloud's word: `spot-interruption`, `instance-retirement`, `system-reboot`.
    pub what: String,
    /// Whether the instance ends by it: it must be replaced before. A reboot is only told.
    pub ends: bool,
    /// When, at the earliest.
    pub at: Timestamp,
}
