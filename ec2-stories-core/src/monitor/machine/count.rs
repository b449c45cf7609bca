//! Who is counted where.

use super::target::{Charge, Counted, State, Target, Told};
use super::{At, Key, Machine};

impl Target {
    fn counts(&self, probed: bool) -> Counted {
        let present = self.state != State::Quarantined;
        let ill = matches!(self.state, State::Suspect | State::Dead);
        let visible = probed
            && matches!(self.state, State::Live | State::Suspect | State::Dead)
            && !self.definitive
            && self.told != Told::Replace;
        let goes = self.told >= Told::Leaving || self.charge != Charge::None;
        Counted {
            present,
            unhealthy: present && (ill || goes),
            held: present && ill && !goes && self.hold().is_some(),
            visible,
            // What the cloud says too is not the watcher's imagination.
            failing: visible && ill && self.failing && self.impaired == At::NEVER,
        }
    }
}

impl Machine {
    /// Counts the node where it belongs now.
    pub(super) fn recount(&mut self, key: Key) {
        let probed = self.fleets[key.fleet as usize].probed;
        let Some(target) = self.targets.get_mut(&key) else { return };
        let (old, new, zone) = (target.counted, target.counts(probed), target.zone);
        if old != new {
            target.counted = new;
            self.move_between(key, zone, old, new);
        }
    }

    /// Counts the node nowhere.
    pub(super) fn uncount(&mut self, key: Key) {
        if let Some(target) = self.targets.get_mut(&key) {
            let (old, zone) = (std::mem::take(&mut target.counted), target.zone);
            self.move_between(key, zone, old, Counted::default());
        }
    }

    fn move_between(&mut self, key: Key, zone: u32, old: Counted, new: Counted) {
        let step = |old: bool, new: bool| i8::from(new) - i8::from(old);
        let add = |count: &mut u32, by: i8| *count = count.saturating_add_signed(by.into());
        let fleet = &mut self.fleets[key.fleet as usize];
        add(&mut fleet.nodes, step(old.present, new.present));
        add(&mut fleet.zone(zone).nodes, step(old.present, new.present));
        add(&mut fleet.unhealthy, step(old.unhealthy, new.unhealthy));
        add(&mut fleet.held, step(old.held, new.held));
        let (visible, failing) = (step(old.visible, new.visible), step(old.failing, new.failing));
        if (visible, failing) != (0, 0) {
            self.sight.count(zone, visible, failing);
        }
        self.touch(key);
    }

    /// The node's replacement is under way.
    pub(super) fn charge(&mut self, key: Key, charge: Charge) {
        self.discharge(key);
        let Some(target) = self.targets.get_mut(&key) else { return };
        target.charge = charge;
        let fleet = &mut self.fleets[key.fleet as usize];
        fleet.in_flight += 1;
        if let Charge::Zone(zone) = charge {
            fleet.zone(zone).in_flight += 1;
        }
        self.touch(key);
    }

    /// The node's replacement is under way no more; whether it was.
    pub(super) fn discharge(&mut self, key: Key) -> bool {
        let Some(target) = self.targets.get_mut(&key) else { return false };
        let charge = std::mem::replace(&mut target.charge, Charge::None);
        if charge == Charge::None {
            return false;
        }
        let fleet = &mut self.fleets[key.fleet as usize];
        fleet.in_flight = fleet.in_flight.saturating_sub(1);
        if let Charge::Zone(zone) = charge {
            let zone = fleet.zone(zone);
            zone.in_flight = zone.in_flight.saturating_sub(1);
        }
        self.touch(key);
        true
    }

    pub(super) fn touch(&mut self, key: Key) {
        if !self.touched.contains(&key.fleet) {
            self.touched.push(key.fleet);
        }
    }
}
