//! Integration tests: real OpenSSH servers on loopback.

// Clippy lets `#[test]` functions unwrap, not their helpers.
#![allow(clippy::unwrap_used)]

mod bundle;
mod commands;
mod files;
mod host_keys;
mod links;
mod login;
mod probe;
mod step;
mod sudo;
mod support;
mod switch;
mod trees;
