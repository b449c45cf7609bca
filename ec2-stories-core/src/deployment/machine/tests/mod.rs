//! Tests of the machine: it has no world of its own, so they give it one.

mod again;
mod decisions;
mod leaks;
mod random;
mod replaced;
mod rollouts;
mod world;
