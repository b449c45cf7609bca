//! The records of a journal.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::super::machine::{Failure, Leaving, Node, Outgoing, Phase};
use crate::model::{
    Architecture, ClientToken, Generation, Image, ImageId, InstanceId, KeyName, LaunchRequest, Mode,
    SecurityGroupId,
};
use crate::provider::Registration;

/// Where a deployment's life is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    Running,
    Detached,
    Terminating,
    Terminated,
}

impl Stage {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Detached => "detached",
            Self::Terminating => "terminating",
            Self::Terminated => "terminated",
        }
    }
}

/// The deployment as a whole.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) incarnation: String,
    /// Differs with every process that takes the deployment over; the write that sets it fences off the one before.
    pub(crate) controller: String,
    pub(crate) stage: Stage,
    pub(crate) mode: Mode,
    pub(crate) since: Timestamp,
    pub(crate) cause: Option<Failure>,
    /// What was launched by former incarnations, and by launches of which nothing is left, for the limits: in all, and when within the
    /// last hour.
    pub(crate) launched: u32,
    pub(crate) recent: Vec<(Timestamp, u32)>,
    /// Launches that these count, and whose records are about to be removed: those say nothing any more.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) folded: BTreeSet<ClientToken>,
    /// The journal's former incarnations, the latest first. `None` where whatever carries the deployment's tag is its own: it is
    /// terminated by its name alone, or was begun when journals did not say whose launches are whose.
    #[serde(default)]
    pub(crate) lives: Option<Vec<String>>,
}

/// What a fleet's nodes are launched with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct FleetRecord {
    /// What the description said.
    pub(crate) wanted: Image,
    pub(crate) architecture: Architecture,
    /// What that was when the first node was launched; later nodes get the same.
    pub(crate) image: ImageId,
    pub(crate) root_device: Option<String>,
    /// `None` before they were made, or where there are none.
    pub(crate) key: Option<KeyName>,
    pub(crate) group: Option<SecurityGroupId>,
    /// Whether nodes that were launched from another image are being replaced.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) rolls: bool,
    /// Why that does not go on, until somebody orders it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) halted: Option<Failure>,
}

/// A launch: the intent, then the outcome.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LaunchRecord {
    pub(crate) written_at: Timestamp,
    /// What is sent, save the host key.
    pub(crate) request: LaunchRequest,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) host_key: Option<InjectedKey>,
    pub(crate) outcome: Option<LaunchOutcome>,
    /// Slots that the fleet has no more: their instances have ended.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) ended: BTreeSet<u32>,
}

/// What the journal says of the host key that a launch sends: enough to send the same again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InjectedKey {
    /// The file of the private key.
    pub(crate) file: PathBuf,
    /// One line in OpenSSH's format.
    pub(crate) public: String,
    /// Whether what was recorded is sent compressed.
    pub(crate) gzip: bool,
}

/// What came of a launch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LaunchOutcome {
    Launched(BTreeMap<u32, InstanceId>),
    Refused(Failure),
    /// Its instances were made, and ended before anybody saw them.
    Lost(Failure),
}

impl LaunchRecord {
    /// How many instances it counts for in the limits: what it may have made while that is not known.
    pub(crate) fn launches(&self) -> u32 {
        match &self.outcome {
            None | Some(LaunchOutcome::Lost(_)) => self.request.count(),
            Some(LaunchOutcome::Launched(instances)) => u32::try_from(instances.len()).unwrap_or(u32::MAX),
            Some(LaunchOutcome::Refused(_)) => 0,
        }
    }
}

/// The steps of a node's instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct NodeRecord {
    pub(crate) instance: Option<InstanceId>,
    pub(crate) touched: bool,
    pub(crate) customized: bool,
    pub(crate) registering: bool,
    pub(crate) registered: bool,
    pub(crate) registrations: Vec<Registration>,
    pub(crate) losses: Vec<Timestamp>,
    /// At which revision it was customized, and whether that is to be done again.
    #[serde(default)]
    pub(crate) revision: String,
    #[serde(default)]
    pub(crate) outdated: bool,
    /// Whether it is dead and held, and so registered nowhere.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) withdrawn: bool,
    /// The generation that those who come after it know.
    #[serde(default)]
    pub(crate) told: Generation,
    /// What somebody asked for, and is not done yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) leaving: Option<Leaving>,
    /// The instance that lives until the next one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) outgoing: Option<Outgoing>,
    /// Why it is to have no instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) quarantined: Option<Failure>,
    /// Why its last step failed, for whoever asks when no controller is there to tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failed: Option<Failure>,
    /// Why its last instance was replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) death: Option<Failure>,
}

impl NodeRecord {
    /// What must not be forgotten of a node.
    pub(crate) fn of(node: &Node) -> Self {
        Self {
            instance: node.instance.clone(),
            revision: node.revision.clone(),
            outdated: node.outdated,
            withdrawn: node.withdrawn,
            told: node.told,
            leaving: node.leaving.clone().filter(|leaving| leaving.asked),
            outgoing: node.outgoing.clone(),
            quarantined: node.failure.clone().filter(|_| node.phase == Phase::Quarantined),
            failed: node.failure.clone().filter(|_| node.phase == Phase::Failed),
            death: node.death.clone(),
            touched: node.touched,
            customized: node.customized,
            registering: node.registering,
            registered: node.registered,
            registrations: node.registrations.clone(),
            losses: node.losses.clone(),
        }
    }

    /// Whether the launch records say it all.
    pub(crate) fn is_plain(&self) -> bool {
        let stepped = self.touched || self.registering || !self.registrations.is_empty() || self.outdated;
        let leaves = self.leaving.is_some() || self.outgoing.is_some() || self.quarantined.is_some();
        !stepped && !leaves && self.losses.is_empty() && self.death.is_none() && self.failed.is_none()
    }
}

/// What a sweep saw and did not know, and when first.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct SweepRecord {
    pub(crate) seen: BTreeMap<InstanceId, Timestamp>,
}
