//! Bearer tokens, one for each instance.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::model::InstanceId;
use crate::{Error, Result};

/// As many characters as a key of 128 bits has in hexadecimal digits.
const SHORTEST: usize = 32;

/// What tokens are derived from.
pub(super) struct Key(SecretString);

impl Key {
    pub(super) fn new(key: SecretString) -> Result<Self> {
        if key.expose_secret().len() < SHORTEST {
            let why = format!("has fewer than {SHORTEST} characters: a token could be guessed");
            return Err(Error::invalid("heartbeats.key", why));
        }
        Ok(Self(key))
    }

    pub(super) fn random() -> Self {
        Self(hex::encode(rand::random::<[u8; 32]>()).into())
    }

    pub(super) fn token(&self, instance: &InstanceId) -> SecretString {
        hex::encode(self.mac(instance.as_str()).finalize().into_bytes()).into()
    }

    /// Whether it is the instance's token, in the same time whatever it is.
    pub(super) fn is_token(&self, instance: &str, token: &str) -> bool {
        let mut given = [0; 32];
        hex::decode_to_slice(token, &mut given).is_ok() && self.mac(instance).verify_slice(&given).is_ok()
    }

    fn mac(&self, instance: &str) -> Hmac<Sha256> {
        let mac = Hmac::<Sha256>::new_from_slice(self.0.expose_secret().as_bytes());
        mac.expect("HMAC takes keys of every length").chain_update("heartbeat ").chain_update(instance)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_its_instance_alone() {
        let key = Key::random();
        let token = key.token(&"i-1".into());
        assert!(key.is_token("i-1", token.expose_secret()));
        assert!(!key.is_token("i-2", token.expose_secret()));
        assert!(!Key::random().is_token("i-1", token.expose_secret()));
        assert!(!key.is_token("i-1", ""));
    }

    #[test]
    fn the_same_key_gives_the_same_tokens() {
        let [one, two] = [(); 2].map(|()| Key::new("0123456789abcdef0123456789abcdef".into()).unwrap());
        assert_eq!(one.token(&"i-1".into()).expose_secret(), two.token(&"i-1".into()).expose_secret());
        assert_eq!(Key::new("short".into()).unwrap_err().resource(), Some("heartbeats.key"));
    }
}
