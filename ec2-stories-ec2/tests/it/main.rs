//! The real SDK against the embedded cloud, and against moto.

// Clippy lets `#[test]` functions unwrap, not their helpers.
#![allow(clippy::unwrap_used)]

mod account;
mod conformance;
mod console;
mod deployment;
mod ebs;
mod firewall;
mod health;
mod images;
mod keys;
mod launch;
mod metadata;
mod moto;
mod poller;
mod preflight;
mod publish;
mod support;
mod terminate;
mod transport;
