//! Tests of the machine: it has no world of its own, so they give it one.

mod decisions;
mod random;
mod replaced;
mod world;
