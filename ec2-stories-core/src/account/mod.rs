//! Where an account's credentials and region come from.
//!
//! | Provider | Credentials from |
//! | --- | --- |
//! | [`StaticAccount`] | the program |
//! | [`Environment`] | `AWS_ACCESS_KEY_ID` and its siblings |
//! | [`SecretFile`] | a file that nobody else may read |
//! | [`Chain`] | the first of several that has some |
//! | `SharedProfile` | `~/.aws/config`: keys, SSO, web identity, an external process, roles |
//! | `InstanceRole` | the metadata service of the instance that the program runs on |
//! | `DefaultChain` | wherever the AWS command line would find them |
//! | `AssumedRole` | STS, in exchange for another provider's |
//!
//! The last four stand on aws-config and need the feature `aws`. All ask their source at every use, so that rotated
//! credentials are picked up without a restart, and none shows a secret.

#[cfg(feature = "aws")]
mod assumed_role;
mod chain;
#[cfg(feature = "aws")]
mod default_chain;
mod environment;
mod fixed;
#[cfg(feature = "aws")]
mod instance_role;
mod secret_file;
#[cfg(feature = "aws")]
mod shared_profile;

#[cfg(feature = "aws")]
pub use assumed_role::AssumedRole;
pub use chain::Chain;
#[cfg(feature = "aws")]
pub use default_chain::DefaultChain;
pub use environment::Environment;
pub use fixed::StaticAccount;
#[cfg(feature = "aws")]
pub use instance_role::InstanceRole;
pub use secret_file::SecretFile;
pub(crate) use secret_file::refuse_others;
#[cfg(feature = "aws")]
pub use shared_profile::SharedProfile;

use crate::{Error, ErrorKind};

/// No credentials, or no region, for good.
fn missing(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::Credentials, what)
}
