//! Watching nodes: probe results and the cloud's word in, verdicts out.

mod canary;
mod event;
mod snapshot;

pub use canary::Canary;
pub use event::{HealthEvent, What};
pub use snapshot::{Checked, FleetHealth, HealthState, NodeHealth, Snapshot};
