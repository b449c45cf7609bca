//! Accounts.

use std::fmt;

use async_trait::async_trait;

use crate::Result;
use crate::model::{Credentials, Region};

/// Hands out the credentials and the region of one account.
///
/// # Contract
/// - Asked at every use: whoever asks keeps nothing beyond the call (the bridge to the SDK keeps them until they
///   expire, or for a minute where they do not say). Rotated credentials therefore reach every component of a
///   deployment without a restart.
/// - `credentials` returns credentials that are valid now; what expires soon is renewed by the provider.
/// - A secret is in no `Debug`, `Display` or error of an implementation.
/// - Cancel-safe, and callable from many tasks at once.
///
/// # Errors
/// [`ErrorKind::Credentials`](crate::ErrorKind::Credentials): permanent when nothing is configured, temporary when a
/// service that issues them does not answer. Another kind when what is configured cannot be used,
/// such as [`ErrorKind::Io`](crate::ErrorKind::Io) for a file.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait AccountProvider: fmt::Debug + Send + Sync {
    /// Credentials that are valid now.
    async fn credentials(&self) -> Result<Credentials>;

    /// The region of the account's resources.
    async fn region(&self) -> Result<Region>;

    /// Where the account comes from, for people: `profile staging`, `environment`. No secret.
    fn origin(&self) -> String;
}
