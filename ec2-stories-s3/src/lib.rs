//! EC2 Stories on S3, through the AWS SDK.

mod api;
mod client;
mod error;
pub mod upload;

pub use client::S3;
