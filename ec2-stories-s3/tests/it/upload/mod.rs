//! The upload engine: on a real server, and on the simulation, which fails as it is told.

mod content;
mod faults;
mod images;
mod kill;
mod line;
mod memory;
mod steps;
mod two;
mod whole;
mod world;
