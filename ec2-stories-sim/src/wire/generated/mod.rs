//! What `cargo xtask codegen` writes, one file for each service.
#![allow(dead_code)] // The model's members are complete, whether a handler reads them or not.

pub(crate) mod ec2;
pub(crate) mod sts;

/// What a generated file uses.
mod prelude {
    pub(super) use jiff::Timestamp;

    pub(super) use crate::wire::Sensitive;
    pub(super) use crate::wire::shape::{Acknowledged, both, input, operations, output};
}
