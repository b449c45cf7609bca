//! The monitor, in virtual time: its decisions have tests of their own beside the machine.

mod asks;
mod conformance;
mod deaths;
mod many;
mod sight;
mod world;
