//! A node's own way, from its instance to live, and back after a loss.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    Action, Admission, Aim, BatchState, Failure, Fleet, FleetPlan, Leaving, Machine, Node, Outcome, Phase,
    Timer,
};
use crate::ErrorKind;
use crate::model::{Generation, InstanceId, NodeAddress};
use crate::provider::Registration;

/// What an instance that was found again gets at least: time enough to ask how it is.
const AT_LEAST: Duration = Duration::from_secs(120);

/// How soon one that does not run is asked for again, where it must not be terminated.
const KEPT: Duration = Duration::from_secs(60);

impl Node {
    /// Its launch gave it an instance.
    pub(super) fn received(&mut self, instance: InstanceId, generation: Generation) {
        self.instance = Some(instance);
        self.generation = generation;
        self.next = (generation.next(), 1);
        self.phase = Phase::Pending;
        (self.adopted, self.superseded) = (None, false);
        self.admission = Admission::Given;
        self.forget_steps();
    }

    /// A new instance was never customized nor registered; registrations of the old one stand until replaced.
    pub(super) fn forget_steps(&mut self) {
        (self.touched, self.customized, self.registered) = (false, false, false);
        (self.live_since, self.outdated, self.withdrawn) = (None, false, false);
        self.revision.clear();
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
            if matches!(phase, Phase::Running | Phase::Failed | Phase::Terminated) {
                // A monitor watches it anew, or forgets it: what was asked is not answered any more.
                node.admission = Admission::Given;
            }
            out.entered.push((address.clone(), phase));
        }
    }

    pub(super) fn ran(
        &mut self,
        address: &NodeAddress,
        instance: &InstanceId,
        now: Timestamp,
        out: &mut Outcome,
    ) {
        if self.at(address, Phase::Pending, instance).is_some() {
            self.enter(address, Phase::Running, out);
            self.proceed(address, now, out);
        }
    }

    /// From running to the next thing that is to be done, or to live.
    pub(super) fn proceed(&mut self, address: &NodeAddress, now: Timestamp, out: &mut Outcome) {
        if self.aim == Aim::Terminated {
            // The way down begins from here.
            return self.enter(address, Phase::Running, out);
        }
        let Some(plan) = self.fleet(&address.fleet).map(|fleet| fleet.plan.clone()) else { return };
        let Some(node) = self.node_mut(address) else { return };
        let Some(instance) = node.instance.clone() else { return };
        let address_of = address.clone();
        if let Some(leaving) = node.leaving.clone() {
            node.phase = Phase::Running;
            self.leave(address, leaving, now, out);
        } else if plan.customizes && !node.customized {
            node.touched = true;
            out.actions.push(Action::Customize { node: address_of, instance });
            self.enter(address, Phase::Customizing, out);
        } else if plan.registers && !node.registered && !node.withdrawn {
            node.registering = true;
            out.actions.push(Action::Register { node: address_of, instance });
            self.enter(address, Phase::Registering, out);
        } else {
            self.live(address, now, out);
        }
    }

    fn live(&mut self, address: &NodeAddress, now: Timestamp, out: &mut Outcome) {
        let Some(node) = self.node_mut(address) else { return };
        (node.failure, node.renewed) = (None, false);
        node.live_since.get_or_insert(now);
        let is_news = node.told.0 > 0 && node.told < node.generation;
        node.told = node.generation;
        self.enter(address, Phase::Live, out);
        if is_news {
            self.tell_dependents(address, out);
        }
        self.end_outgoing(address, now, out);
    }

    pub(super) fn customized(
        &mut self,
        address: &NodeAddress,
        instance: &InstanceId,
        now: Timestamp,
        out: &mut Outcome,
    ) {
        let revision = self.fleet(&address.fleet).map(|fleet| fleet.plan.revision.clone());
        if let Some(node) = self.at(address, Phase::Customizing, instance) {
            node.customized = true;
            node.revision = revision.unwrap_or_default();
            self.proceed(address, now, out);
        }
    }

    pub(super) fn registered(
        &mut self,
        address: &NodeAddress,
        instance: &InstanceId,
        registrations: Vec<Registration>,
        now: Timestamp,
        out: &mut Outcome,
    ) {
        if let Some(node) = self.at(address, Phase::Registering, instance) {
            (node.registering, node.registered, node.registrations) = (false, true, registrations);
            self.proceed(address, now, out);
        }
    }

    pub(super) fn register_failed(
        &mut self,
        address: &NodeAddress,
        instance: &InstanceId,
        registrations: Vec<Registration>,
        failure: Failure,
        now: Timestamp,
        out: &mut Outcome,
    ) {
        let aim = self.aim;
        if let Some(node) = self.at(address, Phase::Registering, instance) {
            // What was made stands; `registering` stays, for the one that failed may have been made as well.
            node.registrations = registrations;
            if aim == Aim::Live && node.leaving.is_some() {
                self.proceed(address, now, out);
            } else {
                self.step_failed(address, instance, Phase::Registering, failure, now, out);
            }
        }
    }

    /// A step on a node failed for good. A node of a start is given up, its instance kept for a look until the end; one that was
    /// to replace another is a loss, like any that dies.
    pub(super) fn step_failed(
        &mut self,
        address: &NodeAddress,
        instance: &InstanceId,
        phase: Phase,
        failure: Failure,
        now: Timestamp,
        out: &mut Outcome,
    ) {
        let replaces = self.aim == Aim::Live && self.replaces(address);
        if let Some(node) = self.at(address, phase, instance) {
            node.failure = Some(failure.clone());
            out.problems.push((address.clone(), failure.clone()));
            if replaces && node.live_since.is_none() {
                let leaving = Leaving::because(failure, false);
                node.phase = Phase::Running;
                return self.leave(address, leaving, now, out);
            }
            node.outdated = node.live_since.is_some();
            self.enter(address, Phase::Failed, out);
        }
    }

    /// Whether its launch replaces what a fleet has lost that was ready before.
    pub(super) fn replaces(&self, address: &NodeAddress) -> bool {
        let Some(fleet) = self.fleet(&address.fleet) else { return false };
        fleet.raised && fleet.nodes.get(&address.slot).is_some_and(|node| node.generation.0 > 0)
    }

    pub(super) fn is_surplus(&self, address: &NodeAddress) -> bool {
        self.fleet(&address.fleet).is_none_or(|fleet| address.slot >= fleet.plan.wanted)
    }

    /// An instance did not come to run: it is terminated first, so that a new one never stands beside it.
    pub(super) fn lost(
        &mut self,
        address: &NodeAddress,
        instance: &InstanceId,
        failure: &Failure,
        out: &mut Outcome,
    ) {
        let aim = self.aim;
        let patience = self.fleet(&address.fleet).map(|fleet| fleet.plan.patience).unwrap_or_default();
        let replaces = self.replaces(address);
        let has_lived = self.fleet(&address.fleet).is_some_and(Fleet::has_lived);
        let is_kept = self.paused || self.held.contains(address);
        let Some(node) = self.at(address, Phase::Pending, instance) else { return };
        let is_news = node.failure.as_ref() != Some(failure);
        node.failure = Some(failure.clone());
        if is_news {
            out.problems.push((address.clone(), failure.clone()));
        }
        let (address_of, instance) = (address.clone(), instance.clone());
        if !failure.is_the_instances_own() {
            // Whoever watched was sick, which says nothing of the instance: it is kept.
            if replaces && aim == Aim::Live {
                out.actions.push(Action::Await { node: address_of, instance, patience });
            } else {
                self.enter(address, Phase::Failed, out);
            }
        } else if aim == Aim::Live && is_kept {
            self.await_later(address, &instance, out);
        } else if aim == Aim::Live {
            if has_lived && node.adopted.is_some() {
                // It did so before, or while nobody watched it.
                node.admission = Admission::Wanted;
            }
            self.enter(address, Phase::Terminating, out);
            out.actions.push(Action::Replace { node: address_of, instance });
        }
    }

    /// Whether it runs is asked again and again for as long as it must not be terminated: whoever keeps it may start it.
    pub(super) fn await_later(&self, address: &NodeAddress, instance: &InstanceId, out: &mut Outcome) {
        let timer = Timer::Await(address.clone(), instance.clone());
        out.actions.push(Action::Delay { timer, by: KEPT });
    }

    fn await_again(
        &mut self,
        address: &NodeAddress,
        instance: &InstanceId,
        now: Timestamp,
        out: &mut Outcome,
    ) {
        let Some(plan) = self.fleet(&address.fleet).map(|fleet| fleet.plan.clone()) else { return };
        let aim = self.aim;
        let Some(node) = self.at(address, Phase::Pending, instance).filter(|_| aim == Aim::Live) else {
            return;
        };
        let patience = node.patience(&plan, now);
        out.actions.push(Action::Await { node: address.clone(), instance: instance.clone(), patience });
    }

    pub(super) fn gone(
        &mut self,
        address: &NodeAddress,
        instance: &InstanceId,
        now: Timestamp,
        out: &mut Outcome,
    ) {
        let aim = self.aim;
        let Some(node) = self.node_mut(address) else { return };
        if node.outgoing.take_if(|outgoing| outgoing.instance == *instance).is_some() {
            node.refused = 0;
            out.changed.push(address.clone());
        } else if node.has(Phase::Terminating, instance) {
            node.instance = None;
            (node.leaked, node.refused) = (false, 0);
        } else {
            return;
        }
        if node.phase != Phase::Terminating || node.instance.is_some() {
            return;
        }
        if aim == Aim::Terminated {
            // Absent, not terminated: it may have registrations of a former generation, and what it was to replace.
            node.phase = Phase::Absent;
            return;
        }
        match node.leaving.take() {
            Some(Leaving { quarantine: true, failure, .. }) => {
                node.forget_steps();
                self.enter_quarantine(address, failure, out);
            }
            // What somebody asked for is no loss.
            Some(Leaving { healthy, asked, .. }) if healthy || asked => {
                node.forget_steps();
                node.failure = None;
                let next = if self.is_surplus(address) { Phase::Terminated } else { Phase::Absent };
                self.enter(address, next, out);
            }
            leaving => {
                let failure = leaving.map(|leaving| leaving.failure).or_else(|| node.failure.clone());
                let unknown = || Failure::new(ErrorKind::Failed, "the instance ended");
                self.rest(address, &failure.unwrap_or_else(unknown), now, out);
            }
        }
    }

    /// Never start another beside what could not be cleaned up: it is tried again.
    pub(super) fn not_gone(
        &mut self,
        address: &NodeAddress,
        instance: &InstanceId,
        failure: Failure,
        out: &mut Outcome,
    ) {
        let aim = self.aim;
        if let Some(node) = self.node_mut(address)
            && let Some(outgoing) = node.outgoing.as_mut().filter(|outgoing| outgoing.instance == *instance)
        {
            outgoing.leaked = true;
            out.changed.push(address.clone());
            if aim == Aim::Terminated && node.phase == Phase::Terminating && node.instance.is_none() {
                node.phase = Phase::Absent;
            }
            self.end_later(address, instance, failure, out);
        } else if let Some(node) = self.at(address, Phase::Terminating, instance) {
            node.leaked = true;
            node.leaving.take_if(|_| aim == Aim::Terminated);
            node.failure = Some(failure.clone());
            let outgoing = node.outgoing.clone().filter(|outgoing| !outgoing.leaked);
            self.end_later(address, instance, failure, out);
            self.enter(address, Phase::Failed, out);
            if let (Aim::Terminated, Some(outgoing)) = (aim, outgoing) {
                // Nothing else takes it down any more.
                out.actions.push(Action::Terminate { nodes: vec![(address.clone(), outgoing.instance)] });
            }
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
            Timer::Relaunch(fleet) => self.wake(fleet, now, out),
            Timer::Roll(fleet) => {
                // Every step looks at rollouts.
                if let Some(fleet) = self.fleet_mut(fleet) {
                    fleet.rolls_at = None;
                }
            }
            Timer::End(node, instance) => self.end_again(node, instance, out),
            Timer::Await(node, instance) => self.await_again(node, instance, now, out),
            Timer::Drain(node, instance) => self.drained(node, instance, now, out),
        }
    }
}
