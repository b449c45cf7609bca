//! Deploy machines on Amazon EC2 and keep them alive.

pub use ec2_stories_core::*;
#[cfg(feature = "ec2")]
pub use ec2_stories_ec2 as ec2;
#[cfg(feature = "sim")]
pub use ec2_stories_sim as sim;

pub mod prelude;
#[cfg(feature = "story")]
pub mod story;
#[cfg(feature = "cli")]
pub mod terminal;
