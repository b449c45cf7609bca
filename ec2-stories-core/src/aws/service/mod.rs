//! What the crates that call AWS's services share: what a failed call means, and what has to be known of calls that the SDK repeats.
//!
//! No service's own types are in it, so it builds without any of their crates.

mod attempts;
mod calls;
mod effect;
mod failure;
mod identity;

pub use attempts::Attempts;
pub use calls::Calls;
pub use effect::Effect;
pub use failure::{Refusal, again, causes_of, is_not_connected, translate};
pub use identity::FreshIdentity;
