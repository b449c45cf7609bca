//! What probes and the cloud say.

use super::target::{Leaving, State, Told, Urgency};
use super::{ANSWERS_BEFORE_A_VERDICT, At, Key, Machine, Outcome};
use crate::model::{Check, InstanceHealth, InstanceState, Notice};
use crate::monitor::What;
use crate::provider::Liveness;

impl Machine {
    pub(super) fn answer(
        &mut self,
        key: Key,
        watch: u32,
        liveness: Liveness,
        now: At,
        out: &mut Vec<Outcome>,
    ) {
        let (sight, health) = (&self.sight, &self.fleets[key.fleet as usize].health);
        let Some(target) = self.targets.get_mut(&key).filter(|target| target.watch == watch) else { return };
        if !target.listens() {
            return;
        }
        let unseen = now.since(std::mem::replace(&mut target.heard, now));
        if target.spell != sight.spell {
            (target.spell, target.seen) = (sight.spell, 0);
        }
        match liveness {
            Liveness::Live => {
                target.seen = target.seen.saturating_add(1).min(ANSWERS_BEFORE_A_VERDICT);
                target.successes = target.successes.saturating_add(1);
                (target.failures, target.success, target.began) = (0, now, now);
                let enough = target.successes >= health.success_threshold;
                target.failing &= !enough && target.state != State::Starting;
                if target.state == State::Live && !target.failing && target.impaired == At::NEVER {
                    return target.tidy();
                }
            }
            Liveness::Failing(why) => {
                target.seen = target.seen.saturating_add(1).min(ANSWERS_BEFORE_A_VERDICT);
                target.successes = 0;
                target.failures = target.failures.saturating_add(1);
                target.failing |= target.failures >= health.failure_threshold;
                target.more().why = why;
            }
            Liveness::Unknown(_) => target.began = target.began.plus(unseen).min(now),
            Liveness::DeclaredDead(why) => return self.die(key, why, now, out),
        }
        self.judge(key, now, out);
    }

    pub(super) fn cloud(
        &mut self,
        key: Key,
        watch: u32,
        health: Option<&InstanceHealth>,
        now: At,
        out: &mut Vec<Outcome>,
    ) {
        let probed = self.fleets[key.fleet as usize].probed;
        let Some(target) = self.targets.get_mut(&key).filter(|target| target.watch == watch) else { return };
        if !target.listens() {
            return;
        }
        target.answered = now;
        let starting = target.state == State::Starting;
        if let Some(health) = health {
            if is_gone(health.state) {
                return self.die(key, gone(health), now, out);
            }
            self.notices(key, &health.notices, now, out);
            self.checks(key, health, now);
        }
        if probed {
            self.judge(key, now, out);
        } else {
            self.answer(key, watch, word(health, starting), now, out);
        }
    }

    /// Status checks that are impaired count as a probe that fails; no thresholds, as the cloud has its own.
    fn checks(&mut self, key: Key, health: &InstanceHealth, now: At) {
        let Some(target) = self.targets.get_mut(&key) else { return };
        match impaired(health) {
            Some(which) => {
                target.impaired = target.impaired.min(now);
                target.more().why = format!("the cloud's {which} status check is impaired");
            }
            // A check that cannot tell takes nothing back.
            None if (health.system, health.instance) == (Check::Unknown, Check::Unknown) => {}
            None => target.impaired = At::NEVER,
        }
    }

    fn notices(&mut self, key: Key, notices: &[Notice], now: At, out: &mut Vec<Outcome>) {
        let Some(target) = self.targets.get_mut(&key) else { return };
        for notice in notices.iter().filter(|notice| !notice.ends) {
            let told = (notice.what.clone(), notice.at);
            if !target.more().notices.contains(&told) {
                target.more().notices.push(told);
                let what = What::Notice { what: notice.what.clone(), at: notice.at };
                out.push(Outcome::Tell(Some(key), what));
            }
        }
        if target.told >= Told::Leaving {
            return;
        }
        let end = notices.iter().filter(|notice| notice.ends).min_by_key(|notice| notice.at);
        let known = target.more.as_ref().and_then(|more| more.announced.as_ref());
        let since = known.map_or(now, |known| known.since);
        let announced = end.map(|end| {
            let why = format!("the cloud announces {}", end.what);
            Leaving { why, by: end.at, urgency: Urgency::Announced, since }
        });
        if announced.is_some() || known.is_some() {
            target.more().announced = announced;
        }
    }

    pub(super) fn cloud_silent(&mut self, why: &str, out: &mut Vec<Outcome>) {
        if self.cloud_silent.is_none() {
            out.push(Outcome::Tell(None, What::CloudSilent(why.to_owned())));
        }
        self.cloud_silent = Some(why.to_owned());
    }

    pub(super) fn cloud_answers(&mut self, out: &mut Vec<Outcome>) {
        if self.cloud_silent.take().is_some() {
            out.push(Outcome::Tell(None, What::CloudAnswers));
        }
    }
}

fn is_gone(state: InstanceState) -> bool {
    state.is_ending() || matches!(state, InstanceState::Stopping | InstanceState::Stopped)
}

fn gone(health: &InstanceHealth) -> String {
    let reason = health.state_reason.as_ref().map(|reason| format!(" ({reason})"));
    format!("the cloud says that it is {}{}", health.state, reason.unwrap_or_default())
}

fn impaired(health: &InstanceHealth) -> Option<&'static str> {
    [("system", health.system), ("instance", health.instance)]
        .into_iter()
        .find_map(|(which, check)| matches!(check, Check::Impaired(_)).then_some(which))
}

/// What the cloud's answer says of a node that has no probe.
fn word(health: Option<&InstanceHealth>, starting: bool) -> Liveness {
    let Some(health) = health else {
        return Liveness::Failing("the cloud does not know its instance".to_owned());
    };
    let initializing = [health.system, health.instance].contains(&Check::Initializing);
    if health.state == InstanceState::Running && !initializing && impaired(health).is_none() {
        return Liveness::Live;
    }
    let why = match health.state {
        InstanceState::Running => "its status checks are not passed yet".to_owned(),
        state => format!("the cloud says that it is {state}"),
    };
    // After a reboot checks begin anew; that is no failure.
    if starting { Liveness::Failing(why) } else { Liveness::Unknown(why) }
}
