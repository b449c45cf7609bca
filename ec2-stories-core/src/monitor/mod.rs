//! Watching nodes: probe results and the cloud's word in, verdicts out.
//!
//! [`machine`] decides, and does nothing else. The scheduler runs a hundred thousand probes in one process, asks the cloud in batches,
//! and feeds the answers to the machine. [`HealthMonitor`] is both behind the trait [`Monitor`](crate::provider::Monitor).
//!
//! ```
//! use std::sync::Arc;
//! use ec2_stories_core::memory::{MemoryCloud, ScriptedProbe};
//! use ec2_stories_core::model::{Health, Name};
//! use ec2_stories_core::monitor::HealthMonitor;
//!
//! # fn main() -> ec2_stories_core::Result<()> {
//! let monitor = HealthMonitor::builder()
//!     .cloud(Arc::new(MemoryCloud::new()))
//!     .fleet(Name::new("web")?, Health::default(), Some(Arc::new(ScriptedProbe::new())))
//!     .build();
//! assert!(monitor.snapshot().nodes.is_empty());
//! # Ok(())
//! # }
//! ```

mod builder;
mod canary;
mod event;
mod health_monitor;
#[doc(hidden)]
pub mod machine;
mod scheduler;
mod snapshot;

pub use builder::HealthMonitorBuilder;
pub use canary::Canary;
pub use event::{HealthEvent, What};
pub use health_monitor::HealthMonitor;
pub use snapshot::{Checked, FleetHealth, HealthState, NodeHealth, Snapshot};
