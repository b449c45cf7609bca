//! Who is replaced, and when.

use super::target::{Charge, State, Target, Told, Urgency};
use super::{At, Key, Machine, Outcome};
use crate::monitor::What;

impl Target {
    /// Its place in the queue of those that are to be replaced, where it is one of them.
    fn wants(&self) -> Option<(Urgency, At)> {
        if !self.listens() || self.told >= Told::Leaving || self.hold().is_some() {
            return None;
        }
        match self.state {
            State::Dead => Some((Urgency::Dead, self.since)),
            _ => self.leaving().map(|leaving| (leaving.urgency, leaving.since)),
        }
    }
}

impl Machine {
    /// Puts the node into its fleet's queue, or takes it out.
    pub(super) fn queue(&mut self, key: Key, now: At, out: &mut Vec<Outcome>) {
        let Some(target) = self.targets.get_mut(&key) else { return };
        if target.state == State::Dead && target.told == Told::Leaving && target.hold().is_none() {
            // Its replacement is under way and paid for.
            return self.decide(key, Told::Replace, now, out);
        }
        let (place, wanted, zone) = (target.place(), target.wants(), target.zone);
        if place == wanted {
            return;
        }
        self.leave_queue(key);
        let Some(target) = self.targets.get_mut(&key) else { return };
        if let Some((urgency, at)) = wanted {
            target.more().place = wanted;
            self.fleets[key.fleet as usize].zone(zone).waiting.insert((urgency, at, key.slot));
            self.queued.push(key);
        }
        self.touch(key);
    }

    pub(super) fn leave_queue(&mut self, key: Key) {
        let Some(target) = self.targets.get_mut(&key) else { return };
        let place = target.more.as_mut().and_then(|more| more.place.take());
        if let Some((urgency, at)) = place {
            let zone = self.fleets[key.fleet as usize].zone(target.zone);
            zone.waiting.remove(&(urgency, at, key.slot));
        }
    }

    /// Lets as many be replaced as may be.
    pub(super) fn admit(&mut self, now: At, out: &mut Vec<Outcome>) {
        for number in std::mem::take(&mut self.touched) {
            self.weigh(number, out);
            while self.sight.blind.is_none()
                && let Some(slot) = self.fleets[number as usize].left_dead()
            {
                self.decide(Key { fleet: number, slot }, Told::Replace, now, out);
            }
            while self.sight.blind.is_none()
                && let Some((urgency, slot, zone)) = self.fleets[number as usize].next()
            {
                let key = Key { fleet: number, slot };
                self.leave_queue(key);
                self.charge(key, Charge::Zone(zone));
                let verdict = if urgency == Urgency::Dead { Told::Replace } else { Told::Leaving };
                self.decide(key, verdict, now, out);
            }
        }
        self.touched.clear();
        for key in std::mem::take(&mut self.queued) {
            if let Some(target) = self.targets.get(&key).filter(|target| target.place().is_some()) {
                let told = target.told;
                out.push(Outcome::Tell(Some(key), What::Waits(self.why_waiting(key))));
                if told == Told::Suspect {
                    // What it is suspected of has become more.
                    out.push(Outcome::Verdict(key));
                }
            }
        }
    }

    fn weigh(&mut self, number: u32, out: &mut Vec<Outcome>) {
        let fleet = &mut self.fleets[number as usize];
        if !fleet.weigh() {
            return;
        }
        let name = fleet.name.clone();
        let what = match fleet.cautious {
            Some(at_a_time) => {
                What::Cautious { fleet: name, unhealthy: fleet.unhealthy, limit: fleet.limit(), at_a_time }
            }
            None => What::Calm { fleet: name },
        };
        out.push(Outcome::Tell(None, what));
    }

    /// Says it, and stays with it.
    fn decide(&mut self, key: Key, verdict: Told, now: At, out: &mut Vec<Outcome>) {
        self.leave_queue(key);
        let Some(target) = self.targets.get_mut(&key) else { return };
        (target.told, target.since) = (verdict, now);
        let what = match target.leaving().filter(|_| verdict == Told::Leaving) {
            Some(leaving) => What::Leaving { why: leaving.why.clone(), by: leaving.by },
            None => What::Replace(target.why().to_owned()),
        };
        out.extend([Outcome::Verdict(key), Outcome::Tell(Some(key), what)]);
        if verdict == Told::Replace {
            self.unschedule(key);
        }
        self.recount(key);
    }

    /// Why the node is not replaced yet.
    pub(super) fn why_waiting(&self, key: Key) -> String {
        let fleet = &self.fleets[key.fleet as usize];
        if let Some(blind) = &self.sight.blind {
            return format!("the monitor is blind: {blind}");
        }
        if let Some(at_a_time) = fleet.cautious {
            let (unhealthy, nodes) = (fleet.unhealthy, fleet.nodes);
            return format!("{unhealthy} of {nodes} nodes are unhealthy, {at_a_time} at a time is replaced");
        }
        format!("{} of its fleet are being replaced, {} may be at a time", fleet.in_flight, fleet.allowed())
    }
}
