//! Whose an instance is that carries the deployment's tag.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::launch::token;
use super::{Machine, Phase};
use crate::model::{ClientToken, Generation, Instance, Ownership};

/// By what the deployment's own launches are told from those of another of its name that has a journal of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kin {
    /// The journal's lives, the present one first: each launch's token follows from its life and its tags.
    pub incarnations: Vec<String>,
    /// Launches of a journal that was lost, which this one found when it began.
    pub inherited: BTreeSet<ClientToken>,
    /// Whether nothing but the tags is to tell: whatever carries them is the deployment's.
    pub by_tags: bool,
}

impl Kin {
    /// Whether the deployment launched the instance.
    #[must_use]
    pub fn launched(&self, instance: &Instance) -> bool {
        if self.by_tags {
            return true;
        }
        let Some(its) = &instance.token else { return false };
        let follows = |Ownership { deployment, fleet, slots, generation, attempt, .. }: Ownership| {
            let of = |life: &String| token(&deployment, life, &fleet, &slots, generation, attempt);
            self.incarnations.iter().any(|life| of(life) == *its)
        };
        self.inherited.contains(its) || instance.ownership().is_some_and(follows)
    }
}

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
    /// Another journal's: another deployment has the same name.
    Foreign,
}

impl Machine {
    /// Whose this instance is, by its tags. `is_open` says which launches are not settled.
    pub fn whose(&self, instance: &Instance, is_open: impl Fn(&ClientToken) -> bool) -> Whose {
        let is_foreign = || !self.kin.launched(instance);
        let Some((owner, address)) = instance.ownership().zip(instance.node()) else {
            return if is_foreign() { Whose::Foreign } else { Whose::NoNodes };
        };
        if instance.token.as_ref().is_some_and(is_open) {
            return Whose::OpenLaunchs;
        }
        let fleet = self.fleet(&address.fleet);
        let Some(node) = fleet.and_then(|fleet| fleet.nodes.get(&address.slot)) else {
            if is_foreign() {
                return Whose::Foreign;
            }
            let next = fleet.and_then(|fleet| fleet.gone.get(&address.slot)).map(|(next, _)| *next);
            // A slot goes once all that it had has ended.
            return if next > Some(owner.generation) { Whose::Older } else { Whose::Later };
        };
        let is_outgoing = || node.outgoing.as_ref().is_some_and(|outgoing| outgoing.instance == instance.id);
        let vacant = node.instance.is_none();
        match owner.generation {
            _ if node.instance.as_ref() == Some(&instance.id) => Whose::Current,
            _ if is_outgoing() => Whose::Outgoing,
            _ if is_foreign() => Whose::Foreign,
            this if node.phase == Phase::Quarantined && this <= node.generation => Whose::Older,
            this if this > node.generation || (vacant && this == node.generation) => Whose::Later,
            this if this < node.generation => Whose::Older,
            Generation(_) => Whose::Twin,
        }
    }
}
