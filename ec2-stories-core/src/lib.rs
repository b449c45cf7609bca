//! Domain types, provider traits and the deployment machine of EC2 Stories.

pub mod account;
pub mod attributes;
#[cfg(feature = "aws")]
pub mod aws;
mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod deployment;
mod error;
pub mod image;
pub mod memory;
#[cfg(feature = "mock")]
pub mod mock;
pub mod model;
pub mod monitor;
mod private_key;
pub mod probe;
pub mod provider;
pub mod store;

pub use attributes::Attributes;
pub use clock::{Clock, SystemClock, TokioClock};
pub use deployment::{Deployment, Event, Fleet, Plan, Report, Running};
pub use error::{Error, ErrorKind, Result, Status};
pub use private_key::check_private_key;
pub use store::{FileStore, MemoryStore};
