//! Between two instances: a slot rests after it lost one, longer each time, and is given up when that is too often.

use std::time::Duration;

use jiff::Timestamp;

use super::{Action, Failure, Machine, Node, Outcome, Phase, Preparation, Timer};
use crate::ErrorKind;
use crate::model::{Health, Name, NodeAddress};

/// Losses that are remembered of a node; with so many the longest rest is long reached.
const LOSSES: usize = 64;

/// The longest rest that is no back-off: until a place is believed to have room again, and a margin.
const LONGEST: Duration = Duration::from_secs(300);

impl Node {
    fn lose(&mut self, health: &Health, now: Timestamp) {
        let healthy = self.live_since.map(|since| now.duration_since(since).unsigned_abs());
        if healthy.is_some_and(|healthy| healthy >= health.back_off.forgotten_after) {
            self.losses.clear();
        }
        self.losses.push(now);
        let surplus = self.losses.len().saturating_sub(LOSSES);
        self.losses.drain(..surplus);
    }

    /// How many instances it lost lately, where those are too many.
    fn died_too_often(&self, health: &Health, now: Timestamp) -> Option<usize> {
        let within = |at: &&Timestamp| now.duration_since(**at).unsigned_abs() < health.intensity.within;
        let recent = self.losses.iter().filter(within).count();
        (recent >= health.intensity.count as usize).then_some(recent)
    }

    /// How long it is to rest from now on, after what it lost.
    pub(super) fn rest_left(&self, health: &Health, now: Timestamp) -> Duration {
        let Some(last) = self.losses.last() else { return Duration::ZERO };
        let doubled = u32::try_from(self.losses.len() - 1).unwrap_or(u32::MAX).min(31);
        let rest = health.back_off.first.saturating_mul(1 << doubled).min(health.back_off.longest);
        let rested = Duration::try_from(now.duration_since(*last)).unwrap_or_default();
        rest.saturating_sub(rested)
    }
}

impl Machine {
    /// The node lost an instance: the next generation follows after a while, unless that happened too often.
    pub(super) fn rest(
        &mut self,
        address: &NodeAddress,
        failure: &Failure,
        now: Timestamp,
        out: &mut Outcome,
    ) {
        let surplus = self.is_surplus(address);
        let Some(health) = self.fleet(&address.fleet).map(|fleet| fleet.plan.health.clone()) else { return };
        let Some(node) = self.node_mut(address) else { return };
        node.lose(&health, now);
        node.forget_steps();
        node.failure = Some(failure.clone());
        if surplus {
            self.enter(address, Phase::Terminated, out);
        } else if let Some(losses) = node.died_too_often(&health, now) {
            let within = health.intensity.within;
            let message = format!("{losses} instances lost within {within:?}, the last one: {failure}");
            let failure = Failure::new(ErrorKind::Failed, message);
            out.problems.push((address.clone(), failure.clone()));
            self.enter_quarantine(address, failure, out);
        } else {
            let by = node.rest_left(&health, now);
            self.rest_for(address, by, now, out);
        }
    }

    pub(super) fn rest_for(
        &mut self,
        address: &NodeAddress,
        by: Duration,
        now: Timestamp,
        out: &mut Outcome,
    ) {
        if let Some(fleet) = self.fleet_mut(&address.fleet)
            && let Some(node) = fleet.nodes.get_mut(&address.slot)
        {
            node.rests_until = Some(now + by);
            fleet.alarms += 1;
            self.enter(address, Phase::Resting, out);
            out.actions.push(Action::Delay { timer: Timer::Relaunch(address.fleet.clone()), by });
        }
    }

    /// Ends the rest of what has rested enough, and of what rests for the same time: one launch for all of it.
    pub(super) fn wake(&mut self, fleet: &Name, now: Timestamp, out: &mut Outcome) {
        let Some(fleet) = self.fleet_mut(fleet) else { return };
        fleet.wakes = None;
        // A clock that was set back makes nobody rest longer than there is a reason for.
        let longest = fleet.plan.health.back_off.longest.max(LONGEST);
        let rested = |until: Timestamp| until <= now + Duration::from_secs(1) || until > now + longest;
        let mut next: Option<Timestamp> = None;
        for node in fleet.nodes.values_mut().filter(|node| node.phase == Phase::Resting) {
            match node.rests_until {
                Some(until) if !rested(until) => next = Some(next.map_or(until, |next| next.min(until))),
                _ => node.phase = Phase::Absent,
            }
        }
        fleet.alarms = fleet.alarms.saturating_sub(1);
        if let Some(next) = next.filter(|_| fleet.alarms == 0) {
            // Its own delay is over, and went by no clock that can be set.
            fleet.alarms += 1;
            let by = Duration::try_from(next.duration_since(now)).unwrap_or_default();
            let timer = Timer::Relaunch(fleet.plan.name.clone());
            out.actions.push(Action::Delay { timer, by });
        }
        if fleet.raised && matches!(fleet.preparation, Preparation::Failed(_)) {
            fleet.preparation = Preparation::Wanted;
        }
    }
}
