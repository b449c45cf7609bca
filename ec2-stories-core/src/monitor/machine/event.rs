//! What the machine is told, and what it says.

use std::time::Duration;

use jiff::Timestamp;

use super::At;
use crate::model::{Generation, InstanceHealth};
use crate::monitor::What;
use crate::provider::{Hold, Liveness};

/// A node: the number of its fleet, and its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The fleet's number.
    pub fleet: u32,
    /// The slot.
    pub slot: u32,
}

/// What happened.
#[derive(Debug)]
pub enum Event<'a> {
    /// A node's instance is to be watched.
    Watch {
        /// The node.
        key: Key,
        /// The number of its zone.
        zone: u32,
        /// Its instance's generation.
        generation: Generation,
        /// Whether it was live when it was last watched.
        was_live: bool,
        /// How much of its start-up time has passed.
        age: Duration,
    },
    /// A replacement is under way that the machine did not decide.
    Replacing {
        /// The node.
        key: Key,
        /// The generation that is replaced.
        generation: Generation,
    },
    /// Instances ended while nobody watched them.
    Lost {
        /// The nodes, the last generation of each, and how it ended.
        nodes: &'a [(Key, Generation, String)],
    },
    /// A node that works is on its way out, as somebody ordered.
    Leaves {
        /// The node.
        key: Key,
        /// The generation that leaves.
        generation: Generation,
        /// Why.
        why: &'a str,
        /// The time of day.
        by: Timestamp,
    },
    /// A node is watched no more.
    Forget {
        /// The node.
        key: Key,
    },
    /// A node is to be replaced though it may be healthy.
    Condemn {
        /// The node.
        key: Key,
        /// Why.
        why: &'a str,
        /// The time of day.
        by: Timestamp,
    },
    /// A node is given up.
    Quarantine {
        /// The node.
        key: Key,
        /// Why.
        why: &'a str,
    },
    /// A node is not to be replaced for a while.
    Hold {
        /// The node.
        key: Key,
        /// The hold.
        hold: Hold,
        /// When it ends.
        ends: At,
    },
    /// It may be replaced again.
    Release {
        /// The node.
        key: Key,
    },
    /// A probe's answer.
    Answer {
        /// The node.
        key: Key,
        /// The watch that it is about.
        watch: u32,
        /// The answer.
        liveness: Liveness,
    },
    /// The cloud's answer about a node.
    Cloud {
        /// The node.
        key: Key,
        /// The watch that it is about.
        watch: u32,
        /// What it said; `None` where it does not know the instance.
        health: Option<&'a InstanceHealth>,
    },
    /// The cloud was asked and did not answer.
    CloudSilent {
        /// Why.
        why: &'a str,
    },
    /// The cloud was asked and answered.
    CloudAnswers,
    /// The canaries were asked.
    Canaries {
        /// How many are not live.
        failing: u32,
        /// Of how many.
        of: u32,
    },
    /// Time has passed.
    Tick,
}

/// What has changed, or is to be done.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The node's verdict is another.
    Verdict(Key),
    /// The cloud is to be asked about the node soon.
    Ask(Key),
    /// Something that people want to know, about a node or about all.
    Tell(Option<Key>, What),
}
