//! The monitor, in virtual time.

mod blind;
mod budgets;
mod cloud;
mod conformance;
mod deaths;
mod many;
mod ramp;
mod world;
