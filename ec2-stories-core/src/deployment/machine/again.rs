//! Customizing nodes again that live: their customizers differ by now, or something that they may have read.

use super::{Action, Aim, Fleet, FleetPlan, Machine, Node, Outcome, Phase};
use crate::model::{Name, NodeAddress};

impl Node {
    /// Whether its customizers are to run again.
    pub(super) fn is_outdated(&self, plan: &FleetPlan) -> bool {
        let differs = !plan.revision.is_empty() && self.customized && self.revision != plan.revision;
        plan.customizes && (self.outdated || differs)
    }
}

impl Fleet {
    /// Nodes that are to be customized again.
    fn outdated(&self) -> impl Iterator<Item = u32> {
        let nodes = self.nodes.range(..self.plan.wanted);
        nodes
            .filter(|(_, node)| node.phase == Phase::Live && node.is_outdated(&self.plan))
            .map(|(slot, _)| *slot)
    }

    /// One that failed keeps the others as they are.
    fn is_halted(&self) -> bool {
        self.wanted().any(|node| node.phase == Phase::Failed && node.live_since.is_some() && node.outdated)
    }

    /// Whether nodes are still to be customized again.
    pub(super) fn is_rolling(&self) -> bool {
        !self.is_halted() && self.outdated().next().is_some()
    }
}

impl Machine {
    /// Says what a fleet's customizers would do: nodes that were customized otherwise are customized again.
    pub fn revise(&mut self, fleet: &Name, revision: String) {
        if let Some(fleet) = self.fleet_mut(fleet) {
            fleet.plan.revision = revision;
        }
    }

    /// The wanted nodes of a fleet that were customized otherwise than its customizers would do it.
    pub fn differing(&self, fleet: &Name) -> impl Iterator<Item = NodeAddress> {
        self.fleet(fleet).into_iter().flat_map(|fleet| {
            let nodes = fleet.nodes.range(..fleet.plan.wanted);
            let differs = nodes.filter(|(_, node)| node.instance.is_some() && node.is_outdated(&fleet.plan));
            differs.map(|(slot, _)| fleet.address(*slot))
        })
    }

    pub(super) fn outdated(&mut self, address: &NodeAddress, out: &mut Outcome) {
        let Some(node) = self.node_mut(address) else { return };
        if matches!(node.phase, Phase::Live | Phase::Customizing | Phase::Registering) && !node.outdated {
            node.outdated = true;
            out.changed.push(address.clone());
        }
    }

    /// A node has another instance than those know that come after it.
    pub(super) fn tell_dependents(&mut self, address: &NodeAddress, out: &mut Outcome) {
        let dependents = self.fleets.iter().filter(|fleet| fleet.plan.after.contains(&address.fleet));
        let dependents: Vec<NodeAddress> = dependents
            .filter(|fleet| fleet.plan.customizes)
            .flat_map(|fleet| fleet.nodes.keys().map(|slot| fleet.address(*slot)))
            .collect();
        for node in &dependents {
            self.outdated(node, out);
        }
        out.replaced.push(address.clone());
    }

    /// Begins with as many as may be out of service at once.
    pub(super) fn customize_again(&mut self, index: usize, out: &mut Outcome) {
        let fleet = &self.fleets[index];
        if self.aim == Aim::Terminated || self.paused || !fleet.is_rolling() {
            return;
        }
        let on_their_way =
            fleet.wanted().filter(|node| node.phase != Phase::Live && !node.is_given_up()).count();
        let at_once = fleet.plan.health.max_in_flight.of(fleet.plan.wanted).max(1) as usize;
        let due: Vec<u32> = fleet.outdated().take(at_once.saturating_sub(on_their_way)).collect();
        for slot in due {
            let address = self.fleets[index].address(slot);
            let Some(node) = self.node_mut(&address) else { continue };
            let Some(instance) = node.instance.clone() else { continue };
            (node.outdated, node.customized, node.touched) = (false, false, true);
            out.actions.push(Action::Customize { node: address.clone(), instance });
            self.enter(&address, Phase::Customizing, out);
        }
    }
}
