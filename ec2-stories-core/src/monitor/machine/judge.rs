//! A node's way from one state to another.

use std::time::Duration;

use super::target::{Charge, State, Target, Told};
use super::{ANSWERS_BEFORE_A_VERDICT, At, Key, Machine, Outcome, twice};
use crate::model::Health;
use crate::monitor::What;

impl Target {
    /// How long it may be silent.
    fn patience(&self, health: &Health) -> Duration {
        let flapping = self.more.as_ref().is_some_and(|more| more.flapping);
        match (self.success.known(), self.was_live) {
            // Time enough to ask how it is, however little is left.
            (None, false) if self.age > 0 => self.start_up(health).max(health.dead_after),
            (None, false) => health.startup_timeout,
            _ if flapping => twice(health.dead_after),
            _ => health.dead_after,
        }
    }

    /// When it has been silent for too long; `sight` is when the watcher could see again.
    fn dies_at(&self, health: &Health, sight: At) -> At {
        let own = self.began.plus(self.patience(health));
        if sight > self.began { own.max(sight.plus(health.dead_after)) } else { own }
    }

    /// When its status checks have been impaired for too long.
    fn impaired_until(&self, health: &Health, sight: At) -> At {
        let own = self.impaired.plus(health.dead_after).max(self.starts_until(health));
        if sight > self.impaired { own.max(sight.plus(health.dead_after)) } else { own }
    }

    /// Before its first success nothing counts until then.
    fn starts_until(&self, health: &Health) -> At {
        let new = self.success.known().is_none() && !self.was_live;
        if new { self.began.plus(self.start_up(health)) } else { At::START }
    }

    /// What was left of its start-up time when the watch began.
    fn start_up(&self, health: &Health) -> Duration {
        health.startup_timeout.saturating_sub(Duration::from_secs(self.age.into()))
    }

    fn is_ill(&self) -> bool {
        self.failing || self.impaired != At::NEVER
    }

    /// Whether the cloud was asked since something was wrong.
    fn cloud_was_asked(&self) -> bool {
        self.answered.known().is_some_and(|answered| answered >= self.since)
    }
}

impl Machine {
    /// Finds out how the node is by all that is known of it.
    pub(super) fn judge(&mut self, key: Key, now: At, out: &mut Vec<Outcome>) {
        let Some(target) = self.targets.get_mut(&key) else { return };
        if !target.listens() {
            return;
        }
        let (state, definitive, since) = (target.state, target.definitive, target.since);
        if self.is_stale(state, definitive, since) {
            self.enter(key, State::Suspect, now);
        }
        let health = &self.fleets[key.fleet as usize].health;
        let Some(target) = self.targets.get_mut(&key) else { return };
        match target.state {
            State::Starting if target.success.known().is_some() => self.live(key, now, out),
            State::Starting if target.is_ill() && now >= target.starts_until(health) => {
                self.suspect(key, now, out);
            }
            State::Live if target.is_ill() => self.suspect(key, now, out),
            State::Suspect | State::Dead if !target.definitive && !target.is_ill() => {
                self.live(key, now, out);
            }
            _ => {}
        }
        self.bury(key, now, out);
        self.settle(key, now, out);
    }

    /// Declares a suspect dead whose time is over.
    fn bury(&mut self, key: Key, now: At, out: &mut Vec<Outcome>) {
        let health = &self.fleets[key.fleet as usize].health;
        let Some(target) = self.targets.get(&key).filter(|target| target.state == State::Suspect) else {
            return;
        };
        if self.sight.blind.is_some() {
            return;
        }
        let silent = target.failing
            && target.seen >= ANSWERS_BEFORE_A_VERDICT
            && now >= target.dies_at(health, self.sight.since);
        let impaired = target.impaired != At::NEVER && now >= target.impaired_until(health, self.sight.since);
        if !silent && !impaired {
            return;
        }
        let fresh = target.answered.known().is_some_and(|at| at >= target.impaired_until(health, At::START));
        let asked = if silent { target.cloud_was_asked() } else { fresh };
        if self.cloud && !asked {
            return out.push(Outcome::Ask(key));
        }
        let why = target.why().to_owned();
        let silence = now.since(target.began);
        let why = if silent { format!("{why} (for {}s)", silence.as_secs()) } else { why };
        out.push(Outcome::Tell(Some(key), What::Dead { why: why.clone(), definitive: false }));
        self.dead(key, why, now);
    }

    /// Something that must know says that the node is dead.
    pub(super) fn die(&mut self, key: Key, why: String, now: At, out: &mut Vec<Outcome>) {
        let Some(target) = self.targets.get_mut(&key).filter(|target| !target.definitive) else { return };
        target.definitive = true;
        out.push(Outcome::Tell(Some(key), What::Dead { why: why.clone(), definitive: true }));
        self.leave_queue(key);
        self.dead(key, why, now);
        self.settle(key, now, out);
    }

    fn dead(&mut self, key: Key, why: String, now: At) {
        let Some(target) = self.targets.get_mut(&key) else { return };
        target.more().why = why;
        let is_successor = target.charge != Charge::None && target.told < Told::Leaving;
        self.enter(key, State::Dead, now);
        if is_successor {
            // It queues again, behind those whose turn it was not yet.
            self.discharge(key);
            self.fleets[key.fleet as usize].failed();
        }
    }

    fn suspect(&mut self, key: Key, now: At, out: &mut Vec<Outcome>) {
        let Some(target) = self.targets.get_mut(&key) else { return };
        let (was_starting, why) = (target.state == State::Starting, target.why().to_owned());
        self.enter(key, State::Suspect, now);
        out.push(Outcome::Tell(Some(key), What::Suspect(why)));
        out.push(Outcome::Ask(key));
        if !was_starting {
            self.flap(key, now, out);
        }
    }

    fn live(&mut self, key: Key, now: At, out: &mut Vec<Outcome>) {
        let Some(target) = self.targets.get_mut(&key) else { return };
        let was_starting = target.state == State::Starting;
        let is_successor = target.charge != Charge::None && target.told < Told::Leaving;
        self.enter(key, State::Live, now);
        out.push(Outcome::Tell(Some(key), What::Live));
        if is_successor {
            out.push(Outcome::Tell(Some(key), What::Replaced));
            self.discharge(key);
            self.fleets[key.fleet as usize].succeeded();
        }
        if !was_starting {
            self.flap(key, now, out);
        }
    }

    fn enter(&mut self, key: Key, state: State, now: At) {
        if let Some(target) = self.targets.get_mut(&key) {
            target.enter(state, now);
        }
    }

    /// Notes a change between live and suspect.
    fn flap(&mut self, key: Key, now: At, out: &mut Vec<Outcome>) {
        let flapping = self.fleets[key.fleet as usize].health.flapping;
        let Some(target) = self.targets.get_mut(&key) else { return };
        let more = target.more();
        more.changes.push_back(now);
        while more.changes.front().is_some_and(|first| now.since(*first) > flapping.within) {
            more.changes.pop_front();
        }
        let many = more.changes.len() >= flapping.count as usize;
        while more.changes.len() > flapping.count as usize {
            more.changes.pop_front();
        }
        if many && !more.flapping {
            let what = What::Flapping { changes: flapping.count, within: flapping.within };
            out.push(Outcome::Tell(Some(key), what));
        }
        more.flapping = many;
    }

    /// Brings everything into line with the node's state.
    pub(super) fn settle(&mut self, key: Key, now: At, out: &mut Vec<Outcome>) {
        self.queue(key, now, out);
        self.recount(key);
        self.show(key, out);
        self.schedule(key, now);
        if let Some(target) = self.targets.get_mut(&key) {
            target.tidy();
        }
    }

    /// Sees to it that the node is looked at again when its time is over.
    fn schedule(&mut self, key: Key, now: At) {
        let health = &self.fleets[key.fleet as usize].health;
        let Some(target) = self.targets.get_mut(&key) else { return };
        let sight = self.sight.since;
        let own = match target.state {
            _ if !target.listens() => None,
            State::Starting if !target.was_live => Some(target.starts_until(health)),
            State::Suspect => {
                let silent = target.failing.then(|| target.dies_at(health, sight));
                let impaired = target.impaired.known().map(|_| target.impaired_until(health, sight));
                let due = [silent, impaired].into_iter().flatten().filter(|at| *at > now).min();
                // Whoever cannot be judged now is looked at again, by and by.
                due.or_else(|| self.sight.blind.as_ref().map(|_| now.plus(health.dead_after)))
            }
            _ => None,
        };
        let hold = target.more.as_ref().and_then(|more| Some(more.hold.as_ref()?.1));
        let next = [own, hold].into_iter().flatten().filter(|at| *at > now).min().unwrap_or(At::NEVER);
        let before = std::mem::replace(&mut target.deadline, next);
        if before != next {
            self.deadlines.remove(&(before, key));
            if next != At::NEVER {
                self.deadlines.insert((next, key));
            }
        }
    }

    /// The node is not looked at again by itself.
    pub(super) fn unschedule(&mut self, key: Key) {
        if let Some(target) = self.targets.get_mut(&key) {
            let before = std::mem::replace(&mut target.deadline, At::NEVER);
            self.deadlines.remove(&(before, key));
        }
    }
}
