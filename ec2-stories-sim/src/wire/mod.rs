//! EC2 and STS as they stand on the wire: form parameters in, XML out.
//!
//! `generated` holds one struct for each shape of the chosen operations, as tables which the macros of `shape` turn
//! into code. `cargo xtask codegen` writes it from AWS's model.

mod error;
mod params;
mod protocol;
mod rules;
mod sensitive;
mod shape;
mod timestamp;
mod xml;

pub(crate) mod generated;

#[cfg(test)]
mod tests;

pub(crate) use error::ApiError;
pub(crate) use params::Params;
pub(crate) use protocol::{Protocol, Request, Response};
pub(crate) use sensitive::Sensitive;
pub(crate) use timestamp::format as time_text;
