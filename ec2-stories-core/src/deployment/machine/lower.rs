//! Downwards: once, in reverse order, best effort.

use jiff::Timestamp;

use super::{Action, Aim, Batch, BatchState, Closing, Failure, Fleet, Machine, Outcome, Phase, Preparation};
use crate::ErrorKind;
use crate::model::{InstanceId, NodeAddress};

impl Machine {
    pub(super) fn terminate(&mut self, cause: Option<Failure>, out: &mut Outcome) {
        if self.aim == Aim::Terminated {
            return;
        }
        self.aim = Aim::Terminated;
        self.cause = cause;
        // What could not be terminated when it was to be replaced is tried once more.
        for node in self.fleets.iter_mut().flat_map(|fleet| fleet.nodes.values_mut()) {
            node.leaked &= node.instance.is_none();
            node.leaving = None;
            if let Some(outgoing) = &mut node.outgoing {
                outgoing.leaked = false;
            }
        }
        // A launch that has had no effect, and waits to be called again, is called no more.
        let idle = |batch: &Batch| batch.state == BatchState::Waiting && !batch.doubtful;
        let idle: Vec<_> =
            self.batches.iter().filter(|(_, batch)| idle(batch)).map(|(token, _)| token.clone()).collect();
        for token in idle {
            self.free(&token, Failure::new(ErrorKind::Canceled, "the deployment ended before it"), out);
        }
    }

    /// Asks for whatever is due: a fleet goes down once those that come after it are down.
    pub(super) fn lower(&mut self, out: &mut Outcome) {
        if self.closing != Closing::Nodes {
            return;
        }
        // A fleet without nodes lets the ones before it follow at once; hence once for each fleet.
        for _ in 0..self.fleets.len() {
            for index in 0..self.fleets.len() {
                if self.may_end(index) {
                    self.end_fleet(index, out);
                }
            }
        }
        // A group that is being made now must be there to be removed.
        let preparing = self.fleets.iter().any(|fleet| fleet.preparation == Preparation::Asked);
        if !preparing && self.fleets.iter().all(Fleet::is_down) && self.batches.is_empty() {
            self.closing = Closing::Proof;
            out.actions.push(Action::Prove);
        }
    }

    fn may_end(&self, index: usize) -> bool {
        let name = &self.fleets[index].plan.name;
        self.fleets.iter().filter(|other| other.plan.after.contains(name)).all(Fleet::is_down)
    }

    fn end_fleet(&mut self, index: usize, out: &mut Outcome) {
        let addresses: Vec<NodeAddress> =
            self.fleets[index].nodes.keys().map(|slot| self.fleets[index].address(*slot)).collect();
        for address in &addresses {
            self.end_node(address, out);
        }
        let nodes = &self.fleets[index].nodes;
        let busy = |phase| matches!(phase, Phase::Registering | Phase::Deregistering | Phase::Undoing);
        if nodes.values().any(|node| busy(node.phase)) {
            return;
        }
        // One call for all that are ready.
        let mut ready = Vec::new();
        for address in &addresses {
            let Some(node) = self.node(address).filter(|node| node.phase == Phase::Condemned) else {
                continue;
            };
            let outgoing = node.outgoing.as_ref().filter(|outgoing| !outgoing.leaked);
            let outgoing = outgoing.map(|outgoing| outgoing.instance.clone());
            let instances: Vec<_> = node.instance.clone().into_iter().chain(outgoing).collect();
            let next = if instances.is_empty() { Phase::Terminated } else { Phase::Terminating };
            self.enter(address, next, out);
            ready.extend(instances.into_iter().map(|instance| (address.clone(), instance)));
        }
        if !ready.is_empty() {
            out.actions.push(Action::Terminate { nodes: ready });
        }
    }

    fn end_node(&mut self, address: &NodeAddress, out: &mut Outcome) {
        let Some(node) = self.node(address) else { return };
        match node.phase {
            // On its way; a launch and a registration must be known before they can be taken back.
            Phase::Launching | Phase::Registering | Phase::Deregistering | Phase::Undoing => {}
            Phase::Condemned | Phase::Terminating | Phase::Terminated => {}
            Phase::Failed if node.leaked => {}
            _ if node.registering || !node.registrations.is_empty() => {
                let registrations = node.registrations.clone();
                self.enter(address, Phase::Deregistering, out);
                out.actions.push(Action::Deregister { node: address.clone(), registrations });
            }
            _ => self.undo_or_condemn(address, out),
        }
    }

    fn undo_or_condemn(&mut self, address: &NodeAddress, out: &mut Outcome) {
        let Some(node) = self.node(address) else { return };
        if let Some(instance) = node.instance.clone().filter(|_| node.touched) {
            self.enter(address, Phase::Undoing, out);
            out.actions.push(Action::Undo { node: address.clone(), instance });
        } else {
            let is_out = node.outgoing.as_ref().is_none_or(|outgoing| outgoing.leaked);
            let has_any = node.instance.is_some() || !is_out;
            let next = if has_any { Phase::Condemned } else { Phase::Terminated };
            self.enter(address, next, out);
        }
    }

    /// Repeats what was under way at the end when the state was saved.
    pub(super) fn resume_end(&mut self, out: &mut Outcome) {
        match self.closing {
            Closing::Proof => out.actions.push(Action::Prove),
            Closing::Shared => out.actions.push(Action::RemoveShared),
            Closing::Nodes | Closing::Done => {}
        }
        for fleet in &mut self.fleets {
            if fleet.preparation == Preparation::Asked {
                fleet.preparation = Preparation::Wanted;
            }
        }
        for node in self.fleets.iter_mut().flat_map(|fleet| fleet.nodes.values_mut()) {
            match node.phase {
                Phase::Launching | Phase::Terminated | Phase::Failed => {}
                _ if node.instance.is_some() || node.outgoing.is_some() => node.phase = Phase::Pending,
                _ => node.phase = Phase::Absent,
            }
        }
    }

    pub(super) fn deregistered(
        &mut self,
        address: &NodeAddress,
        problem: Option<Failure>,
        now: Timestamp,
        out: &mut Outcome,
    ) {
        let aim = self.aim;
        // It may be wanted again by now.
        let next = if self.is_surplus(address) { Phase::Terminated } else { Phase::Absent };
        if let Some(node) = self.node_mut(address).filter(|node| node.phase == Phase::Deregistering) {
            let (has_instance, stays) = (node.instance.is_some(), node.leaving.is_none());
            (node.registering, node.registered) = (false, false);
            node.registrations.clear();
            out.problems.extend(problem.map(|failure| (address.clone(), failure)));
            match aim {
                Aim::Live if !has_instance => self.enter(address, next, out),
                Aim::Live if stays => self.proceed(address, now, out),
                Aim::Live => self.drain_or_end(address, now, out),
                Aim::Terminated => self.undo_or_condemn(address, out),
            }
        }
    }

    pub(super) fn undone(
        &mut self,
        address: &NodeAddress,
        instance: &InstanceId,
        problem: Option<Failure>,
        out: &mut Outcome,
    ) {
        let aim = self.aim;
        let Some(node) = self.node_mut(address) else { return };
        if let Some(outgoing) = node.outgoing.as_mut().filter(|outgoing| outgoing.instance == *instance) {
            let is_news = std::mem::take(&mut outgoing.touched);
            out.problems.extend(problem.map(|failure| (address.clone(), failure)));
            out.changed.push(address.clone());
            if aim == Aim::Live && is_news {
                out.actions.push(Action::Replace { node: address.clone(), instance: instance.clone() });
            }
        } else if node.phase == Phase::Undoing && node.instance.as_ref() == Some(instance) {
            (node.touched, node.customized) = (false, false);
            out.problems.extend(problem.map(|failure| (address.clone(), failure)));
            match aim {
                Aim::Live => self.end_instance(address, out),
                Aim::Terminated => self.enter(address, Phase::Condemned, out),
            }
        }
    }

    pub(super) fn proven(&mut self, out: &mut Outcome) {
        if self.closing == Closing::Proof {
            self.closing = Closing::Shared;
            out.actions.push(Action::RemoveShared);
        }
    }

    pub(super) fn shared_removed(&mut self) {
        if self.closing == Closing::Shared {
            self.closing = Closing::Done;
        }
    }
}
