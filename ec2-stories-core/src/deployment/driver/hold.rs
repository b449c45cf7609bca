//! Holds: kept here, and passed on to the monitor.

use super::Context;
use crate::ErrorKind;
use crate::model::NodeAddress;
use crate::provider::Hold;

impl Context {
    /// Nobody replaces the node meanwhile.
    pub(super) async fn hold(&self, node: &NodeAddress, hold: Hold) {
        self.known().holds.insert(node.clone(), hold.clone());
        if let Some(monitor) = &self.monitor
            && let Err(error) = monitor.hold(node, hold).await
            // One that is not watched yet is held here all the same.
            && error.kind() != ErrorKind::NotFound
        {
            self.problem(Some(node), error.chain());
        }
    }

    /// The hold has ended.
    pub(super) async fn unhold(&self, node: &NodeAddress) {
        self.known().holds.remove(node);
        if let Some(monitor) = &self.monitor
            && let Err(error) = monitor.release(node).await
        {
            self.problem(Some(node), error.chain());
        }
    }
}
