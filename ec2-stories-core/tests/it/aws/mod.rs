//! The bridge to the AWS SDK, and the account providers that stand on aws-config. Loopback only.

mod assumed_role;
mod bridge;
mod child;
#[cfg(feature = "conformance")]
mod instance_role;
mod logs;
mod rotation;
mod server;
mod shared_profile;
mod sts;
