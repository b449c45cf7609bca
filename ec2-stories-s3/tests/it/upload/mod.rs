//! The upload engine, on a real server.

mod content;
mod kill;
mod steps;
mod whole;
mod world;
