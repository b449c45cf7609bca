//! Key pairs of a deployment.

use std::fmt;

use async_trait::async_trait;

use crate::Result;
use crate::model::{KeyName, KeyPair, KeyPairSpec, Name};

/// Makes and removes the key pairs that belong to a deployment.
///
/// # Contract
/// - `ensure_key` returns the pair that is there, or makes it, tagged in the same call. A generated pair whose private key is
///   not in its file (the reply was lost) is removed and made again; a file that is there is never overwritten, and where
///   its pair was removed (the deployment ended) the same key is used again.
/// - `remove_keys` removes all pairs that carry the deployment's tag and no other; their files stay.
/// - Both may be dropped and repeated.
///
/// # Errors
/// [`NotFound`](crate::ErrorKind::NotFound) for an existing pair that does not exist, [`Invalid`](crate::ErrorKind::Invalid) for
/// a public key that cannot be read, [`Io`](crate::ErrorKind::Io) for the file, [`Conflict`](crate::ErrorKind::Conflict) for a
/// file that belongs to another pair.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait KeyPairs: fmt::Debug + Send + Sync {
    /// Makes sure that the fleet's key pair is there.
    async fn ensure_key(&self, deployment: &Name, fleet: &Name, key: &KeyPairSpec) -> Result<KeyPair>;

    /// Removes the deployment's key pairs and says which.
    async fn remove_keys(&self, deployment: &Name) -> Result<Vec<KeyName>>;
}
