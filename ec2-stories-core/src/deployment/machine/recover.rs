//! Rebuilding the state from what is known: a journal, and what a search by tag shows.

use jiff::Timestamp;

use super::{
    Admission, Batch, BatchState, Fleet, FleetPlan, Leaving, Machine, Node, Otherwise, Phase, Preparation,
};
use crate::model::{ClientToken, Generation, Health, InstanceId, Name, NodeAddress};

impl Machine {
    fn fleet_or_surplus(&mut self, name: &Name) -> &mut Fleet {
        let known = self.fleets.iter().position(|fleet| fleet.plan.name == *name);
        let index = known.unwrap_or_else(|| {
            // A fleet that the description has no more: nothing is wanted of it, its nodes are surplus.
            let plan = FleetPlan {
                name: name.clone(),
                wanted: 0,
                exact: false,
                at_least: 0,
                after: Vec::new(),
                places: Vec::new(),
                customizes: false,
                registers: false,
                patience: std::time::Duration::ZERO,
                health: Health::default(),
                revision: String::new(),
            };
            self.fleets.push(Fleet {
                plan,
                preparation: Preparation::Done,
                raised: false,
                paced: None,
                wakes: None,
                alarms: 0,
                rollout: None,
                rolls_at: None,
                nodes: Default::default(),
                gone: Default::default(),
            });
            self.fleets.len() - 1
        });
        &mut self.fleets[index]
    }

    /// The node at this address, surplus where the description does not want it.
    pub fn node_or_surplus(&mut self, address: &NodeAddress) -> &mut Node {
        self.fleet_or_surplus(&address.fleet).nodes.entry(address.slot).or_default()
    }

    /// An intent without an outcome: its slots wait for it. One that others were decided on top of is looked for, and never replayed;
    /// the latest must be recovered first, and what is settled before.
    pub fn recover_open(&mut self, token: ClientToken, batch: Batch) {
        let this = (batch.generation, batch.attempt);
        let mut overtaken = false;
        for slot in batch.slots.iter() {
            let node = self.node_or_surplus(&NodeAddress::new(batch.fleet.clone(), slot));
            if node.next > this {
                overtaken = true;
                continue;
            }
            node.instance = None;
            node.phase = Phase::Launching;
            node.next = (batch.generation, batch.attempt + 1);
        }
        // Written by a controller that was being replaced, or settled by one that could not write so: another launch was decided on
        // top of it. To replay it could launch once more for slots that have their instances.
        let look = BatchState::Looking {
            found: Default::default(),
            empty: 0,
            counted: None,
            otherwise: Otherwise::Launch,
        };
        let state = if overtaken { look } else { BatchState::Waiting };
        self.batches.insert(token, Batch { doubtful: true, state, ..batch });
    }

    /// A launch that is settled: the slot has this instance, or got none from it. `since` is when it was asked for.
    pub fn recover_settled(
        &mut self,
        address: &NodeAddress,
        generation: Generation,
        attempt: u32,
        instance: Option<InstanceId>,
        since: Timestamp,
    ) {
        let node = self.node_or_surplus(address);
        node.next = node.next.max((generation, attempt + 1));
        if let Some(instance) = instance
            && node.generation < generation
        {
            node.received(instance, generation);
            node.adopted = Some(since);
        }
    }

    /// The slot had, or has, an instance of this generation that is not to be its instance.
    pub fn recover_used(&mut self, address: &NodeAddress, generation: Generation) {
        let node = self.node_or_surplus(address);
        node.next = node.next.max((generation.next(), 1));
    }

    /// An instance that only its tags tell of. What was done on it is not known, and therefore done again, and undone.
    pub fn recover_adopted(
        &mut self,
        address: &NodeAddress,
        generation: Generation,
        instance: InstanceId,
        launched: Timestamp,
    ) {
        let plan = &self.fleet_or_surplus(&address.fleet).plan;
        let (touched, registering) = (plan.customizes, plan.registers);
        let node = self.node_or_surplus(address);
        node.received(instance, generation);
        (node.adopted, node.touched, node.registering) = (Some(launched), touched, registering);
    }

    /// Where the successor of an instance was not asked for yet, the instance is the node's own still.
    pub fn recover_outgoing(&mut self) {
        for node in self.fleets.iter_mut().flat_map(|fleet| fleet.nodes.values_mut()) {
            let Some(instance) = &node.instance else { continue };
            let Some(outgoing) = node.outgoing.take_if(|outgoing| outgoing.instance == *instance) else {
                continue;
            };
            // What somebody asked for is done; a monitor says it again.
            node.touched |= outgoing.touched;
            let (healthy, by) = (outgoing.healthy, outgoing.by);
            let again =
                |failure| Leaving { by, asked: true, beside: true, ..Leaving::because(failure, healthy) };
            node.leaving = node.leaving.take().or(outgoing.asked.map(again));
        }
    }

    /// The node's instance is about to end; the next one waits for that.
    pub fn recover_ending(&mut self, address: &NodeAddress) {
        let node = self.node_or_surplus(address);
        (node.phase, node.admission) = (Phase::Terminating, Admission::Wanted);
    }

    /// The node's instance is known to have ended.
    pub fn recover_ended(&mut self, address: &NodeAddress) {
        let node = self.node_or_surplus(address);
        node.instance = None;
        (node.phase, node.admission) = (Phase::Absent, Admission::Wanted);
        node.forget_steps();
    }
}
