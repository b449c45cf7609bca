//! Upwards: start order, and what is launched when.

use std::time::Duration;

use jiff::Timestamp;

use super::launch::{FULL, token};
use super::{
    Action, Admission, Aim, Batch, BatchState, Failure, Fleet, Machine, Node, Outcome, Outgoing, Phase,
    Place, Preparation, Timer,
};
use crate::ErrorKind;
use crate::model::{Name, NodeAddress, Slots};

/// What a fleet may launch at once to replace what it lost, and then each second: half of what EC2 gives back
/// (<https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html>).
const BURST: u32 = 50;
const SECOND: Duration = Duration::from_secs(1);

impl Fleet {
    /// Whether the fleet was ready once, as far as a recovered state tells.
    pub(super) fn has_lived(&self) -> bool {
        let steps = self.plan.customizes || self.plan.registers;
        let lived = |node: &&Node| node.told.0 > 0 || (!steps && node.generation.0 > 0);
        let had = self.wanted().filter(|node| node.generation.0 > 0).count();
        let enough = usize::try_from(self.plan.at_least).unwrap_or(usize::MAX);
        // Where somebody said how many there are to be, it may have been ready with fewer.
        let enough = if self.plan.exact { enough.min(had) } else { enough }.max(1);
        self.wanted().filter(lived).count() >= enough
    }

    /// Whether a replacement is to go on that was begun before a restart: the fleet misses a node that had an instance.
    fn was_raised(&self) -> bool {
        let misses = |node: &Node| node.instance.is_none() && (self.plan.exact || node.generation.0 > 0);
        self.wanted().any(misses) && self.has_lived()
    }

    /// Keeps of the missing those that may be launched now; the rest is looked at again soon.
    fn pace(&mut self, missing: &mut Vec<u32>, now: Timestamp, out: &mut Outcome) {
        let used = self.paced.map_or(now, |until| until.clamp(now, now + SECOND * BURST));
        let ahead = Duration::try_from(used.duration_since(now)).unwrap_or_default();
        let mut free = BURST.saturating_sub(u32::try_from(ahead.as_secs()).unwrap_or(u32::MAX));
        let (mut taken, before) = (0, missing.len());
        missing.retain(|slot| {
            let replaces = self.raised && self.nodes.get(slot).is_some_and(|node| node.generation.0 > 0);
            if replaces && free == 0 {
                return false;
            }
            (free, taken) = if replaces { (free - 1, taken + 1) } else { (free, taken) };
            true
        });
        self.paced = Some(used + SECOND * taken);
        if missing.len() < before && self.wakes.is_none_or(|at| at <= now) {
            self.wakes = Some(now + SECOND);
            self.alarms += 1;
            out.actions.push(Action::Delay { timer: Timer::Relaunch(self.plan.name.clone()), by: SECOND });
        }
    }
}

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
        if !self.paused {
            self.ask_for_lost(out);
        }
        self.full.retain(|(_, until)| *until > now && *until <= now + FULL);
        // Nodes that are given up here can make a fleet ready, and start the next; hence once for each fleet.
        for _ in 0..self.fleets.len() {
            for index in 0..self.fleets.len() {
                if let Preparation::Failed(failure) = self.fleets[index].preparation.clone() {
                    // What it loses cannot be launched again.
                    self.give_up_unlaunched(index, &failure, now, out);
                } else if !self.paused && self.may_start(&self.fleets[index]) {
                    self.launch_missing(index, now, out);
                }
            }
        }
        for index in 0..self.fleets.len() {
            self.customize_again(index, out);
            self.fleets[index].raised |= self.fleets[index].is_ready();
        }
    }

    fn may_start(&self, fleet: &Fleet) -> bool {
        // What was ready once need not be so all the time.
        let is_up =
            |before: &Fleet| before.is_ready() || (fleet.raised && before.raised && before.is_settled());
        fleet.preparation == Preparation::Done
            && fleet.plan.after.iter().all(|before| self.fleet(before).is_some_and(is_up))
    }

    /// One batch for all missing slots of a fleet; more only where their list is too long for a tag.
    fn launch_missing(&mut self, index: usize, now: Timestamp, out: &mut Outcome) {
        let fleet = &self.fleets[index];
        let missing = fleet.nodes.range(..fleet.plan.wanted).filter(|(_, node)| node.phase == Phase::Absent);
        let mut missing: Vec<u32> = missing.map(|(slot, _)| *slot).collect();
        missing.retain(|slot| !self.quarantine_absent(&self.fleets[index].address(*slot), out));
        missing.retain(|slot| self.fleets[index].nodes[slot].admission == Admission::Given);
        if missing.is_empty() {
            return;
        }
        let Some(place) = self.open_place(index) else {
            let name = &self.fleets[index].plan.name;
            let failure =
                Failure::new(ErrorKind::Capacity, format!("no room for fleet {name} in any place allowed"));
            self.give_up_unlaunched(index, &failure, now, out);
            return;
        };
        self.fleets[index].pace(&mut missing, now, out);
        for slots in batches(&missing) {
            self.begin(index, slots, place.clone(), now, out);
        }
    }

    /// A node without an instance that is to have none.
    fn quarantine_absent(&mut self, address: &NodeAddress, out: &mut Outcome) -> bool {
        let leaving = self.node_mut(address).and_then(|node| node.leaving.take());
        let Some(failure) = leaving.filter(|leaving| leaving.quarantine).map(|leaving| leaving.failure)
        else {
            return false;
        };
        self.enter_quarantine(address, failure, out);
        true
    }

    /// Asks for nodes that ended while nobody watched them; for all at once, so that whoever counts sees how many they are.
    fn ask_for_lost(&mut self, out: &mut Outcome) {
        let held = &self.held;
        for fleet in &mut self.fleets {
            for (slot, node) in fleet.nodes.range_mut(..fleet.plan.wanted) {
                let address = NodeAddress::new(fleet.plan.name.clone(), *slot);
                if node.admission == Admission::Wanted && !held.contains(&address) {
                    node.admission = Admission::Asked;
                    out.lost.push(address);
                }
            }
        }
    }

    pub(super) fn admitted(&mut self, address: &NodeAddress) {
        if let Some(node) = self.node_mut(address) {
            node.admission = Admission::Given;
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
    fn give_up_unlaunched(&mut self, index: usize, failure: &Failure, now: Timestamp, out: &mut Outcome) {
        let fleet = &self.fleets[index];
        let unlaunched = |node: &Node| matches!(node.phase, Phase::Absent | Phase::Resting);
        let waits = |slot: u32| fleet.raised && fleet.nodes[&slot].phase == Phase::Resting;
        let given_up = fleet.nodes.range(..fleet.plan.wanted).filter(|(_, node)| unlaunched(node));
        let given_up: Vec<u32> = given_up.map(|(slot, _)| *slot).filter(|slot| !waits(*slot)).collect();
        for slot in given_up {
            let address = self.fleets[index].address(slot);
            // What went wrong with this very node says more than what stopped the fleet.
            let known = self.node(&address).and_then(|node| node.failure.clone());
            self.give_up_node(&address, &known.unwrap_or_else(|| failure.clone()), now, out);
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
        let mut resting = Vec::new();
        for fleet in &mut self.fleets {
            if fleet.preparation == Preparation::Asked {
                fleet.preparation = Preparation::Wanted;
            }
            (fleet.wakes, fleet.alarms) = (None, 0);
            fleet.raised |= fleet.was_raised();
            if !fleet.has_lived() {
                // Nobody has relied on it.
                fleet.nodes.values_mut().for_each(|node| node.admission = Admission::Given);
            }
            for (slot, node) in &mut fleet.nodes {
                let address = NodeAddress::new(fleet.plan.name.clone(), *slot);
                let Some(instance) = node.instance.clone() else {
                    match &node.outgoing {
                        _ if matches!(node.phase, Phase::Resting | Phase::Absent) => resting.push(address),
                        // Nothing comes after it that it could wait for.
                        Some(Outgoing { instance, leaked: false, .. })
                            if node.phase == Phase::Quarantined =>
                        {
                            let instance = instance.clone();
                            out.actions.push(Action::Replace { node: address, instance });
                        }
                        _ => {}
                    }
                    continue;
                };
                node.leaving.take_if(|leaving| !leaving.asked && node.phase != Phase::Terminating);
                if node.phase == Phase::Terminating && node.leaving.is_some() {
                    out.actions.push(Action::Replace { node: address, instance });
                } else if node.phase == Phase::Terminating {
                    out.actions.push(Action::Terminate { nodes: vec![(address, instance)] });
                } else if node.phase != Phase::Failed {
                    node.phase = Phase::Pending;
                    out.entered.push((address.clone(), Phase::Pending));
                    let patience = node.patience(&fleet.plan, now);
                    out.actions.push(Action::Await { node: address, instance, patience });
                }
            }
        }
        self.resume_ends(out);
        for address in resting {
            self.rest_on(&address, now, out);
        }
    }

    /// What was to rest goes on with that.
    fn rest_on(&mut self, address: &NodeAddress, now: Timestamp, out: &mut Outcome) {
        let Some(fleet) = self.fleet_mut(&address.fleet) else { return };
        let (health, surplus) = (fleet.plan.health.clone(), address.slot >= fleet.plan.wanted);
        let Some(node) = fleet.nodes.get_mut(&address.slot) else { return };
        let by = node.rest_left(&health, now);
        if surplus || by.is_zero() {
            node.phase = Phase::Absent;
        } else {
            self.rest_for(address, by, now, out);
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
