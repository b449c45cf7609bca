//! What callers want.

use jiff::Timestamp;

use super::target::{Charge, Leaving, State, Target, Told, Urgency};
use super::{At, Key, Machine, Outcome};
use crate::model::Generation;
use crate::monitor::What;
use crate::provider::Hold;

/// The number of a zone that nobody knows.
const NOWHERE: u32 = u32::MAX;

impl Machine {
    pub(super) fn watch(&mut self, key: Key, mut target: Target, now: At, out: &mut Vec<Outcome>) {
        let (generation, mut hold) = (target.generation, None);
        if let Some(known) = self.targets.get_mut(&key) {
            if known.generation > generation {
                return;
            }
            hold = known.more.as_mut().and_then(|more| more.hold.take());
            if known.generation == generation && known.told >= Told::Leaving {
                // Whoever was to replace it has thought better of it.
                self.discharge(key);
            }
            target.charge = self.targets.get(&key).map_or(Charge::None, |known| known.charge);
            self.erase(key);
        }
        self.watches = self.watches.wrapping_add(1);
        (target.watch, target.spell) = (self.watches, self.sight.spell);
        // Others wait for it, or nobody knows how it is; one of a first launch has its turn with everybody's.
        let is_urgent = target.was_live || target.age > 0 || target.charge != Charge::None;
        if hold.is_some() {
            target.more().hold = hold;
        }
        self.targets.insert(key, Box::new(target));
        if is_urgent && !self.fleets[key.fleet as usize].probed {
            out.push(Outcome::Ask(key));
        }
        self.settle(key, now, out);
    }

    pub(super) fn replacing(&mut self, key: Key, generation: Generation, now: At) {
        let charge = match self.targets.get(&key) {
            Some(known) if known.generation > generation => return,
            // It was said to leave, and is charged where it was then.
            Some(known) if known.told >= Told::Leaving && known.charge != Charge::None => known.charge,
            Some(known) => Charge::Zone(known.zone),
            None => Charge::Fleet,
        };
        self.leave_queue(key);
        self.unschedule(key);
        let new = || Box::new(Target::new(generation, 0, NOWHERE, now));
        let target = self.targets.entry(key).or_insert_with(new);
        target.generation = generation;
        target.told = Told::Replace;
        self.charge(key, charge);
        self.recount(key);
    }

    /// It waits for its turn among the dead.
    pub(super) fn lost(
        &mut self,
        key: Key,
        generation: Generation,
        why: &str,
        now: At,
        out: &mut Vec<Outcome>,
    ) {
        let mut hold = None;
        if let Some(known) = self.targets.get_mut(&key) {
            if known.generation > generation {
                return;
            }
            hold = known.more.as_mut().and_then(|more| more.hold.take());
            self.discharge(key);
            self.erase(key);
        }
        let mut target = Target::new(generation, 0, NOWHERE, now);
        if hold.is_some() {
            target.more().hold = hold;
        }
        self.targets.insert(key, Box::new(target));
        self.die(key, why.to_owned(), now, out);
    }

    /// It is drained, and probed meanwhile: when it dies it is to be drained no longer.
    pub(super) fn leaves(
        &mut self,
        key: Key,
        generation: Generation,
        why: &str,
        by: Timestamp,
        now: At,
        out: &mut Vec<Outcome>,
    ) {
        let its = |target: &&mut Box<Target>| target.generation == generation && target.listens();
        let Some(target) = self.targets.get_mut(&key).filter(its) else {
            return self.replacing(key, generation, now);
        };
        if target.told == Told::Leaving {
            return;
        }
        let zone = target.zone;
        let leaving = Leaving { why: why.to_owned(), by, urgency: Urgency::Wanted, since: now };
        (target.told, target.more().wanted) = (Told::Leaving, Some(leaving));
        self.charge(key, Charge::Zone(zone));
        self.settle(key, now, out);
    }

    pub(super) fn forget(&mut self, key: Key) {
        self.discharge(key);
        self.erase(key);
    }

    /// Removes what is known of the node; its replacement stays charged.
    fn erase(&mut self, key: Key) {
        self.leave_queue(key);
        self.unschedule(key);
        self.uncount(key);
        self.targets.remove(&key);
    }

    pub(super) fn condemn(&mut self, key: Key, why: &str, by: Timestamp, now: At, out: &mut Vec<Outcome>) {
        let Some(target) = self.targets.get_mut(&key) else { return };
        let is_wanted = target.more.as_ref().is_some_and(|more| more.wanted.is_some());
        if target.listens() && target.told < Told::Leaving && !is_wanted {
            let leaving = Leaving { why: why.to_owned(), by, urgency: Urgency::Wanted, since: now };
            target.more().wanted = Some(leaving);
            self.settle(key, now, out);
        }
    }

    pub(super) fn quarantine(&mut self, key: Key, why: &str, now: At, out: &mut Vec<Outcome>) {
        self.discharge(key);
        self.leave_queue(key);
        self.unschedule(key);
        let Some(target) = self.targets.get_mut(&key) else { return };
        target.told = Told::Nothing;
        target.enter(State::Quarantined, now);
        target.more().why = why.to_owned();
        out.push(Outcome::Tell(Some(key), What::Quarantined(why.to_owned())));
        self.recount(key);
    }

    pub(super) fn hold(&mut self, key: Key, hold: Hold, ends: At, now: At, out: &mut Vec<Outcome>) {
        let Some(target) = self.targets.get_mut(&key) else { return };
        target.more().hold = Some((hold.clone(), ends));
        out.push(Outcome::Tell(Some(key), What::Held(hold)));
        self.reword(key, out);
        self.settle(key, now, out);
    }

    pub(super) fn release(&mut self, key: Key, now: At, out: &mut Vec<Outcome>) {
        let Some(target) = self.targets.get_mut(&key) else { return };
        if target.more.as_mut().and_then(|more| more.hold.take()).is_some() {
            out.push(Outcome::Tell(Some(key), What::Released));
            self.judge(key, now, out);
            // Of a node that is not judged any more only the hold itself has ended.
            self.settle(key, now, out);
        }
    }

    /// Ends a hold whose time is over.
    pub(super) fn end_hold(&mut self, key: Key, now: At, out: &mut Vec<Outcome>) {
        let hold = self.targets.get(&key).and_then(|target| target.more.as_ref()?.hold.as_ref());
        if hold.is_some_and(|(_, ends)| *ends <= now) {
            self.release(key, now, out);
        }
    }

    /// A dead node's verdict says who holds it.
    fn reword(&self, key: Key, out: &mut Vec<Outcome>) {
        let dead = |target: &Target| target.state == State::Dead && target.told == Told::Suspect;
        if self.targets.get(&key).is_some_and(|target| dead(target)) {
            out.push(Outcome::Verdict(key));
        }
    }
}
