//! One round: ask for everyone who is due, and for others where the call has room.

use std::collections::HashMap;
use std::time::Duration;

use ec2_stories_core::model::{Instance, InstanceId};
use ec2_stories_core::provider::Goal;
use ec2_stories_core::{Error, ErrorKind, Result, Status};
use tokio::time::Instant;
use tracing::Instrument;

use super::boot_times::Boot;
use super::verdict::verdict;
use super::{Shared, State};
use crate::describe::{BATCH, describe};
use crate::error::again;

/// For how long refused credentials are borne: as long as rotated ones may take to arrive.
const ROTATION: Duration = Duration::from_secs(90);

/// An answer that is older than this at a deadline says nothing. Of two looks at an instance, one falls within this time.
const RECENT: Duration = Duration::from_secs(35);

/// A wait that began later than this after its instance's launch may have missed the boot, and teaches nothing.
const FROM_THE_START: Duration = Duration::from_secs(2);

pub(super) async fn ask(shared: &Shared) {
    let sent = Instant::now();
    let (asked, waiting) = {
        let state = shared.state();
        (state.due_at(sent), state.waiters.iter().count())
    };
    let ids: Vec<InstanceId> = asked.iter().map(|(_, id)| id.clone()).collect();
    let span = tracing::debug_span!("ec2.poll", waiting, asked = ids.len());
    let answer = describe(&shared.api, &ids).instrument(span).await;
    let mut state = shared.state();
    state.round_trip = (state.round_trip * 7 + sent.elapsed() * 3) / 10;
    match answer {
        Ok(instances) => state.settle(&asked, instances, sent),
        Err(error) => state.failed(&asked, &error, sent),
    }
}

impl State {
    /// Who is asked about in this round.
    fn due_at(&self, now: Instant) -> Vec<(u64, InstanceId)> {
        let mut all: Vec<(Instant, u64, &InstanceId)> =
            self.waiters.iter().map(|(key, waiter)| (self.due(waiter), key, &waiter.id)).collect();
        all.sort_unstable_by_key(|(due, key, _)| (*due, *key));
        let due = all.iter().filter(|(due, ..)| *due <= now).count();
        let room = due.div_ceil(BATCH) * BATCH;
        all.into_iter().take(room).map(|(_, key, id)| (key, id.clone())).collect()
    }

    fn settle(&mut self, asked: &[(u64, InstanceId)], instances: Vec<Instance>, sent: Instant) {
        self.failing = None;
        let seen: HashMap<InstanceId, Instance> =
            instances.into_iter().map(|instance| (instance.id.clone(), instance)).collect();
        for (key, id) in asked {
            let Some(waiter) = self.waiters.get_mut(*key) else { continue };
            waiter.asked = Some(sent);
            waiter.answered = Some(sent);
            if let Some(outcome) = verdict(waiter, seen.get(id), sent) {
                self.tell(*key, outcome, sent);
            }
        }
    }

    fn tell(&mut self, key: u64, outcome: Result<Instance>, sent: Instant) {
        let Some(waiter) = self.waiters.remove(key) else { return };
        if let Ok(instance) = &outcome {
            let age = waiter.birth.as_ref().map(|birth| sent.saturating_duration_since(birth.at));
            let age_ms = age.map(|age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
            tracing::debug!(instance = %instance.id, state = %instance.state, age_ms, "noticed");
        }
        if let (Goal::Running, Ok(_), Some(birth)) = (waiter.goal, &outcome, &waiter.birth)
            && waiter.since.saturating_duration_since(birth.at) <= FROM_THE_START
        {
            let age = |at: Instant| at.saturating_duration_since(birth.at);
            let boot = Boot { not_before: waiter.not_yet.map_or(Duration::ZERO, age), by: age(sent) };
            self.boot_times.learn(&birth.kind, birth.at, boot);
        }
        // Whoever has stopped waiting in this moment needs no answer.
        let _ = waiter.reply.send(outcome);
    }

    fn failed(&mut self, asked: &[(u64, InstanceId)], error: &Error, sent: Instant) {
        let since = self.failing.as_ref().map_or(sent, |(_, since)| *since);
        self.failing = Some((again(error), since));
        let bearable = !error.is_permanent()
            || error.kind() == ErrorKind::Credentials && sent.saturating_duration_since(since) < ROTATION;
        for (key, _) in asked {
            if bearable {
                if let Some(waiter) = self.waiters.get_mut(*key) {
                    waiter.asked = Some(sent);
                }
            } else {
                self.tell(*key, Err(again(error)), sent);
            }
        }
    }

    /// What a wait that has reached its deadline says: that its instance did not get there, or that nobody knows,
    /// because EC2 did not answer. Only the first is a reason to give an instance up.
    pub(super) fn timed_out(&self, key: u64, goal: Goal) -> Error {
        let wanted = match goal {
            Goal::Running => "running",
            Goal::Terminated => "terminated",
        };
        let unknown = format!("nobody knows at the deadline whether it is {wanted}");
        if let Some((error, _)) = &self.failing {
            let told = Error::new(error.kind(), format!("{unknown}; asking failed: {}", error.message()))
                .status(Status::Temporary);
            return match error.api_code() {
                Some(code) => told.code(code),
                None => told,
            };
        }
        let answered = self.waiters.get(key).and_then(|waiter| waiter.answered);
        if answered.is_some_and(|at| at.elapsed() < RECENT) {
            Error::new(ErrorKind::Timeout, format!("not {wanted} by the deadline"))
        } else {
            Error::new(ErrorKind::Unavailable, format!("{unknown}; there is no answer"))
        }
    }
}
