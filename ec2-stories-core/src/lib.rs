//! Domain types, provider traits and the deployment machine of EC2 Stories.

mod clock;

pub use clock::{Clock, SystemClock, TokioClock};
