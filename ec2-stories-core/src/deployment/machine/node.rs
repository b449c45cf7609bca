//! A node's own way, from its instance to live, and back after a loss.

use std::time::Duration;

use jiff::Timestamp;

use super::launch::back_off;
use super::{Action, Aim, BatchState, Failure, FleetPlan, Machine, Node, Outcome, Phase, Timer};
use crate::ErrorKind;
use crate::model::{Generation, InstanceId, NodeAddress};
use crate::provider::Registration;

/// Losses within an hour after which a node is given up: what fails five times fails a sixth.
const INTENSITY: usize = 5;
const HOUR: Duration = Duration::from_secs(3600);
/// What an instance that was found again gets at least: time enough to ask how it is.
const AT_LEAST: Duration = Duration::from_secs(120);

impl Node {
    /// Its launch gave it an instance.
    pub(super) fn received(&mut self, instance: InstanceId, generation: Generation) {
        self.instance = Some(instance);
        self.generation = generation;
        self.next = (generation.next(), 1);
        self.phase = Phase::Pending;
        self.adopted = None;
        self.forget_steps();
    }

    /// A new instance was never customized nor registered; registrations of the old one stand until replaced.
    pub(super) fn forget_steps(&mut self) {
        (self.touched, self.customized, self.registered) = (false, false, false);
    }

    /// How long its instance may take to run: one that was found again gets what is left of a new one's time.
    pub(super) fn patience(&self, plan: &FleetPlan, now: Timestamp) -> Duration {
        let Some(launched) = self.adopted else { return plan.patience };
        let age = Duration::try_from(now.duration_since(launched)).unwrap_or_default();
        plan.patience.saturating_sub(age).max(AT_LEAST)
    }

    fn has(&self, phase: Phase, instance: &InstanceId) -> bool {
        self.phase == phase && self.instance.as_ref() == Some(instance)
    }
}

impl Machine {
    /// The node, where it is in this phase with this instance.
    fn at(&mut self, address: &NodeAddress, phase: Phase, instance: &InstanceId) -> Option<&mut Node> {
        self.node_mut(address).filter(|node| node.has(phase, instance))
    }

    pub(super) fn enter(&mut self, address: &NodeAddress, phase: Phase, out: &mut Outcome) {
        if let Some(node) = self.node_mut(address) {
            node.phase = phase;
            out.entered.push((address.clone(), phase));
        }
    }

    pub(super) fn ran(&mut self, address: &NodeAddress, instance: &InstanceId, out: &mut Outcome) {
        if self.at(address, Phase::Pending, instance).is_some() {
            self.enter(address, Phase::Running, out);
            self.proceed(address, out);
        }
    }

    /// From running to the next thing that is to be done, or to live.
    fn proceed(&mut self, address: &NodeAddress, out: &mut Outcome) {
        if self.aim == Aim::Terminated {
            // The way down begins from here.
            return self.enter(address, Phase::Running, out);
        }
        let Some(plan) = self.fleet(&address.fleet).map(|fleet| fleet.plan.clone()) else { return };
        let Some(node) = self.node_mut(address) else { return };
        let Some(instance) = node.instance.clone() else { return };
        let address_of = address.clone();
        if plan.customizes && !node.customized {
            node.touched = true;
            out.actions.push(Action::Customize { node: address_of, instance });
            self.enter(address, Phase::Customizing, out);
        } else if plan.registers && !node.registered {
            node.registering = true;
            out.actions.push(Action::Register { node: address_of, instance });
            self.enter(address, Phase::Registering, out);
        } else {
            node.failure = None;
            self.enter(address, Phase::Live, out);
        }
    }

    pub(super) fn customized(&mut self, address: &NodeAddress, instance: &InstanceId, out: &mut Outcome) {
        if let Some(node) = self.at(address, Phase::Customizing, instance) {
            node.customized = true;
            self.proceed(address, out);
        }
    }

    pub(super) fn registered(
        &mut self,
        address: &NodeAddress,
        instance: &InstanceId,
        registrations: Vec<Registration>,
        out: &mut Outcome,
    ) {
        if let Some(node) = self.at(address, Phase::Registering, instance) {
            (node.registering, node.registered, node.registrations) = (false, true, registrations);
            self.proceed(address, out);
        }
    }

    pub(super) fn register_failed(
        &mut self,
        address: &NodeAddress,
        instance: &InstanceId,
        registrations: Vec<Registration>,
        failure: Failure,
        out: &mut Outcome,
    ) {
        if let Some(node) = self.at(address, Phase::Registering, instance) {
            // What was made stands; `registering` stays, for the one that failed may have been made as well.
            node.registrations = registrations;
            self.step_failed(address, instance, Phase::Registering, failure, out);
        }
    }

    /// A step on a node failed for good: the node is given up, its instance kept for a look until the end.
    pub(super) fn step_failed(
        &mut self,
        address: &NodeAddress,
        instance: &InstanceId,
        phase: Phase,
        failure: Failure,
        out: &mut Outcome,
    ) {
        if let Some(node) = self.at(address, phase, instance) {
            node.failure = Some(failure.clone());
            out.problems.push((address.clone(), failure));
            self.enter(address, Phase::Failed, out);
        }
    }

    /// An instance did not come to run: it is terminated first, so that a new one never stands beside it.
    pub(super) fn lost(
        &mut self,
        address: &NodeAddress,
        instance: &InstanceId,
        failure: &Failure,
        out: &mut Outcome,
    ) {
        if let Some(node) = self.at(address, Phase::Pending, instance) {
            node.failure = Some(failure.clone());
            out.problems.push((address.clone(), failure.clone()));
            if !failure.is_the_instances_own() {
                // Whoever watched was sick, which says nothing of the instance: it is kept.
                self.enter(address, Phase::Failed, out);
            } else if self.aim == Aim::Live {
                self.enter(address, Phase::Terminating, out);
                out.actions.push(Action::Terminate { nodes: vec![(address.clone(), instance.clone())] });
            }
        }
    }

    pub(super) fn gone(
        &mut self,
        address: &NodeAddress,
        instance: &InstanceId,
        now: Timestamp,
        out: &mut Outcome,
    ) {
        let aim = self.aim;
        let Some(node) = self.at(address, Phase::Terminating, instance) else { return };
        node.instance = None;
        node.leaked = false;
        if aim == Aim::Terminated {
            // Absent, not terminated: it may have registrations of a former generation.
            node.phase = Phase::Absent;
            return;
        }
        let unknown = || Failure::new(ErrorKind::Failed, "the instance ended");
        let failure = node.failure.clone().unwrap_or_else(unknown);
        self.rest(address, &failure, now, out);
    }

    /// Never start another beside what could not be cleaned up.
    pub(super) fn not_gone(
        &mut self,
        address: &NodeAddress,
        instance: &InstanceId,
        failure: Failure,
        out: &mut Outcome,
    ) {
        if let Some(node) = self.at(address, Phase::Terminating, instance) {
            node.leaked = true;
            node.failure = Some(failure.clone());
            out.problems.push((address.clone(), failure));
            self.enter(address, Phase::Failed, out);
        }
    }

    /// The node lost an instance: the next generation follows after a while, unless that happened too often.
    pub(super) fn rest(
        &mut self,
        address: &NodeAddress,
        failure: &Failure,
        now: Timestamp,
        out: &mut Outcome,
    ) {
        let Some(surplus) = self.fleet(&address.fleet).map(|fleet| address.slot >= fleet.plan.wanted) else {
            return;
        };
        let Some(node) = self.node_mut(address) else { return };
        node.forget_steps();
        node.losses.retain(|at| now.duration_since(*at).unsigned_abs() < HOUR);
        node.losses.push(now);
        let losses = node.losses.len();
        if surplus {
            self.enter(address, Phase::Terminated, out);
        } else if losses >= INTENSITY {
            let message = format!("{losses} instances lost within an hour, the last one: {failure}");
            let failure = Failure::new(ErrorKind::Failed, message);
            node.failure = Some(failure.clone());
            out.problems.push((address.clone(), failure));
            self.enter(address, Phase::Failed, out);
        } else {
            node.failure = Some(failure.clone());
            self.enter(address, Phase::Resting, out);
            let by = back_off(u32::try_from(losses).unwrap_or(u32::MAX));
            out.actions.push(Action::Delay { timer: Timer::Relaunch(address.fleet.clone()), by });
        }
    }

    pub(super) fn elapsed(&mut self, timer: &Timer, now: Timestamp, out: &mut Outcome) {
        match timer {
            Timer::Launch(token) => self.call(token, now, out),
            Timer::Look(token) => {
                if self
                    .batches
                    .get(token)
                    .is_some_and(|batch| matches!(batch.state, BatchState::Looking { .. }))
                {
                    out.actions.push(Action::Look { token: token.clone() });
                }
            }
            Timer::Relaunch(fleet) => {
                let Some(fleet) = self.fleet_mut(fleet) else { return };
                for node in fleet.nodes.values_mut().filter(|node| node.phase == Phase::Resting) {
                    node.phase = Phase::Absent;
                }
            }
        }
    }
}
