//! Replacements under way, by the controller's own decision: deaths and rollouts.

use std::collections::BTreeMap;

use ec2_stories_core::model::{Generation, NodeAddress};

/// The nodes whose old instance was taken away and whose new one is not up, with its zone and generation.
#[derive(Debug, Default)]
pub(super) struct Flights(BTreeMap<NodeAddress, (String, Generation)>);

impl Flights {
    /// Those that are up again are no more under way.
    pub(super) fn land(&mut self, is_up: impl Fn(&NodeAddress, Generation) -> bool) {
        self.0.retain(|node, (_, old)| !is_up(node, *old));
    }

    /// The node will not come back by itself.
    pub(super) fn give_up(&mut self, node: &NodeAddress) {
        self.0.remove(node);
    }

    /// `false` where the node was on its way already.
    pub(super) fn take_off(&mut self, node: &NodeAddress, zone: &str, generation: Generation) -> bool {
        self.0.insert(node.clone(), (zone.to_owned(), generation)).is_none()
    }

    /// Who is under way of a node's fleet; of one zone, where that is said.
    pub(super) fn beside(&self, node: &NodeAddress, zone: Option<&str>) -> Vec<&NodeAddress> {
        let is_here = |its: &str| zone.is_none_or(|zone| zone == its);
        let same = self.0.iter().filter(|(other, (its, _))| other.fleet == node.fleet && is_here(its));
        same.map(|(node, _)| node).collect()
    }
}
