//! More nodes, fewer nodes, and none of either for a while.

use jiff::Timestamp;

use super::{Action, Admission, Failure, Leaving, Machine, Node, Outcome, Phase, Preparation};
use crate::ErrorKind;
use crate::model::{Name, NodeAddress};

/// Why a node goes that is one too many.
fn surplus() -> Failure {
    Failure::new(ErrorKind::Canceled, "the fleet is to have fewer nodes")
}

impl Machine {
    /// The fleet is to have so many nodes, and no other. What was refused before is asked for anew.
    pub(super) fn scale(
        &mut self,
        name: &Name,
        wanted: u32,
        at_least: u32,
        now: Timestamp,
        out: &mut Outcome,
    ) {
        let Some(fleet) = self.fleet_mut(name) else { return };
        (fleet.plan.wanted, fleet.plan.at_least, fleet.plan.exact) = (wanted, at_least, true);
        if matches!(fleet.preparation, Preparation::Failed(_)) {
            fleet.preparation = Preparation::Wanted;
        }
        for slot in 0..wanted {
            let next = fleet.gone.remove(&slot).unwrap_or(Node::default().next);
            let node = fleet.nodes.entry(slot).or_insert_with(|| Node { next, ..Node::default() });
            let is_refused = node.phase == Phase::Failed && node.instance.is_none() && !node.leaked;
            if node.phase == Phase::Terminated || is_refused {
                node.phase = Phase::Absent;
            }
            out.entered.push((fleet.address(slot), fleet.nodes[&slot].phase));
        }
        out.entered.retain(|(_, phase)| *phase == Phase::Absent);
        for slot in 0..wanted {
            self.keep(&NodeAddress::new(name.clone(), slot), now, out);
        }
    }

    /// A healthy node that was one too many, and is so no more, stays, where nothing worse than its registrations was taken from it.
    fn keep(&mut self, address: &NodeAddress, now: Timestamp, out: &mut Outcome) {
        let Some(node) = self.node_mut(address) else { return };
        let goes = matches!(node.phase, Phase::Deregistering | Phase::Draining);
        let was_surplus =
            |leaving: &mut Leaving| leaving.healthy && !leaving.quarantine && leaving.failure == surplus();
        if !(goes || node.is_up()) || node.leaving.take_if(was_surplus).is_none() {
            return;
        }
        if node.phase == Phase::Draining {
            self.proceed(address, now, out);
        } else {
            out.changed.push(address.clone());
        }
    }

    pub(super) fn pause(&mut self, paused: bool, now: Timestamp, out: &mut Outcome) {
        if !std::mem::replace(&mut self.paused, paused) || paused {
            return;
        }
        // What was to be replaced meanwhile.
        let waits: Vec<(NodeAddress, Leaving)> = self
            .nodes()
            .filter(|(_, node)| node.is_up())
            .filter_map(|(address, node)| Some((address, node.leaving.clone()?)))
            .collect();
        for (address, leaving) in waits {
            self.leave(&address, leaving, now, out);
        }
    }

    /// Takes the nodes down that are too many, where somebody said how many there are to be.
    pub(super) fn trim(&mut self, now: Timestamp, out: &mut Outcome) {
        if self.paused {
            return;
        }
        let exact = self.fleets.iter().filter(|fleet| fleet.plan.exact);
        let too_many: Vec<NodeAddress> = exact
            .flat_map(|fleet| fleet.nodes.range(fleet.plan.wanted..).map(|(slot, _)| fleet.address(*slot)))
            .filter(|address| !self.held.contains(address))
            .collect();
        for address in too_many {
            self.trim_node(&address, now, out);
        }
    }

    fn trim_node(&mut self, address: &NodeAddress, now: Timestamp, out: &mut Outcome) {
        let Some(node) = self.node_mut(address) else { return };
        if node.admission == Admission::Asked {
            // The monitor forgets it: it is asked anew where the node is wanted again.
            node.admission = Admission::Wanted;
        }
        let has_registrations = node.registering || !node.registrations.is_empty();
        match (node.phase, &node.instance, &node.outgoing) {
            // On its way; what is reported as a leak stays there to be seen.
            (Phase::Launching | Phase::Deregistering | Phase::Draining | Phase::Undoing, ..) => {}
            (Phase::Condemned | Phase::Terminating, ..) => {}
            (Phase::Registering, ..) if node.leaving.is_some() => {}
            _ if node.leaked || node.outgoing.as_ref().is_some_and(|outgoing| outgoing.leaked) => {}
            (_, Some(_), _) => {
                let healthy = node.is_up();
                let leaving = Leaving { asked: true, ..Leaving::because(surplus(), healthy) };
                self.leave(address, leaving, now, out);
            }
            (_, None, Some(outgoing)) => {
                let action = Action::Replace { node: address.clone(), instance: outgoing.instance.clone() };
                self.enter(address, Phase::Terminating, out);
                out.actions.push(action);
            }
            (_, None, None) if has_registrations => {
                let registrations = node.registrations.clone();
                self.enter(address, Phase::Deregistering, out);
                out.actions.push(Action::Deregister { node: address.clone(), registrations });
            }
            (_, None, None) => {
                let next = node.next;
                if let Some(fleet) = self.fleet_mut(&address.fleet) {
                    fleet.nodes.remove(&address.slot);
                    fleet.gone.insert(address.slot, next);
                    out.removed.push(address.clone());
                }
            }
        }
    }
}
