//! Host keys that a deployment gives to its nodes.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Name;

/// How the nodes of a fleet come by the host key that the first login verifies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HostKeySpec {
    /// An Ed25519 key of the fleet, made before its first launch and sent to its nodes in their user data.
    ///
    /// The private key is in a file of this folder, readable by its owner only, and in the instances' user data. It is
    /// never in the journal or a description. Every process on an instance can read user data: the first login replaces
    /// the key. The files stay, and the deployment's next run uses the key again.
    Injected(PathBuf),
}

impl HostKeySpec {
    /// A key of the fleet, kept in this folder, which must be there.
    pub fn injected(folder: impl Into<PathBuf>) -> Self {
        Self::Injected(folder.into())
    }

    /// The file of a fleet's private key, in OpenSSH's format.
    #[must_use]
    pub fn private_file(&self, deployment: &Name, fleet: &Name) -> PathBuf {
        let Self::Injected(folder) = self;
        folder.join(format!("{deployment}.{fleet}.host-key"))
    }

    /// The file of its public key: one line in OpenSSH's format.
    #[must_use]
    pub fn public_file(&self, deployment: &Name, fleet: &Name) -> PathBuf {
        let Self::Injected(folder) = self;
        folder.join(format!("{deployment}.{fleet}.host-key.pub"))
    }
}
