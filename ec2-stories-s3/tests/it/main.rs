<<<<<<< HEAD
//! The real SDK against SeaweedFS, and against the simulation's S3.
=======
//! The real SDK against SeaweedFS, and plain HTTP against a server of our own.
>>>>>>> s3-objects

// Clippy lets `#[test]` functions unwrap, not their helpers.
#![allow(clippy::unwrap_used)]

mod seaweed;
<<<<<<< HEAD
mod upload;
=======
mod web;
>>>>>>> s3-objects
