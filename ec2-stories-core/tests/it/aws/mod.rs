//! The bridge to the AWS SDK, and the account providers that stand on aws-config. Loopback only.

mod assumed_role;
mod bridge;
mod logs;
mod rotation;
mod shared_profile;
mod sts;
