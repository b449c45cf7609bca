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
    pub(super) fn watch(
        &mut self,
        key: Key,
        zone: u32,
        generation: Generation,
        was_live: bool,
        now: At,
        out: &mut Vec<Outcome>,
    ) {
        let (mut charge, mut hold) = (Charge::None, None);
        if let Some(known) = self.targets.get_mut(&key) {
            if known.generation > generation {
                return;
            }
            hold = known.more.as_mut().and_then(|more| more.hold.take());
            if known.generation == generation && known.told >= Told::Leaving {
                // Whoever was to replace it has thought better of it.
                self.discharge(key);
            }
            charge = self.targets.get(&key).map_or(Charge::None, |known| known.charge);
            self.erase(key);
        }
        self.watches = self.watches.wrapping_add(1);
        let mut target = Box::new(Target::new(generation, self.watches, zone, now));
        (target.charge, target.was_live, target.spell) = (charge, was_live, self.sight.spell);
        if hold.is_some() {
            target.more().hold = hold;
        }
        self.targets.insert(key, target);
        if !self.fleets[key.fleet as usize].probed {
            out.push(Outcome::Ask(key));
        }
        self.settle(key, now, out);
    }

    pub(super) fn replacing(&mut self, key: Key, generation: Generation, now: At) {
        let charge = match self.targets.get(&key) {
            Some(known) if known.generation > generation || known.told >= Told::Leaving => return,
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
        if target.listens() && target.told < Told::Leaving && target.leaving().is_none() {
            let leaving = Leaving { why: why.to_owned(), by, urgency: Urgency::Wanted, since: now };
            target.more().leaving = Some(leaving);
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
