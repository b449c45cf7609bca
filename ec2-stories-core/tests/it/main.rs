//! Integration tests of the core, all in one binary.

#![allow(clippy::unwrap_used)]

mod deployment;
mod memory_cloud;
mod support;
