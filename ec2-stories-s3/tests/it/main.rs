//! The real SDK against SeaweedFS, and against the simulation's S3.

// Clippy lets `#[test]` functions unwrap, not their helpers.
#![allow(clippy::unwrap_used)]

mod seaweed;
mod upload;
