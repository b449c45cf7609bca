//! The machine's state: plain data.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Failure, Kin, Node, Phase, Place, Rollout};
use crate::model::{ClientToken, Generation, Health, InstanceId, Name, NodeAddress, Slots};

/// A deployment's state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// The deployment.
    pub deployment: Name,
    /// Differs each time the deployment is begun anew, so that tokens of a former life are never used again.
    pub incarnation: String,
    /// Which instances are its own.
    pub kin: Kin,
    /// What is wanted.
    pub aim: Aim,
    /// Why everything is taken down, where that has a cause: the first.
    pub cause: Option<Failure>,
    /// How far the end is.
    pub closing: Closing,
    /// The fleets, in the description's order; those that are in it no more have no wanted nodes.
    pub fleets: Vec<Fleet>,
    /// Launches that are not settled.
    pub batches: BTreeMap<ClientToken, Batch>,
    /// Places that had no room, and until when that is believed.
    pub full: Vec<(Place, Timestamp)>,
    /// Whether nothing is to be launched, replaced or scaled down.
    pub paused: bool,
    /// Nodes that are not to be replaced.
    pub held: BTreeSet<NodeAddress>,
}

/// What is wanted of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aim {
    /// All nodes live.
    Live,
    /// Nothing is left.
    Terminated,
}

/// How far the end of a deployment is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Closing {
    /// Nodes are still to be taken down.
    #[default]
    Nodes,
    /// A last search is made.
    Proof,
    /// Groups and keys are removed.
    Shared,
    /// Nothing is left, or what is left was reported.
    Done,
}

/// What the machine must know of a fleet's description.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FleetPlan {
    /// Its name.
    pub name: Name,
    /// How many nodes.
    pub wanted: u32,
    /// Whether somebody said that there are to be no more: then surplus nodes go.
    pub exact: bool,
    /// With fewer the fleet has failed.
    pub at_least: u32,
    /// The fleets that must be ready before.
    pub after: Vec<Name>,
    /// Where to launch, the preferred first.
    pub places: Vec<Place>,
    /// Whether there are customizers.
    pub customizes: bool,
    /// Whether there are registrars.
    pub registers: bool,
    /// How long a node may take from launch to running.
    pub patience: Duration,
    /// How its nodes are replaced.
    pub health: Health,
    /// What its customizers would do; empty where they do not say.
    pub revision: String,
}

/// A fleet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fleet {
    /// Its description.
    pub plan: FleetPlan,
    /// Whether its image, key and group are ready.
    pub preparation: Preparation,
    /// Whether it was ready once: what it loses from then on is replaced for as long as it takes.
    pub raised: bool,
    /// Up to when its replacements have used up their launches.
    pub paced: Option<Timestamp>,
    /// When what waits to be launched is looked at again.
    pub wakes: Option<Timestamp>,
    /// How many delays are under way that look at what rests.
    pub alarms: u32,
    /// How its nodes come to its image, where they do.
    pub rollout: Option<Rollout>,
    /// When that is looked at again.
    pub rolls_at: Option<Timestamp>,
    /// Its nodes, by slot; slots from `wanted` on are surplus.
    pub nodes: BTreeMap<u32, Node>,
    /// What slots that are gone would take next: no launch has the token of a former one.
    pub gone: BTreeMap<u32, (Generation, u32)>,
}

/// How far a fleet's preparation is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preparation {
    /// Not asked for.
    #[default]
    Wanted,
    /// Asked for.
    Asked,
    /// Done.
    Done,
    /// Impossible.
    Failed(Failure),
}

/// A launch that is not settled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// The fleet.
    pub fleet: Name,
    /// The slots it fills.
    pub slots: Slots,
    /// The generation of each.
    pub generation: Generation,
    /// Which try at that generation, from 1.
    pub attempt: u32,
    /// Where.
    pub place: Place,
    /// When the intent was decided.
    pub since: Timestamp,
    /// How many calls failed in a row.
    pub tries: u32,
    /// Whether a call may have had an effect that nobody saw.
    pub doubtful: bool,
    /// What is being done about it.
    pub state: BatchState,
}

/// What is being done about a launch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchState {
    /// The call is under way, or a replay.
    Calling,
    /// A replay is due when its timer elapses.
    Waiting,
    /// It is being searched for by its token.
    Looking {
        /// What the searches have found. One may show a part of what was launched.
        found: BTreeMap<u32, InstanceId>,
        /// How many searches in a row found nothing new; some, a minute apart, are believed.
        empty: u32,
        /// When a search last counted: the same news twice is not two searches.
        counted: Option<Timestamp>,
        /// What is to become of the slots when nothing at all is found.
        otherwise: Otherwise,
    },
}

/// What is to become of slots for which a search found nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Otherwise {
    /// They are launched again.
    Launch,
    /// They are given up, for this reason.
    GiveUp(Failure),
    /// They are given up and reported: something is known to have been made.
    Report(Failure),
}

impl Fleet {
    /// The wanted nodes.
    pub fn wanted(&self) -> impl Iterator<Item = &Node> {
        self.nodes.range(..self.plan.wanted).map(|(_, node)| node)
    }

    fn count(&self, phase: Phase) -> u32 {
        u32::try_from(self.wanted().filter(|node| node.phase == phase).count()).unwrap_or(u32::MAX)
    }

    /// Whether enough of its nodes live, and none is still on its way.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        let live = self.count(Phase::Live);
        live >= self.required() && live + self.given_up() == self.plan.wanted && !self.is_rolling()
    }

    /// Whether too many of its nodes were given up. Those that an order took out of service are no failure.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.plan.wanted - self.given_up() < self.required()
    }

    /// How many are to live: no more than an order leaves in service.
    fn required(&self) -> u32 {
        let aside = self.wanted().filter(|node| node.is_set_aside()).count();
        let in_service = self.plan.wanted.saturating_sub(u32::try_from(aside).unwrap_or(u32::MAX));
        self.plan.at_least.min(in_service)
    }

    fn given_up(&self) -> u32 {
        self.count(Phase::Failed) + self.count(Phase::Quarantined)
    }

    /// Whether what comes after it can be replaced: enough of its nodes live, or none is on its way.
    pub(super) fn is_settled(&self) -> bool {
        let live = self.count(Phase::Live);
        live >= self.required() || live + self.given_up() == self.plan.wanted
    }

    /// Whether none of its nodes has, or may have, an instance.
    #[must_use]
    pub fn is_down(&self) -> bool {
        let is_out = |node: &Node| node.outgoing.as_ref().is_none_or(|outgoing| outgoing.leaked);
        self.nodes.values().all(|node| (node.phase == Phase::Terminated || node.leaked) && is_out(node))
    }

    /// The address of a slot.
    #[must_use]
    pub fn address(&self, slot: u32) -> NodeAddress {
        NodeAddress::new(self.plan.name.clone(), slot)
    }
}

impl Machine {
    /// A deployment that has nothing yet.
    #[must_use]
    pub fn new(deployment: Name, incarnation: String, plans: Vec<FleetPlan>) -> Self {
        let fleet = |plan: FleetPlan| Fleet {
            nodes: (0..plan.wanted).map(|slot| (slot, Node::default())).collect(),
            preparation: Preparation::default(),
            raised: false,
            paced: None,
            wakes: None,
            alarms: 0,
            rollout: None,
            rolls_at: None,
            gone: BTreeMap::new(),
            plan,
        };
        Self {
            deployment,
            kin: Kin { incarnations: vec![incarnation.clone()], ..Kin::default() },
            incarnation,
            aim: Aim::Live,
            cause: None,
            closing: Closing::default(),
            fleets: plans.into_iter().map(fleet).collect(),
            batches: BTreeMap::new(),
            full: Vec::new(),
            paused: false,
            held: BTreeSet::new(),
        }
    }

    /// The fleet of this name.
    #[must_use]
    pub fn fleet(&self, name: &Name) -> Option<&Fleet> {
        self.fleets.iter().find(|fleet| fleet.plan.name == *name)
    }

    pub(super) fn fleet_mut(&mut self, name: &Name) -> Option<&mut Fleet> {
        self.fleets.iter_mut().find(|fleet| fleet.plan.name == *name)
    }

    /// The node at this address.
    #[must_use]
    pub fn node(&self, address: &NodeAddress) -> Option<&Node> {
        self.fleet(&address.fleet)?.nodes.get(&address.slot)
    }

    pub(super) fn node_mut(&mut self, address: &NodeAddress) -> Option<&mut Node> {
        self.fleet_mut(&address.fleet)?.nodes.get_mut(&address.slot)
    }

    /// All nodes, with their addresses.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeAddress, &Node)> {
        self.fleets
            .iter()
            .flat_map(|fleet| fleet.nodes.iter().map(|(slot, node)| (fleet.address(*slot), node)))
    }

    /// Whether all fleets are ready.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.fleets.iter().all(|fleet| fleet.is_ready() && fleet.rollout.is_none())
    }

    /// Why the deployment cannot become ready, once it cannot.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        let halted = |fleet: &Fleet| fleet.rollout.as_ref()?.halted.clone();
        let Some(failed) = self.fleets.iter().find(|fleet| fleet.has_failed()) else {
            return self.fleets.iter().find_map(halted);
        };
        let has_failed = |node: &&Node| node.is_given_up() && !node.is_set_aside();
        let first = failed.wanted().filter(has_failed).find_map(|node| node.failure.as_ref());
        first.cloned()
    }
}
