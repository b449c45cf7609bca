//! Tests of the machine: it has no world of its own, so they give it one.

mod again;
mod beside;
mod customized_again;
mod decisions;
mod leaks;
mod lost;
mod ordered;
mod random;
mod refused;
mod replaced;
mod rollouts;
mod web;
mod world;
