//! Upwards: start order, and what is launched when.

use std::time::Duration;

use jiff::Timestamp;

use super::launch::token;
use super::{
    Action, Aim, Batch, BatchState, Failure, Fleet, Machine, Outcome, Phase, Place, Preparation, Timer,
};
use crate::ErrorKind;
use crate::model::{Name, Slots};

impl Machine {
    /// Asks for whatever is due: preparation once, then each fleet's missing nodes once those before it are ready.
    pub(super) fn raise(&mut self, now: Timestamp, out: &mut Outcome) {
        let mut prepare = false;
        for fleet in &mut self.fleets {
            if fleet.plan.wanted > 0 && fleet.preparation == Preparation::Wanted {
                fleet.preparation = Preparation::Asked;
                prepare = true;
            }
        }
        if prepare {
            out.actions.push(Action::Prepare);
        }
        self.full.retain(|(_, until)| *until > now);
        // Nodes that are given up here can make a fleet ready, and start the next; hence once for each fleet.
        for _ in 0..self.fleets.len() {
            for index in 0..self.fleets.len() {
                if let Preparation::Failed(failure) = self.fleets[index].preparation.clone() {
                    // What it loses cannot be launched again.
                    let name = self.fleets[index].plan.name.clone();
                    self.give_up_unlaunched(&name, &failure, out);
                } else if self.may_start(&self.fleets[index]) {
                    self.launch_missing(index, now, out);
                }
            }
        }
    }

    fn may_start(&self, fleet: &Fleet) -> bool {
        fleet.preparation == Preparation::Done
            && fleet.plan.after.iter().all(|before| self.fleet(before).is_some_and(Fleet::is_ready))
    }

    /// One batch for all missing slots of a fleet; more only where their list is too long for a tag.
    fn launch_missing(&mut self, index: usize, now: Timestamp, out: &mut Outcome) {
        let fleet = &self.fleets[index];
        let missing = fleet.nodes.range(..fleet.plan.wanted).filter(|(_, node)| node.phase == Phase::Absent);
        let missing: Vec<u32> = missing.map(|(slot, _)| *slot).collect();
        if missing.is_empty() {
            return;
        }
        let Some(place) = self.open_place(index) else {
            let name = self.fleets[index].plan.name.clone();
            let failure =
                Failure::new(ErrorKind::Capacity, format!("no room for fleet {name} in any place allowed"));
            self.give_up_unlaunched(&name, &failure, out);
            return;
        };
        for slots in batches(&missing) {
            self.begin(index, slots, place.clone(), now, out);
        }
    }

    /// Takes out places of a fleet that cannot be used.
    pub fn pass_over(&mut self, fleet: &Name, unusable: &[Place]) {
        if let Some(fleet) = self.fleet_mut(fleet) {
            fleet.plan.places.retain(|place| !unusable.contains(place));
        }
    }

    fn open_place(&self, index: usize) -> Option<Place> {
        let full = |place: &&Place| self.full.iter().any(|(known, _)| known == *place);
        self.fleets[index].plan.places.iter().find(|place| !full(place)).cloned()
    }

    fn begin(&mut self, index: usize, slots: Slots, place: Place, now: Timestamp, out: &mut Outcome) {
        let fleet = &mut self.fleets[index];
        // The highest of what its slots would take next: skipping a generation is harmless, reusing one is not.
        let next = slots.iter().filter_map(|slot| fleet.nodes.get(&slot)).map(|node| node.next).max();
        let Some((generation, attempt)) = next else { return };
        for slot in slots.iter() {
            if let Some(node) = fleet.nodes.get_mut(&slot) {
                node.next = (generation, attempt + 1);
                node.phase = Phase::Launching;
            }
            out.entered.push((fleet.address(slot), Phase::Launching));
        }
        let name = fleet.plan.name.clone();
        let token = token(&self.deployment, &self.incarnation, &name, &slots, generation, attempt);
        let batch = Batch {
            fleet: name,
            slots,
            generation,
            attempt,
            place,
            since: now,
            tries: 0,
            doubtful: false,
            state: BatchState::Calling,
        };
        self.batches.insert(token.clone(), batch);
        out.actions.push(Action::Launch { token, call: 0 });
    }

    pub(super) fn prepared(&mut self, fleet: &Name, outcome: Preparation) {
        if let Some(fleet) = self.fleet_mut(fleet)
            && fleet.preparation == Preparation::Asked
        {
            fleet.preparation = outcome;
        }
    }

    /// Gives up the nodes of a fleet that have no instance and none under way.
    pub(super) fn give_up_unlaunched(&mut self, name: &Name, failure: &Failure, out: &mut Outcome) {
        if self.aim == Aim::Terminated {
            return;
        }
        let Some(fleet) = self.fleet_mut(name) else { return };
        let wanted = fleet.plan.wanted;
        let name = fleet.plan.name.clone();
        for (slot, node) in fleet.nodes.range_mut(..wanted) {
            if matches!(node.phase, Phase::Absent | Phase::Resting) {
                node.phase = Phase::Failed;
                // What went wrong with this very node says more than what stopped the fleet.
                let failure = node.failure.get_or_insert_with(|| failure.clone()).clone();
                let address = crate::model::NodeAddress::new(name.clone(), *slot);
                out.entered.push((address.clone(), Phase::Failed));
                out.problems.push((address, failure));
            }
        }
    }

    /// Takes up a state that was recovered: repeats what was under way.
    pub(super) fn resume(&mut self, now: Timestamp, out: &mut Outcome) {
        for (token, batch) in &mut self.batches {
            match batch.state {
                BatchState::Looking { .. } => out.actions.push(Action::Look { token: token.clone() }),
                BatchState::Calling | BatchState::Waiting => {
                    // A call may have been under way when the state was saved.
                    batch.doubtful = true;
                    batch.state = BatchState::Waiting;
                    let timer = Timer::Launch(token.clone());
                    out.actions.push(Action::Delay { timer, by: Duration::ZERO });
                }
            }
        }
        if self.aim == Aim::Terminated {
            self.resume_end(out);
            return;
        }
        for fleet in &mut self.fleets {
            if fleet.preparation == Preparation::Asked {
                fleet.preparation = Preparation::Wanted;
            }
            for (slot, node) in &mut fleet.nodes {
                let address = crate::model::NodeAddress::new(fleet.plan.name.clone(), *slot);
                let Some(instance) = node.instance.clone() else {
                    if node.phase == Phase::Resting {
                        node.phase = Phase::Absent;
                    }
                    continue;
                };
                if node.phase == Phase::Terminating {
                    out.actions.push(Action::Terminate { nodes: vec![(address, instance)] });
                } else if node.phase != Phase::Failed {
                    node.phase = Phase::Pending;
                    out.entered.push((address.clone(), Phase::Pending));
                    let patience = node.patience(&fleet.plan, now);
                    out.actions.push(Action::Await { node: address, instance, patience });
                }
            }
        }
    }
}

/// Cuts slots into batches whose text fits into one tag.
fn batches(slots: &[u32]) -> Vec<Slots> {
    let whole = Slots::new(slots.iter().copied());
    if whole.to_string().len() <= Slots::MAX_TEXT || slots.len() < 2 {
        return vec![whole];
    }
    let (low, high) = slots.split_at(slots.len() / 2);
    [batches(low), batches(high)].concat()
}
