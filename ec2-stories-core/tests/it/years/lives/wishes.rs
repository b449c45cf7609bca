//! What operators want, as far as it says what may happen and what must not.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ec2_stories_core::model::{Generation, ImageId, Name, NodeAddress};
use tokio::time::Instant;

use super::body::Body;

/// What was decided before an order was taken up may still be asked for so long.
const BEGUN: Duration = Duration::from_secs(300);

#[derive(Debug)]
pub(super) struct Wishes {
    /// How many nodes each fleet is to have, and the most that it ever was to have.
    wanted: BTreeMap<Name, (u32, u32)>,
    pub(super) image: ImageId,
    /// When a node's instance was last ordered to go.
    sent: BTreeMap<NodeAddress, Instant>,
    holds: BTreeMap<NodeAddress, Instant>,
    quarantine: BTreeMap<NodeAddress, Instant>,
    paused: Option<Instant>,
    /// Generations that were asked for.
    begun: BTreeSet<(NodeAddress, Generation)>,
}

impl Wishes {
    pub(super) fn new(wanted: impl IntoIterator<Item = (Name, u32)>, image: ImageId) -> Self {
        Self {
            wanted: wanted.into_iter().map(|(fleet, nodes)| (fleet, (nodes, nodes))).collect(),
            image,
            sent: BTreeMap::new(),
            holds: BTreeMap::new(),
            quarantine: BTreeMap::new(),
            paused: None,
            begun: BTreeSet::new(),
        }
    }

    pub(super) fn wanted(&self, fleet: &Name) -> u32 {
        self.wanted.get(fleet).map_or(0, |(now, _)| *now)
    }

    /// The most that the fleet's budgets were ever counted of.
    pub(super) fn most(&self, fleet: &Name) -> u32 {
        self.wanted.get(fleet).map_or(0, |(_, most)| *most)
    }

    /// Every node that is to be.
    pub(super) fn nodes(&self) -> BTreeSet<NodeAddress> {
        let of = |(fleet, (now, _)): (&Name, &(u32, u32))| {
            let fleet = fleet.clone();
            (0..*now).map(move |slot| NodeAddress::new(fleet.clone(), slot))
        };
        self.wanted.iter().flat_map(of).collect()
    }

    /// The nodes beyond the fewer ones may go.
    pub(super) fn scale(&mut self, fleet: &Name, nodes: u32) {
        let Some((now, most)) = self.wanted.get_mut(fleet) else { return };
        for slot in nodes..*now {
            let node = NodeAddress::new(fleet.clone(), slot);
            // Its quarantine goes with it.
            self.quarantine.remove(&node);
            self.sent.insert(node, Instant::now());
        }
        (*now, *most) = (nodes, nodes.max(*most));
    }

    /// Whatever instance the node has may go.
    pub(super) fn send(&mut self, node: &NodeAddress) {
        self.sent.insert(node.clone(), Instant::now());
    }

    pub(super) fn hold(&mut self, node: &NodeAddress, until: Instant) {
        self.holds.insert(node.clone(), until);
    }

    pub(super) fn quarantine(&mut self, node: &NodeAddress) {
        self.quarantine.insert(node.clone(), Instant::now());
    }

    /// An order that ends a quarantine, and no hold.
    pub(super) fn lift(&mut self, node: &NodeAddress) {
        self.quarantine.remove(node);
    }

    /// Who is held or in quarantine.
    pub(super) fn restrained(&self) -> Vec<NodeAddress> {
        self.holds.keys().chain(self.quarantine.keys()).cloned().collect()
    }

    pub(super) fn release(&mut self, node: &NodeAddress) {
        self.holds.remove(node);
        self.quarantine.remove(node);
    }

    pub(super) fn pause(&mut self, paused: bool) {
        self.paused = paused.then(Instant::now);
    }

    /// Whether operators wanted this instance gone; an order may have been read late, by a controller that launched before.
    pub(super) fn sent(&self, body: &Body, late: Duration) -> bool {
        let ordered = self.sent.get(&body.node).is_some_and(|at| body.launched <= *at + late);
        ordered || body.node.slot >= self.wanted(&body.node.fleet)
    }

    /// What forbids that an instance is terminated whose end nobody asked for before.
    pub(super) fn forbids_end(&self, body: &Body) -> Option<&'static str> {
        let now = Instant::now();
        if self.holds.get(&body.node).is_some_and(|until| now < *until) {
            return Some("held, and terminated");
        }
        self.is_paused().then_some("terminated during a pause")
    }

    fn is_paused(&self) -> bool {
        self.paused.is_some_and(|since| since.elapsed() > BEGUN)
    }

    /// Notes that a generation is asked for; says what forbids it.
    pub(super) fn begin(&mut self, node: &NodeAddress, generation: Generation) -> Option<&'static str> {
        if !self.begun.insert((node.clone(), generation)) {
            return None;
        }
        if self.quarantine.get(node).is_some_and(|since| since.elapsed() > BEGUN) {
            return Some("launched in quarantine");
        }
        self.is_paused().then_some("launched during a pause")
    }
}
