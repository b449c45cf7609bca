//! Integration tests of the core, all in one binary.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[cfg(feature = "aws")]
mod aws;
#[cfg(feature = "conformance")]
mod conformance;
mod deployment;
mod file_store;
mod image;
mod memory_cloud;
#[cfg(feature = "conformance")]
mod monitor;
#[cfg(all(feature = "conformance", feature = "probes"))]
mod probes;
mod support;
mod years;
