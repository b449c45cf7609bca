//! Key pairs.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::KeyName;

/// The key pair that a fleet's instances are launched with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyPairSpec {
    /// One that exists; it is never removed.
    Existing(KeyName),
    /// An OpenSSH public key, imported for the deployment and removed with it.
    PublicKey(String),
    /// Made by EC2 for the deployment and removed with it. The private key goes into this file, readable by
    /// its owner only, and nowhere else. The file stays, and the deployment's next run uses its key again.
    Generated(PathBuf),
}

/// A key pair that is ready for a launch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPair {
    /// Its name.
    pub name: KeyName,
    /// Its fingerprint, as EC2 gives it.
    pub fingerprint: Option<String>,
}
