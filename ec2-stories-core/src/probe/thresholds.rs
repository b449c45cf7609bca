//! Thresholds of a single probe.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use crate::Result;
use crate::model::{InstanceId, NodeAddress};
use crate::provider::{Liveness, Node, Probe};

/// Passes on a change of a probe's answer only once it was given several times in a row; until then the one before holds.
///
/// The first answer about an instance counts at once. What is unknown is passed on and counts for nothing; a node that was declared dead is
/// dead. It remembers a few bytes a node. The monitor has thresholds of its own for the whole: these are for a member
/// of [`all_of`](super::all_of) or [`any_of`](super::any_of) that is less reliable than the others.
#[derive(Debug)]
pub struct Thresholds<P> {
    probe: P,
    failures: u32,
    successes: u32,
    seen: Mutex<HashMap<NodeAddress, Seen>>,
}

#[derive(Debug)]
struct Seen {
    instance: InstanceId,
    live: bool,
    /// How many times in a row the answer was the other one.
    against: u32,
}

impl<P: Probe> Thresholds<P> {
    /// Failing after so many failures in a row, and live again after so many successes; at least one each.
    pub fn new(probe: P, failures: u32, successes: u32) -> Self {
        Self { probe, failures: failures.max(1), successes: successes.max(1), seen: Mutex::default() }
    }

    /// What holds after this answer: whether the node lives, and how many are against that.
    fn settle(&self, node: &Node, live: bool) -> (bool, u32) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let first = || Seen { instance: node.instance.id.clone(), live, against: 0 };
        let seen = seen.entry(node.address.clone()).or_insert_with(first);
        if seen.instance != node.instance.id {
            *seen = first();
        }
        let enough = if live { self.successes } else { self.failures };
        seen.against = if seen.live == live { 0 } else { seen.against + 1 };
        if seen.against >= enough {
            (seen.live, seen.against) = (live, 0);
        }
        (seen.live, seen.against)
    }
}

#[async_trait]
impl<P: Probe> Probe for Thresholds<P> {
    fn name(&self) -> String {
        self.probe.name()
    }

    fn consistent(&self) -> Result<()> {
        self.probe.consistent()
    }

    async fn check(&self, node: &Node) -> Liveness {
        let answer = self.probe.check(node).await;
        let live = match &answer {
            Liveness::Live => true,
            Liveness::Failing(_) => false,
            Liveness::DeclaredDead(_) | Liveness::Unknown(_) => return answer,
        };
        match (self.settle(node, live), answer) {
            ((true, _), _) => Liveness::Live,
            ((false, good), Liveness::Live) => {
                Liveness::Failing(format!("{good} of {} successes after it failed", self.successes))
            }
            ((false, _), failing) => failing,
        }
    }
}
