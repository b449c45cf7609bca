//! Limits that no bug above them can exceed.

use serde::{Deserialize, Serialize};

/// What a deployment may do at most. The driver checks them just before each launch, whoever asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Nodes that have an instance at once.
    pub nodes: u32,
    /// Instances launched within any hour.
    pub launches_per_hour: u32,
    /// Instances launched in all, over the life of the journal.
    pub launches: u32,
}

impl Default for Limits {
    /// Room for a thousand nodes, each replaced once in an hour: far above what is meant, far below a disaster.
    fn default() -> Self {
        Self { nodes: 1_000, launches_per_hour: 2_000, launches: 10_000 }
    }
}
