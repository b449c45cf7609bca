//! Every provider in memory, for the unit tests of programs that embed the family.
//!
//! They keep the traits' contracts (the suites of the feature `conformance` run on them), follow tokio's time, so that
//! a paused runtime makes a ten-minute boot instant, log their calls, and fail the calls that a test picks:
//!
//! ```
//! use ec2_stories_core::memory::{Fault, MemoryCloud, Operation};
//!
//! let cloud = MemoryCloud::new();
//! cloud.fail(Operation::Launch, Fault::After); // The next launch happens, but its reply is lost.
//! cloud.fail(7, Fault::Before); // The eighth call never arrives.
//! assert!(cloud.leaks().is_empty());
//! ```

mod cloud;
mod customizer;
mod messenger;
mod monitor;
mod probe;
mod registrar;
pub(crate) mod script;
mod uploader;

pub use cloud::{MemoryCloud, Operation};
pub use customizer::{Customization, MemoryCustomizer};
pub use messenger::{Exchange, MemoryMessenger};
pub use monitor::MemoryMonitor;
pub use probe::ScriptedProbe;
pub use registrar::{MemoryRegistrar, Registry};
pub use script::{Fault, Script, When};
pub use uploader::{MemoryUploader, Upload};
