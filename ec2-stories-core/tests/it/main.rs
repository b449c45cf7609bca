//! Integration tests of the core, all in one binary.

#![allow(clippy::unwrap_used)]

mod memory_cloud;
mod support;
