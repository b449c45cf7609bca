//! Integration tests of the core, all in one binary.

#![allow(clippy::unwrap_used)]

#[cfg(feature = "conformance")]
mod conformance;
mod file_store;
mod deployment;
mod memory_cloud;
mod support;
