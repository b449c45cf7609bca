//! What the comparison benchmarks share: the peers' installation and the object on the last line.
#![allow(clippy::print_stdout)] // A benchmark's result is what it prints.

mod peer;
mod table;

pub use peer::Peers;
pub use table::{Bench, Row};
