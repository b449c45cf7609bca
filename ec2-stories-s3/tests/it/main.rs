//! The real SDK against SeaweedFS and against the simulation's S3, and plain HTTP against a server of our own.

// Clippy lets `#[test]` functions unwrap, not their helpers.
#![allow(clippy::unwrap_used)]

mod seaweed;
mod simulated;
mod upload;
mod web;
