//! What a test means to leave.

use crate::sim::Sim;

impl Sim {
    /// Says that a resource is meant to stay, such as an image that later deployments use:
    /// [`leaks`](Self::leaks) does not list it. With an image, its snapshots stay.
    pub fn keep(&self, id: &str) {
        self.world().kept.insert(id.to_owned());
    }
}
