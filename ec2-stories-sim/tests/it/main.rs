//! The simulation as any SDK meets it: forms in, XML out.
#![allow(clippy::unwrap_used)] // Helpers of tests are tests.

mod access;
mod attributes;
mod capacity;
mod consistency;
mod console;
mod describe;
mod faults;
mod fleet;
mod form;
mod hosts;
mod launch;
mod leaks;
mod listen;
mod sdk;
mod spot;
mod throttle;
mod tokens;
mod types;
