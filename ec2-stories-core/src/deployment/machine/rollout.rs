//! Nodes whose instances were launched from another image than the fleet's, one after the other.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Action, Admission, Failure, Fleet, Leaving, Machine, Node, Outcome, Phase, Timer};
use crate::ErrorKind;
use crate::model::{Generation, Name, NodeAddress, Replace, Share};

/// A fleet's way to another image.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rollout {
    /// Why it does not go on.
    pub halted: Option<Failure>,
    /// Slots that the monitor was asked to let go, and has not.
    pub asked: BTreeSet<u32>,
}

/// How many nodes may be replaced now.
struct Room {
    of_broken: usize,
    of_working: usize,
}

/// Why a node goes that has another image than its fleet.
pub(crate) const SUPERSEDED: &str = "its image is not the fleet's any more";

fn superseded() -> Failure {
    Failure::new(ErrorKind::Canceled, SUPERSEDED)
}

impl Node {
    /// Whether a rollout gave it its instance, and that has not proven itself yet: it has to live as long as the monitor takes to
    /// see that it does.
    fn is_fresh(&self, proof: Duration, now: Timestamp) -> bool {
        let lives_for = self.live_since.map(|since| now.duration_since(since).unsigned_abs());
        let is_proven = self.phase == Phase::Live && lives_for.is_some_and(|lives| lives >= proof);
        // Of one that an order took out nothing is expected.
        self.rolled && !is_proven && !self.is_set_aside()
    }

    /// Whether it does not work, and nothing is done about that.
    fn is_broken(&self) -> bool {
        self.phase == Phase::Failed && !self.leaked
    }

    /// Whether it is as it was found, which only a hold keeps it from being taken from.
    fn is_left_as_found(&self) -> bool {
        let did_not_run = self.adopted.is_some() && self.failure.is_some();
        self.phase == Phase::Failed || (self.phase == Phase::Pending && did_not_run)
    }

    pub(super) fn is_under_way(&self) -> bool {
        !matches!(self.phase, Phase::Live | Phase::Failed | Phase::Quarantined)
            || self.leaving.is_some()
            || self.outgoing.is_some()
    }
}

impl Fleet {
    /// Whether a node is dead, and left so by those who watch it.
    fn is_left_dead(&self, slot: u32) -> bool {
        let failed = self.nodes.get(&slot).is_some_and(|node| node.failure.is_some());
        self.plan.health.replace == Replace::Never && failed
    }

    /// How long a node must live until the next is replaced.
    fn proof(&self) -> Duration {
        self.plan.health.period * self.plan.health.success_threshold
    }

    /// How many nodes may be replaced now beside those that are, of such as do not work and of such as do. What somebody set aside, or
    /// holds, counts for nothing.
    fn room(&self, held: &BTreeSet<NodeAddress>, now: Timestamp) -> Room {
        let health = &self.plan.health;
        let is_aside = |slot: u32, node: &Node| {
            node.is_set_aside() || (node.is_left_as_found() && held.contains(&self.address(slot)))
        };
        let nodes = self.nodes.range(..self.plan.wanted).filter(|(slot, node)| !is_aside(**slot, node));
        let nodes: Vec<&Node> = nodes.map(|(_, node)| node).collect();
        let under_way = nodes.iter().filter(|node| node.is_under_way() || node.is_fresh(self.proof(), now));
        let (under_way, given_up) =
            (under_way.count(), nodes.iter().filter(|node| node.is_given_up()).count());
        let most = |share: Share, least: u32| share.of(self.plan.wanted).max(least) as usize;
        let at_once = most(health.max_in_flight, 1).saturating_sub(under_way);
        let breaker = most(health.max_unhealthy, 2);
        // What does not work is not one more that does not.
        let cautious =
            if under_way + given_up > breaker { 1_usize.saturating_sub(under_way) } else { at_once };
        Room {
            of_broken: at_once.min(cautious),
            of_working: at_once.min(breaker.saturating_sub(under_way + given_up)),
        }
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
    /// The fleet's nodes are to be launched from its present image: those that are not are replaced. The others have been, as far as
    /// anybody knows: an earlier controller may have died before they had proven themselves.
    pub fn roll_out(&mut self, fleet: &Name) {
        if let Some(fleet) = self.fleet_mut(fleet) {
            fleet.rollout = Some(Rollout::default());
            fleet.plan.exact = true;
            fleet
                .nodes
                .values_mut()
                .for_each(|node| node.rolled = node.instance.is_some() && !node.superseded);
        }
    }

    /// The node's instance was launched from another image than the fleet's.
    pub fn supersede(&mut self, address: &NodeAddress) {
        if let Some(node) = self.node_mut(address) {
            (node.superseded, node.rolled) = (true, false);
        }
    }

    /// Replaces what is due, within the fleet's budgets; stops where a replaced node did not come to live.
    pub(super) fn roll(&mut self, now: Timestamp, out: &mut Outcome) {
        if self.paused {
            return;
        }
        for index in 0..self.fleets.len() {
            let fleet = &self.fleets[index];
            let Some(Rollout { halted: None, .. }) = fleet.rollout else { continue };
            let waits = |before: &Name| self.fleet(before).is_some_and(|before| before.rollout.is_some());
            if fleet.plan.after.iter().any(waits) {
                continue;
            }
            if let Some(setback) = fleet.setback() {
                self.halt(index, setback, out);
                continue;
            }
            self.roll_fleet(index, now, out);
        }
    }

    /// Replaces no more; what the monitor was asked for, and has not granted, stays as it is.
    fn halt(&mut self, index: usize, why: Failure, out: &mut Outcome) {
        let fleet = &mut self.fleets[index];
        if let Some(rollout) = &mut fleet.rollout {
            rollout.halted = Some(why.clone());
            out.stays
                .extend(rollout.asked.iter().map(|slot| NodeAddress::new(fleet.plan.name.clone(), *slot)));
        }
        out.rollouts.push((fleet.plan.name.clone(), Some(why)));
    }

    /// Whether a node that may leave does so for a rollout; `None` where that has halted since it was asked for.
    pub(super) fn leaves_for_rollout(&mut self, address: &NodeAddress, announced: bool) -> Option<bool> {
        let Some(fleet) = self.fleet_mut(&address.fleet) else { return Some(false) };
        let Some(rollout) = &mut fleet.rollout else { return Some(false) };
        if rollout.halted.is_some() {
            let too_late = rollout.asked.contains(&address.slot) && !announced;
            return (!too_late).then_some(false);
        }
        rollout.asked.remove(&address.slot);
        let Some(node) = fleet.nodes.get_mut(&address.slot) else { return Some(false) };
        node.rolled |= node.superseded;
        Some(node.superseded)
    }

    fn roll_fleet(&mut self, index: usize, now: Timestamp, out: &mut Outcome) {
        let fleet = &self.fleets[index];
        // What is in quarantine has nothing that could be replaced.
        let is_old = |node: &Node| node.superseded && node.phase != Phase::Quarantined;
        let old = fleet.nodes.range(..fleet.plan.wanted).filter(|(_, node)| is_old(node));
        let old: Vec<(NodeAddress, &Node)> = old.map(|(slot, node)| (fleet.address(*slot), node)).collect();
        let fresh = fleet.wanted().any(|node| node.is_fresh(fleet.proof(), now));
        if old.is_empty() && !fresh {
            let fleet = &mut self.fleets[index];
            fleet.rollout = None;
            fleet.nodes.values_mut().for_each(|node| node.rolled = false);
            out.rollouts.push((fleet.plan.name.clone(), None));
            return;
        }
        let (name, proof) = (fleet.plan.name.clone(), fleet.proof());
        let Room { of_broken, of_working } = fleet.room(&self.held, now);
        let asked = fleet.rollout.as_ref().map_or(0, |rollout| rollout.asked.len());
        let pick = |fits: fn(&Node) -> bool| -> Vec<NodeAddress> {
            let free = old.iter().filter(|(address, node)| fits(node) && !self.held.contains(address));
            free.map(|(address, _)| address.clone()).collect()
        };
        let broken = pick(Node::is_broken);
        let free = pick(|node| node.phase == Phase::Live && !node.is_under_way());
        let begun: Vec<&NodeAddress> = broken.iter().take(of_broken.saturating_sub(asked)).collect();
        for address in &begun {
            self.roll_broken(address, now, out);
        }
        // Nobody leaves who works while another waits who does not.
        let room = if begun.len() < broken.len() { 0 } else { of_working.saturating_sub(begun.len()) };
        self.ask(index, &free, room, now, out);
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

    /// Asks the monitor to let as many go as there is room for: it counts the deaths beside them.
    fn ask(&mut self, index: usize, free: &[NodeAddress], room: usize, now: Timestamp, out: &mut Outcome) {
        let fleet = &mut self.fleets[index];
        let Some(rollout) = &mut fleet.rollout else { return };
        rollout.asked.retain(|slot| free.iter().any(|node| node.slot == *slot));
        let new = free.iter().filter(|node| !rollout.asked.contains(&node.slot));
        let new: Vec<NodeAddress> = new.take(room.saturating_sub(rollout.asked.len())).cloned().collect();
        for address in new {
            if !self.fleets[index].is_left_dead(address.slot) {
                if let Some(rollout) = &mut self.fleets[index].rollout {
                    rollout.asked.insert(address.slot);
                }
                out.asks.push(address);
                continue;
            }
            self.roll_broken(&address, now, out);
        }
    }

    /// Replaces a node that does no work, and that no monitor waits for.
    fn roll_broken(&mut self, address: &NodeAddress, now: Timestamp, out: &mut Outcome) {
        let Some(node) = self.node_mut(address) else { return };
        node.rolled = true;
        if node.instance.is_none() {
            return self.enter(address, Phase::Absent, out);
        }
        let leaving = Leaving { asked: true, ..Leaving::because(superseded(), false) };
        self.leave(address, leaving, now, out);
    }

    /// Nodes whose replacement was begun by an earlier controller, and the last generation of each.
    pub fn being_replaced(&self) -> impl Iterator<Item = (NodeAddress, Generation)> {
        let counts = |address: &NodeAddress, node: &Node| {
            // The others are asked about.
            !self.is_surplus(address) && node.admission == Admission::Given
        };
        self.nodes().filter(move |(address, node)| counts(address, node)).filter_map(|(address, node)| {
            let goes = node.phase.is_leaving() || node.leaving.as_ref().is_some_and(|leaving| leaving.asked);
            let missing = matches!(node.phase, Phase::Absent | Phase::Resting | Phase::Launching);
            let last = match &node.instance {
                Some(_) if node.is_given_up() => return None,
                Some(_) if goes => node.generation,
                // Its successor has not lived yet.
                Some(_) if node.told.0 > 0 && node.told < node.generation => node.told,
                None if missing && node.generation.0 > 0 => node.generation,
                _ => return None,
            };
            Some((address, last))
        })
    }
}
