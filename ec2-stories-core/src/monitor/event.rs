//! What a monitor tells those who watch it: what it decided, and why.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{Generation, NodeAddress};
use crate::provider::Hold;

/// Something that a monitor saw or decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthEvent {
    /// When.
    pub at: Timestamp,
    /// About which node, and the generation of its instance; `None` where it is about the monitor or a fleet.
    pub node: Option<(NodeAddress, Generation)>,
    /// What.
    pub what: What,
}

/// What a monitor saw or decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "what", content = "data")]
#[non_exhaustive]
pub enum What {
    /// It lives.
    Live,
    /// Something is wrong, not enough to act.
    Suspect(String),
    /// It is dead.
    Dead {
        /// Why.
        why: String,
        /// The cloud, or something else that must know, says so.
        definitive: bool,
    },
    /// It is to be replaced now.
    Replace(String),
    /// It lives, is to be drained and replaced.
    Leaving {
        /// By what it is taken away.
        why: String,
        /// When, at the earliest.
        by: Timestamp,
    },
    /// It is to be replaced, and that has to wait.
    Waits(String),
    /// The instance that replaced another lives.
    Replaced,
    /// What the cloud will do to it, and it survives.
    Notice {
        /// What, in the cloud's word.
        what: String,
        /// When, at the earliest.
        at: Timestamp,
    },
    /// It is live and suspect in turns; it is given twice the time.
    Flapping {
        /// How many changes.
        changes: u32,
        /// Within how long.
        #[serde(with = "humantime_serde")]
        within: Duration,
    },
    /// It is kept from being replaced.
    Held(Hold),
    /// The hold has ended.
    Released,
    /// It was given up.
    Quarantined(String),
    /// The monitor does not trust its own eyes: nothing is replaced.
    Blind(String),
    /// It does again; nothing counts that it saw meanwhile.
    Sees,
    /// Too many of a fleet are unhealthy: so many at a time are replaced, no more.
    Cautious {
        /// The fleet.
        fleet: String,
        /// How many of its nodes are unhealthy.
        unhealthy: u32,
        /// How many may be.
        limit: u32,
        /// How many are replaced at a time.
        at_a_time: u32,
    },
    /// Few enough of a fleet are unhealthy.
    Calm {
        /// The fleet.
        fleet: String,
    },
    /// The cloud does not answer; nobody dies meanwhile but by its word.
    CloudSilent(String),
    /// The cloud answers again.
    CloudAnswers,
}

impl fmt::Display for HealthEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.at)?;
        if let Some((node, generation)) = &self.node {
            write!(f, "{node} (generation {generation}): ")?;
        }
        self.what.fmt(f)
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Live => f.write_str("live"),
            Self::Suspect(why) => write!(f, "suspect: {why}"),
            Self::Dead { why, definitive: true } => write!(f, "dead, and no doubt about it: {why}"),
            Self::Dead { why, definitive: false } => write!(f, "dead: {why}"),
            Self::Replace(why) => write!(f, "to be replaced: {why}"),
            Self::Leaving { why, by } => write!(f, "leaving by {by}: {why}"),
            Self::Waits(why) => write!(f, "to be replaced, and waits: {why}"),
            Self::Replaced => f.write_str("replaced: its new instance lives"),
            Self::Notice { what, at } => write!(f, "the cloud announces {what} at {at}"),
            Self::Flapping { changes, within } => {
                write!(f, "flapping: {changes} changes within {within:?}; it is given twice the time")
            }
            Self::Held(Hold { owner, reason, until }) => write!(f, "held by {owner} until {until}: {reason}"),
            Self::Released => f.write_str("no longer held"),
            Self::Quarantined(why) => write!(f, "given up: {why}"),
            Self::Blind(why) => write!(f, "blind, nothing is replaced: {why}"),
            Self::Sees => f.write_str("sees again; everybody gets the whole time anew"),
            Self::Cautious { fleet, unhealthy, limit, at_a_time } => write!(
                f,
                "fleet {fleet}: {unhealthy} nodes are unhealthy, more than {limit}: {at_a_time} at a time is replaced"
            ),
            Self::Calm { fleet } => write!(f, "fleet {fleet}: few enough nodes are unhealthy"),
            Self::CloudSilent(why) => write!(f, "the cloud does not answer: {why}"),
            Self::CloudAnswers => f.write_str("the cloud answers again"),
        }
    }
}
