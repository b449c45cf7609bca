//! The real SDK against SeaweedFS.

// Clippy lets `#[test]` functions unwrap, not their helpers.
#![allow(clippy::unwrap_used)]

mod seaweed;
