//! Whose an instance is that carries the deployment's tag.

use super::{Machine, Phase};
use crate::model::{ClientToken, Generation, Instance};

/// Whose an instance is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Its tags name no node.
    NoNodes,
    /// A launch made it that is not settled yet.
    OpenLaunchs,
    /// It is its node's instance.
    Current,
    /// It is its node's until the next one lives.
    Outgoing,
    /// Later than all that its node is known to have had; or the last of them, and the node has none now.
    Later,
    /// Earlier than its node's, or of a node that is to have none.
    Older,
    /// Of the generation of its node's instance, and another.
    Twin,
}

impl Machine {
    /// Whose this instance is, by its tags. `is_open` says which launches are not settled.
    pub fn whose(&self, instance: &Instance, is_open: impl Fn(&ClientToken) -> bool) -> Whose {
        let Some((owner, address)) = instance.ownership().zip(instance.node()) else { return Whose::NoNodes };
        if instance.token.as_ref().is_some_and(is_open) {
            return Whose::OpenLaunchs;
        }
        let fleet = self.fleet(&address.fleet);
        let Some(node) = fleet.and_then(|fleet| fleet.nodes.get(&address.slot)) else {
            let next = fleet.and_then(|fleet| fleet.gone.get(&address.slot)).map(|(next, _)| *next);
            // A slot goes once all that it had has ended.
            return if next > Some(owner.generation) { Whose::Older } else { Whose::Later };
        };
        let is_outgoing = || node.outgoing.as_ref().is_some_and(|outgoing| outgoing.instance == instance.id);
        let vacant = node.instance.is_none();
        match owner.generation {
            _ if node.instance.as_ref() == Some(&instance.id) => Whose::Current,
            _ if is_outgoing() => Whose::Outgoing,
            this if node.phase == Phase::Quarantined && this <= node.generation => Whose::Older,
            this if this > node.generation || (vacant && this == node.generation) => Whose::Later,
            this if this < node.generation => Whose::Older,
            Generation(_) => Whose::Twin,
        }
    }
}
