//! The embedded cloud of EC2 Stories.

mod access;
mod calls;
mod clock;
mod config;
mod ctx;
mod dispatch;
mod fault;
mod faults;
mod filter;
mod hooks;
mod http;
mod latency;
mod leak;
mod ops;
mod page;
mod reply;
mod request;
mod seeds;
mod sim;
mod state;
mod throttle;
mod view;
mod wire;
mod world;

pub use calls::{CallOutcome, CallRecord, Calls};
pub use config::ACCESS_KEY_ID;
pub use fault::{Fault, FaultPlan, FaultPlanError, Outage, Rule};
pub use faults::Faults;
pub use http::listen::Listener;
pub use latency::Latencies;
pub use leak::{Leak, Leaks};
pub use seeds::ImageSeed;
pub use sim::{Broken, Sim, SimBuilder};
pub use throttle::Throttling;
pub use view::{InstanceView, State};
