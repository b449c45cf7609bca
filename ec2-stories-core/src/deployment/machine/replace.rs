//! A node's instance is to be replaced: down in order, or beside the next one.

use std::time::Duration;

use jiff::Timestamp;

use super::{Action, Admission, Aim, Failure, Fleet, Leaving, Machine, Outcome, Outgoing, Phase, Timer};
use crate::ErrorKind;
use crate::model::{InstanceId, NodeAddress, Replace};

/// How soon an instance beside its successor is tried again, where its node was held.
const HELD: Duration = Duration::from_secs(60);

/// How long one that works may finish what it does.
fn drain_time(drain: Duration, by: Option<Timestamp>, now: Timestamp) -> Duration {
    let left = by.map(|by| Duration::try_from(by.duration_since(now)).unwrap_or_default());
    left.map_or(drain, |left| left.min(drain))
}

impl Fleet {
    /// Whether another node is being replaced, or is to be, because somebody ordered that.
    fn is_renewed(&self) -> bool {
        self.wanted().any(|node| node.renewal.is_some() || (node.renewed && node.is_under_way()))
    }

    /// Whether one more node may be replaced beside those that are.
    fn has_room(&self) -> bool {
        let under_way = self.wanted().filter(|node| node.is_under_way()).count();
        let asked = self.rollout.as_ref().map_or(0, |rollout| rollout.asked.len());
        under_way + asked < self.plan.health.max_in_flight.of(self.plan.wanted).max(1) as usize
    }
}

impl Machine {
    pub(super) fn dead(
        &mut self,
        address: &NodeAddress,
        instance: &InstanceId,
        failure: Failure,
        now: Timestamp,
        out: &mut Outcome,
    ) {
        if self.aim == Aim::Terminated {
            return;
        }
        let Some(order) = self.fleet(&address.fleet).map(|fleet| fleet.plan.health.replace) else { return };
        let Some(node) =
            self.node_mut(address).filter(|node| node.instance.as_ref() == Some(instance) && !node.leaked)
        else {
            return;
        };
        let phase = node.phase;
        let midway = matches!(phase, Phase::Deregistering | Phase::Draining | Phase::Undoing);
        if midway || (phase == Phase::Registering && node.leaving.is_some()) {
            // It goes already, and will now not be asked for anything.
            if let Some(leaving) = &mut node.leaving {
                leaving.healthy = false;
            }
            if phase == Phase::Draining {
                self.end_instance(address, out);
            }
            return;
        }
        if !matches!(phase, Phase::Running | Phase::Customizing | Phase::Registering | Phase::Live) {
            return;
        }
        out.problems.push((address.clone(), failure.clone()));
        if order == Replace::Never && phase == Phase::Live {
            (node.failure, node.death) = (Some(failure.clone()), Some(failure));
            return out.changed.push(address.clone());
        }
        let leaving = Leaving::because(failure, false);
        self.leave(address, leaving, now, out);
    }

    pub(super) fn leaving(
        &mut self,
        address: &NodeAddress,
        instance: &InstanceId,
        failure: Failure,
        by: Option<Timestamp>,
        now: Timestamp,
        out: &mut Outcome,
    ) {
        let Some(node) = self.node(address).filter(|node| node.instance.as_ref() == Some(instance)) else {
            return;
        };
        if self.aim == Aim::Terminated || node.leaving.is_some() || !node.is_up() {
            return;
        }
        let Some(asked) = self.leaves_for_rollout(address, by.is_some()) else { return };
        let leaving = Leaving { by, asked, ..Leaving::because(failure, true) };
        self.leave(address, leaving, now, out);
    }

    pub(super) fn renew(
        &mut self,
        address: &NodeAddress,
        failure: Failure,
        now: Timestamp,
        out: &mut Outcome,
    ) {
        if self.aim == Aim::Terminated {
            return;
        }
        // One is done at once, whatever dies meanwhile; several are a change that can wait.
        let alone = self.fleet(&address.fleet).is_some_and(|fleet| !fleet.is_renewed());
        let at_once = alone && !self.paused;
        let Some(node) = self.node_mut(address) else { return };
        if let Some(leaving) = &mut node.leaving {
            leaving.quarantine = false;
            out.changed.push(address.clone());
            // One that could not be terminated is tried again now.
            let instance = node.instance.clone().filter(|_| node.leaked);
            return instance.into_iter().for_each(|instance| self.end_again(address, &instance, out));
        }
        node.losses.clear();
        let leaving = Leaving { asked: true, ..Leaving::because(failure, node.is_up()) };
        let waits = std::mem::take(&mut node.admission) != Admission::Given;
        match (node.phase, node.instance.is_some()) {
            (Phase::Absent, _) if waits => self.enter(address, Phase::Absent, out),
            (Phase::Resting | Phase::Quarantined, _) => self.enter(address, Phase::Absent, out),
            (Phase::Failed, false) if !node.leaked => self.enter(address, Phase::Absent, out),
            (Phase::Failed, true) => {
                node.leaked = false;
                self.leave(address, leaving, now, out);
            }
            _ if node.is_up() && at_once => {
                node.renewed = true;
                self.leave(address, leaving, now, out);
            }
            _ if node.is_up() => node.renewal = Some(leaving.failure),
            _ => {}
        }
    }

    /// Replaces what works and operators want replaced, and what was not the only one: within the fleet's budget.
    pub(super) fn renew_in_turn(&mut self, now: Timestamp, out: &mut Outcome) {
        if self.paused {
            return;
        }
        let waits = self.nodes().filter(|(_, node)| node.renewal.is_some());
        let waits: Vec<NodeAddress> = waits.map(|(address, _)| address).collect();
        for address in waits {
            let may = self.fleet(&address.fleet).is_some_and(Fleet::has_room);
            let Some(node) = self.node_mut(&address) else { continue };
            if node.is_up() && !may {
                continue;
            }
            let Some(failure) = node.renewal.take() else { continue };
            if node.is_up() {
                node.renewed = true;
                let leaving = Leaving { asked: true, ..Leaving::because(failure, true) };
                self.leave(&address, leaving, now, out);
            } else {
                // It does no work any more.
                self.renew(&address, failure, now, out);
            }
        }
    }

    pub(super) fn quarantine(
        &mut self,
        address: &NodeAddress,
        failure: Failure,
        now: Timestamp,
        out: &mut Outcome,
    ) {
        if self.aim == Aim::Terminated {
            return;
        }
        let Some(node) = self.node_mut(address) else { return };
        // By this it is told from what its deaths put there.
        let failure = Failure { kind: ErrorKind::Canceled, ..failure };
        let leaving = Leaving { quarantine: true, asked: true, ..Leaving::because(failure, node.is_up()) };
        match node.phase {
            Phase::Terminated | Phase::Quarantined => {}
            Phase::Absent | Phase::Resting => self.enter_quarantine(address, leaving.failure, out),
            Phase::Failed if node.instance.is_none() => {
                if !node.leaked {
                    self.enter_quarantine(address, leaving.failure, out);
                }
            }
            Phase::Failed => self.leave(address, leaving, now, out),
            _ if node.is_up() && node.leaving.is_none() => self.leave(address, leaving, now, out),
            // Once the launch is known, or what is under way is done.
            _ => {
                let healthy = node.leaving.as_ref().is_none_or(|before| before.healthy);
                node.leaving = Some(Leaving { healthy, ..leaving });
                out.changed.push(address.clone());
            }
        }
    }

    pub(super) fn release(&mut self, address: &NodeAddress, out: &mut Outcome) {
        let Some(node) = self.node_mut(address) else { return };
        if node.phase == Phase::Quarantined {
            node.losses.clear();
            return self.enter(address, Phase::Absent, out);
        }
        // On its way there: what is taken down already is replaced.
        let Some(leaving) = node.leaving.as_mut().filter(|leaving| leaving.quarantine) else { return };
        leaving.quarantine = false;
        node.losses.clear();
        let is_new = node.phase == Phase::Pending && node.adopted.is_none();
        node.leaving.take_if(|_| is_new || node.phase == Phase::Launching);
        out.changed.push(address.clone());
    }

    pub(super) fn enter_quarantine(&mut self, address: &NodeAddress, failure: Failure, out: &mut Outcome) {
        let Some(node) = self.node_mut(address) else { return };
        (node.leaving, node.failure, node.admission) = (None, Some(failure), Admission::Given);
        let outgoing = node.outgoing.clone();
        self.enter(address, Phase::Quarantined, out);
        if let Some(Outgoing { instance, .. }) = outgoing {
            out.actions.push(Action::Replace { node: address.clone(), instance });
        }
    }

    /// Begins to take a node's instance down, or to launch its successor.
    pub(super) fn leave(
        &mut self,
        address: &NodeAddress,
        leaving: Leaving,
        now: Timestamp,
        out: &mut Outcome,
    ) {
        let Some(order) = self.fleet(&address.fleet).map(|fleet| fleet.plan.health.replace) else { return };
        let (surplus, paused) = (self.is_surplus(address), self.paused);
        let Some(node) = self.node_mut(address) else { return };
        (node.death, node.renewal) = (Some(leaving.failure.clone()), None);
        let beside = order == Replace::LaunchFirst
            && (node.phase == Phase::Live || leaving.beside)
            && node.outgoing.is_none()
            && !leaving.quarantine
            && !surplus;
        if beside && !paused {
            return self.launch_beside(address, &leaving, now, out);
        }
        node.leaving = Some(leaving);
        // What is registered must be known before it can be taken back.
        if paused || node.phase == Phase::Registering {
            return out.changed.push(address.clone());
        }
        if node.registering || !node.registrations.is_empty() {
            let registrations = node.registrations.clone();
            self.enter(address, Phase::Deregistering, out);
            out.actions.push(Action::Deregister { node: address.clone(), registrations });
        } else {
            self.drain_or_end(address, now, out);
        }
    }

    /// The next generation first; this one goes once that lives.
    fn launch_beside(&mut self, address: &NodeAddress, leaving: &Leaving, now: Timestamp, out: &mut Outcome) {
        let Some(node) = self.node_mut(address) else { return };
        let Some(instance) = node.instance.take() else { return };
        node.leaving = None;
        let (healthy, touched, by) = (leaving.healthy, node.touched, leaving.by);
        let asked = Some(leaving.failure.clone()).filter(|_| leaving.asked);
        node.outgoing = Some(Outgoing { instance, healthy, touched, by, leaked: false, asked });
        if leaving.healthy {
            node.forget_steps();
            self.enter(address, Phase::Absent, out);
        } else {
            self.rest(address, &leaving.failure, now, out);
        }
    }

    /// The node lives: what it replaced may go.
    pub(super) fn end_outgoing(&mut self, address: &NodeAddress, now: Timestamp, out: &mut Outcome) {
        let Some(drain) = self.fleet(&address.fleet).map(|fleet| fleet.plan.health.drain) else { return };
        let Some(node) = self.node(address) else { return };
        let Some(Outgoing { instance, healthy, by, leaked: false, .. }) = node.outgoing.clone() else {
            return;
        };
        let by = drain_time(drain, by, now);
        if healthy && !by.is_zero() {
            out.actions.push(Action::Delay { timer: Timer::Drain(address.clone(), instance), by });
        } else {
            self.undo_or_end_outgoing(address, now, out);
        }
    }

    /// What it was customized with is taken back, as of one that goes first.
    fn undo_or_end_outgoing(&mut self, address: &NodeAddress, now: Timestamp, out: &mut Outcome) {
        let Some(outgoing) = self.node(address).and_then(|node| node.outgoing.clone()) else { return };
        let Outgoing { instance, healthy, touched, by, .. } = outgoing;
        let (node, in_time) = (address.clone(), by.is_none_or(|by| by > now));
        out.actions.push(match healthy && touched && in_time {
            true => Action::Undo { node, instance },
            false => Action::Replace { node, instance },
        });
    }

    pub(super) fn drain_or_end(&mut self, address: &NodeAddress, now: Timestamp, out: &mut Outcome) {
        let Some(drain) = self.fleet(&address.fleet).map(|fleet| fleet.plan.health.drain) else { return };
        let Some(node) = self.node(address) else { return };
        let (Some(leaving), Some(instance)) = (&node.leaving, node.instance.clone()) else { return };
        let by = drain_time(drain, leaving.by, now);
        // A node that never lived has nothing to finish.
        if leaving.healthy && node.live_since.is_some() && !by.is_zero() {
            self.enter(address, Phase::Draining, out);
            out.actions.push(Action::Delay { timer: Timer::Drain(address.clone(), instance), by });
        } else {
            self.undo_or_end(address, now, out);
        }
    }

    fn undo_or_end(&mut self, address: &NodeAddress, now: Timestamp, out: &mut Outcome) {
        let Some(node) = self.node(address) else { return };
        let Some(leaving) = &node.leaving else { return };
        let in_time = leaving.by.is_none_or(|by| by > now);
        let undoes = leaving.healthy && node.touched && in_time;
        if let Some(instance) = node.instance.clone().filter(|_| undoes) {
            self.enter(address, Phase::Undoing, out);
            out.actions.push(Action::Undo { node: address.clone(), instance });
        } else {
            self.end_instance(address, out);
        }
    }

    pub(super) fn end_instance(&mut self, address: &NodeAddress, out: &mut Outcome) {
        let Some(instance) = self.node(address).and_then(|node| node.instance.clone()) else { return };
        self.enter(address, Phase::Terminating, out);
        out.actions.push(Action::Replace { node: address.clone(), instance });
    }

    pub(super) fn drained(
        &mut self,
        address: &NodeAddress,
        instance: &InstanceId,
        now: Timestamp,
        out: &mut Outcome,
    ) {
        let Some(node) = self.node(address) else { return };
        let is_out = node.outgoing.as_ref().is_some_and(|outgoing| outgoing.instance == *instance);
        if node.phase == Phase::Draining && node.instance.as_ref() == Some(instance) {
            self.undo_or_end(address, now, out);
        } else if is_out && self.aim == Aim::Live {
            self.undo_or_end_outgoing(address, now, out);
        }
    }

    /// The node goes back to where it was, as far as that was taken from it; one that is dead is not registered again.
    pub(super) fn held(
        &mut self,
        address: &NodeAddress,
        instance: &InstanceId,
        failure: Failure,
        lives: bool,
        now: Timestamp,
        out: &mut Outcome,
    ) {
        let paused = self.paused;
        let Some(node) = self.node_mut(address) else { return };
        if node.outgoing.as_ref().is_some_and(|outgoing| outgoing.instance == *instance) {
            let timer = Timer::Drain(address.clone(), instance.clone());
            return out.actions.push(Action::Delay { timer, by: HELD });
        }
        if node.phase == Phase::Terminating && node.instance.as_ref() == Some(instance) {
            if node.leaving.is_none() {
                // It never came to run.
                self.enter(address, Phase::Pending, out);
                return self.await_later(address, instance, out);
            }
            // After a pause it goes all the same.
            let leaving = node.leaving.take_if(|_| !paused);
            let dead = leaving.is_some_and(|leaving| !leaving.healthy && !leaving.asked);
            node.withdrawn = dead && !lives && node.live_since.is_some();
            out.problems.push((address.clone(), failure));
            self.proceed(address, now, out);
        }
    }

    /// What was withdrawn is registered again.
    pub(super) fn lives(
        &mut self,
        address: &NodeAddress,
        instance: &InstanceId,
        now: Timestamp,
        out: &mut Outcome,
    ) {
        let Some(node) = self.node_mut(address).filter(|node| node.instance.as_ref() == Some(instance))
        else {
            return;
        };
        if std::mem::take(&mut node.withdrawn) {
            out.changed.push(address.clone());
            if node.phase == Phase::Live {
                self.proceed(address, now, out);
            }
        }
    }
}
