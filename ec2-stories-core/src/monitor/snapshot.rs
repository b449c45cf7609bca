//! What a monitor knows, at one moment.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::model::{Generation, InstanceHealth, NodeAddress};
use crate::provider::{Hold, Liveness, Verdict};

/// What a monitor knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Why it does not trust its own eyes, where it does not.
    pub blind: Option<String>,
    /// Why the cloud does not answer, where it does not.
    pub cloud_silent: Option<String>,
    /// Its fleets, by name.
    pub fleets: Vec<FleetHealth>,
    /// Its nodes, by address.
    pub nodes: Vec<NodeHealth>,
}

/// A fleet, as a monitor sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FleetHealth {
    /// Its name.
    pub name: String,
    /// Its nodes that are watched or being replaced.
    pub nodes: u32,
    /// Those that are suspect, dead or being replaced.
    pub unhealthy: u32,
    /// Those that are being replaced.
    pub in_flight: u32,
    /// Those that are to be replaced and wait.
    pub waiting: u32,
    /// How many may be replaced at a time.
    pub allowed: u32,
}

/// A node, as a monitor sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeHealth {
    /// The node.
    pub node: NodeAddress,
    /// Its instance's generation.
    pub generation: Generation,
    /// Its state.
    pub state: HealthState,
    /// Since when.
    pub since: Timestamp,
    /// When it last answered as it should.
    pub last_success: Option<Timestamp>,
    /// Why it is in its state, where it is not simply well.
    pub why: Option<String>,
    /// The verdict that was told last; `None` before the first.
    pub verdict: Option<Verdict>,
    /// Who keeps it from being replaced.
    pub hold: Option<Hold>,
}

/// A node's state in a monitor's eyes: `Starting → Live ⇄ Suspect → Dead → Replacing`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthState {
    /// It has not answered yet.
    Starting,
    /// It lives.
    Live,
    /// Something is wrong with it.
    Suspect,
    /// It is dead, and waits to be replaced.
    Dead,
    /// It is dead, and somebody keeps it from being replaced.
    Held,
    /// It lives, and is drained and replaced.
    Leaving,
    /// It is being replaced.
    Replacing,
    /// It was given up.
    Quarantined,
}

impl fmt::Display for HealthState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Starting => "starting",
            Self::Live => "live",
            Self::Suspect => "suspect",
            Self::Dead => "dead",
            Self::Held => "held",
            Self::Leaving => "leaving",
            Self::Replacing => "replacing",
            Self::Quarantined => "quarantined",
        })
    }
}

/// A deep ping's answers.
#[derive(Debug)]
pub struct Checked {
    /// The probe's; `None` for a fleet without one.
    pub probe: Option<Liveness>,
    /// The cloud's: `Ok(None)` where it does not know the instance; `None` for a monitor without a cloud.
    pub cloud: Option<Result<Option<InstanceHealth>>>,
}
