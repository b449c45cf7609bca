//! What operators can order, from wherever they are.

use ec2_stories_core::model::{Name, NodeAddress};
use ec2_stories_core::provider::Hold;
use ec2_stories_core::{Deployment, Result, Running};

#[derive(Clone, Debug)]
pub(super) enum Order {
    Scale(Name, u32),
    Pause,
    Resume,
    Hold(NodeAddress, Hold),
    Release(NodeAddress),
    Quarantine(NodeAddress),
    Replace(NodeAddress),
}

impl Order {
    /// By the controller's handle: it is taken up when this returns.
    pub(super) async fn give(&self, to: &Running) -> Result<()> {
        match self.clone() {
            Self::Scale(fleet, nodes) => to.scale(&fleet, nodes).await,
            Self::Pause => to.pause("ada", "a look at it").await,
            Self::Resume => to.resume().await,
            Self::Hold(node, hold) => to.hold(&node, hold).await,
            Self::Release(node) => to.release(&node).await,
            Self::Quarantine(node) => to.quarantine(&node, "it behaves oddly").await,
            Self::Replace(node) => to.replace(&node, "its disk is old").await,
        }
    }

    /// From another process: the controller reads it later.
    pub(super) async fn write(&self, to: &Deployment) -> Result<()> {
        match self.clone() {
            Self::Scale(fleet, nodes) => to.scale(&fleet, nodes).await,
            Self::Pause => to.pause("ada", "a look at it").await,
            Self::Resume => to.resume().await,
            Self::Hold(node, hold) => to.hold(&node, hold).await,
            Self::Release(node) => to.release(&node).await,
            Self::Quarantine(node) => to.quarantine(&node, "it behaves oddly").await,
            Self::Replace(node) => to.replace(&node, "its disk is old").await,
        }
    }
}
