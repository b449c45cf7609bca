//! An instance, and what is true of it.

use std::fmt;

use ec2_stories_core::model::{Generation, ImageId, NodeAddress};
use tokio::time::Instant;

use super::ground::Seen;

#[derive(Clone, Debug)]
pub(super) struct Body {
    pub(super) node: NodeAddress,
    pub(super) generation: Generation,
    pub(super) zone: String,
    pub(super) image: ImageId,
    pub(super) launched: Instant,
    pub(super) service: Service,
    /// When it was not as it should be last.
    pub(super) sick: Option<Instant>,
    /// It will be taken away, or does not come back by itself: it is to be replaced, however well it does its work.
    pub(super) condemned: bool,
    /// It has done its work at least once.
    pub(super) was_up: bool,
    /// It was launched from another image than the nodes were to have at some time since.
    pub(super) rolls: bool,
    /// Somebody has asked for its end.
    pub(super) asked: bool,
}

/// What a node is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    Up,
    /// It refuses.
    Crashed,
    /// It takes connections and says nothing.
    Hung,
}

impl Body {
    pub(super) fn born(seen: Seen) -> Self {
        let Seen { node, generation, zone, image, .. } = seen;
        Self {
            node,
            generation,
            zone,
            image,
            launched: Instant::now(),
            service: Service::Up,
            sick: None,
            condemned: false,
            was_up: false,
            rolls: false,
            asked: false,
        }
    }
}

impl fmt::Display for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "generation {} in {}, {:?}", self.generation, self.zone, self.service)?;
        if self.condemned { f.write_str(", condemned") } else { Ok(()) }
    }
}
