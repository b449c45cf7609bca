//! Nodes whose instances were launched from another image than the fleet's, one after the other.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Action, Failure, Fleet, Leaving, Machine, Node, Outcome, Phase, Timer};
use crate::ErrorKind;
use crate::model::{Name, NodeAddress};

/// A fleet's way to another image.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rollout {
    /// Why it does not go on.
    pub halted: Option<Failure>,
}

impl Node {
    /// Whether a rollout gave it its instance, and that has not proven itself yet: it has to live as long as the monitor takes to
    /// see that it does.
    fn is_fresh(&self, proof: Duration, now: Timestamp) -> bool {
        let lives_for = self.live_since.map(|since| now.duration_since(since).unsigned_abs());
        self.rolled && (self.phase != Phase::Live || lives_for.is_none_or(|lives| lives < proof))
    }

    fn is_under_way(&self) -> bool {
        !matches!(self.phase, Phase::Live | Phase::Failed | Phase::Quarantined)
            || self.leaving.is_some()
            || self.outgoing.is_some()
    }
}

impl Fleet {
    /// How long a node must live until the next is replaced.
    fn proof(&self) -> Duration {
        self.plan.health.period * self.plan.health.success_threshold
    }

    /// How many nodes may be replaced now, beside those that are.
    fn room(&self, now: Timestamp) -> u32 {
        let health = &self.plan.health;
        let count = |busy: &dyn Fn(&Node) -> bool| {
            u32::try_from(self.wanted().filter(|node| busy(node)).count()).unwrap_or(u32::MAX)
        };
        let under_way = count(&|node| node.is_under_way() || node.is_fresh(self.proof(), now));
        let given_up = count(&|node| matches!(node.phase, Phase::Failed | Phase::Quarantined));
        let at_once = health.max_in_flight.of(self.plan.wanted).max(1).saturating_sub(under_way);
        let breaker = health.max_unhealthy.of(self.plan.wanted).max(2);
        at_once.min(breaker.saturating_sub(under_way + given_up))
    }

    /// What a replaced node came to, where that speaks against going on.
    fn setback(&self) -> Option<Failure> {
        let lost = |node: &&Node| {
            let is_lost = matches!(node.phase, Phase::Resting | Phase::Failed | Phase::Quarantined);
            node.rolled && is_lost && !node.is_set_aside()
        };
        let node = self.wanted().find(lost)?;
        let why = node.failure.as_ref().map_or_else(|| node.phase.to_string(), ToString::to_string);
        let why = format!("the rollout of fleet {} halts: {why}", self.plan.name);
        Some(Failure::new(ErrorKind::Failed, why))
    }
}

impl Machine {
    /// The fleet's nodes are to be launched from its present image: those that are not are replaced.
    pub fn roll_out(&mut self, fleet: &Name) {
        if let Some(fleet) = self.fleet_mut(fleet) {
            fleet.rollout = Some(Rollout::default());
            fleet.plan.exact = true;
        }
    }

    /// The node's instance was launched from another image than the fleet's.
    pub fn supersede(&mut self, address: &NodeAddress) {
        if let Some(node) = self.node_mut(address) {
            node.superseded = true;
        }
    }

    /// Replaces what is due, within the fleet's budgets; stops where a replaced node did not come to live.
    pub(super) fn roll(&mut self, now: Timestamp, out: &mut Outcome) {
        if self.paused {
            return;
        }
        for index in 0..self.fleets.len() {
            let fleet = &self.fleets[index];
            let Some(Rollout { halted: None }) = fleet.rollout else { continue };
            let waits = |before: &Name| self.fleet(before).is_some_and(|before| before.rollout.is_some());
            if fleet.plan.after.iter().any(waits) {
                continue;
            }
            if let Some(setback) = fleet.setback() {
                let name = fleet.plan.name.clone();
                self.fleets[index].rollout = Some(Rollout { halted: Some(setback.clone()) });
                out.rollouts.push((name, Some(setback)));
                continue;
            }
            self.roll_fleet(index, now, out);
        }
    }

    fn roll_fleet(&mut self, index: usize, now: Timestamp, out: &mut Outcome) {
        let fleet = &self.fleets[index];
        let old = fleet.nodes.range(..fleet.plan.wanted).filter(|(_, node)| node.superseded);
        let old: Vec<(NodeAddress, bool)> = old
            .map(|(slot, node)| (fleet.address(*slot), node.phase == Phase::Live && !node.is_under_way()))
            .collect();
        let fresh = fleet.wanted().any(|node| node.is_fresh(fleet.proof(), now));
        if old.is_empty() && !fresh {
            let fleet = &mut self.fleets[index];
            fleet.rollout = None;
            fleet.nodes.values_mut().for_each(|node| node.rolled = false);
            out.rollouts.push((fleet.plan.name.clone(), None));
            return;
        }
        let (name, proof) = (fleet.plan.name.clone(), fleet.proof());
        let room = fleet.room(now) as usize;
        let free = old.into_iter().filter(|(node, ready)| *ready && !self.held.contains(node));
        let next: Vec<NodeAddress> = free.map(|(node, _)| node).take(room).collect();
        for node in next {
            let failure = Failure::new(ErrorKind::Canceled, "its image is not the fleet's any more");
            let leaving = Leaving { failure, healthy: true, by: None, quarantine: false, asked: true };
            if let Some(node) = self.node_mut(&node) {
                node.rolled = true;
            }
            self.leave(&node, leaving, now, out);
        }
        // Nothing else wakes it when a node has proven itself.
        let proven = |node: &Node| node.phase == Phase::Live && node.rolled;
        if fresh
            && self.fleets[index].wanted().any(proven)
            && self.fleets[index].rolls_at.is_none_or(|at| at <= now)
        {
            self.fleets[index].rolls_at = Some(now + proof);
            out.actions.push(Action::Delay { timer: Timer::Roll(name), by: proof });
        }
    }
}
