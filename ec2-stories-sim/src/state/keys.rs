//! Key pairs.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::wire::ApiError;

/// "Amazon EC2 endpoints and quotas": key pairs per region.
const MAX_KEY_PAIRS: usize = 5000;

#[derive(Clone, Debug, Default)]
pub(crate) struct Keys(BTreeMap<String, KeyPair>);

/// What EC2 keeps of a key pair; the private key is the caller's alone.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct KeyPair {
    pub(crate) id: String,
    pub(crate) name: String,
    /// `rsa` or `ed25519`.
    pub(crate) key_type: &'static str,
    pub(crate) fingerprint: String,
    /// A line in OpenSSH's format.
    pub(crate) public_key: String,
    pub(crate) created: Timestamp,
}

impl Keys {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &KeyPair> {
        self.0.values()
    }

    pub(crate) fn get(&self, name: &str) -> Result<&KeyPair, ApiError> {
        self.0.get(name).ok_or_else(|| {
            ApiError::new("InvalidKeyPair.NotFound", format!("The key pair '{name}' does not exist"))
        })
    }

    pub(crate) fn get_by_id(&self, id: &str) -> Result<&KeyPair, ApiError> {
        self.0.values().find(|pair| pair.id == id).ok_or_else(|| {
            ApiError::new("InvalidKeyPair.NotFound", format!("The key pair ID '{id}' does not exist"))
        })
    }

    /// Whether a pair of this name can be added. CreateKeyPair: "Up to 255 ASCII characters".
    pub(crate) fn check_name(&self, name: &str) -> Result<(), ApiError> {
        if name.is_empty() || name.len() > 255 || !name.is_ascii() {
            return Err(ApiError::invalid_value(name, "KeyName"));
        }
        if self.0.contains_key(name) {
            let message = format!("The keypair '{name}' already exists.");
            return Err(ApiError::new("InvalidKeyPair.Duplicate", message));
        }
        if self.0.len() >= MAX_KEY_PAIRS {
            return Err(ApiError::new(
                "KeyPairLimitExceeded",
                "The maximum number of key pairs has been reached.",
            ));
        }
        Ok(())
    }

    pub(crate) fn insert(&mut self, pair: KeyPair) {
        self.0.insert(pair.name.clone(), pair);
    }

    pub(crate) fn remove(&mut self, name: &str) -> Option<KeyPair> {
        self.0.remove(name)
    }
}
