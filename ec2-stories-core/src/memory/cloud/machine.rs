//! A machine's life, as a function of time.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant as Moment;

use crate::model::{Check, Instance, InstanceHealth, InstanceState, Notice, SecurityGroupId, StateReason};

/// Terminated instances stay visible for under an hour.
const VISIBLE_WHEN_TERMINATED: Duration = Duration::from_secs(50 * 60);

#[derive(Debug)]
pub(super) struct Machine {
    /// As launched.
    pub(super) instance: Instance,
    pub(super) groups: Vec<SecurityGroupId>,
    pub(super) visible_at: Moment,
    /// When it runs, or fails to.
    pub(super) booted_at: Moment,
    pub(super) boot_failure: Option<StateReason>,
    pub(super) end: Option<End>,
    /// When it is taken away, unless it ends before.
    pub(super) fate: Option<End>,
    /// When it was stopped, and when it stands still.
    pub(super) stop: Option<(Moment, Moment)>,
    pub(super) notices: Vec<Notice>,
    /// Since when it fails its status checks.
    pub(super) impaired: Option<Timestamp>,
    /// Whether no search shows it.
    pub(super) hidden: bool,
}

#[derive(Debug)]
pub(super) struct End {
    pub(super) began_at: Moment,
    pub(super) ended_at: Moment,
    pub(super) reason: StateReason,
}

impl Machine {
    /// What the cloud knows of it.
    pub(super) fn at(&self, now: Moment) -> Instance {
        let (state, state_reason) = self.state(now);
        let mut seen = Instance { state, state_reason, ..self.instance.clone() };
        if state == InstanceState::Terminated {
            (seen.private_ip, seen.public_ip, seen.private_dns, seen.public_dns) = (None, None, None, None);
        } else if matches!(state, InstanceState::Pending | InstanceState::Stopped) {
            // EC2 gives the public address when the instance runs, and takes it back when it stops.
            (seen.public_ip, seen.public_dns) = (None, None);
        }
        seen
    }

    /// What a describe shows of it.
    pub(super) fn seen(&self, now: Moment) -> Option<Instance> {
        let forgotten = self.ended_at().is_some_and(|at| at + VISIBLE_WHEN_TERMINATED <= now);
        (self.visible_at <= now && !forgotten).then(|| self.at(now))
    }

    /// What a look at its health shows; `outage` is since when its zone has failed.
    pub(super) fn health(&self, now: Moment, outage: Option<Timestamp>) -> Option<InstanceHealth> {
        let instance = self.seen(now)?;
        let check = match self.impaired.or(outage) {
            _ if instance.state != InstanceState::Running => Check::Unknown,
            Some(since) => Check::Impaired(Some(since)),
            None => Check::Ok,
        };
        let notices = self.notices.clone();
        Some(InstanceHealth { instance: check, system: check, notices, ..InstanceHealth::of(&instance) })
    }

    /// The next moment at which it looks different.
    pub(super) fn next_change(&self, now: Moment) -> Option<Moment> {
        let end = self.ending().map(|end| [end.began_at, end.ended_at]);
        let stop = self.stop.map(|(began_at, stopped_at)| [began_at, stopped_at]);
        let changes =
            [self.visible_at, self.booted_at].into_iter().chain(end.into_iter().chain(stop).flatten());
        changes.filter(|at| *at > now).min()
    }

    pub(super) fn is_terminated(&self, now: Moment) -> bool {
        self.ended_at().is_some_and(|at| at <= now)
    }

    /// Its end, or what is to be.
    fn ending(&self) -> Option<&End> {
        self.end.iter().chain(&self.fate).min_by_key(|end| end.began_at)
    }

    fn ended_at(&self) -> Option<Moment> {
        let failed = self.boot_failure.is_some().then_some(self.booted_at);
        match self.ending() {
            Some(end) => Some(failed.map_or(end.ended_at, |at| at.min(end.ended_at))),
            None => failed,
        }
    }

    pub(super) fn state(&self, now: Moment) -> (InstanceState, Option<StateReason>) {
        if let Some(reason) = self.boot_failure.as_ref().filter(|_| self.booted_at <= now) {
            return (InstanceState::Terminated, Some(reason.clone()));
        }
        match self.ending() {
            Some(end) if end.ended_at <= now => (InstanceState::Terminated, Some(end.reason.clone())),
            Some(end) if end.began_at <= now => (InstanceState::ShuttingDown, Some(end.reason.clone())),
            _ if self.booted_at > now => (InstanceState::Pending, None),
            _ => match self.stop {
                Some((_, stopped_at)) if stopped_at <= now => (InstanceState::Stopped, None),
                Some((began_at, _)) if began_at <= now => (InstanceState::Stopping, None),
                _ => (InstanceState::Running, None),
            },
        }
    }
}
