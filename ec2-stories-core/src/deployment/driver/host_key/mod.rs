//! Host keys in user data. The journal has a line where the key goes; the key itself joins at the call.

mod file;

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use sha2::{Digest, Sha256};
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{LineEnding, PrivateKey};

use crate::model::{CloudConfig, Rendered, compress};
use crate::{Error, ErrorKind, Result};

pub(crate) use file::{injected_file, of_fleet, of_record, read as read_host_key};

/// A host key of a fleet.
#[derive(Clone, Debug)]
pub(crate) struct HostKey {
    /// OpenSSH's format.
    private: SecretString,
    /// One line in OpenSSH's format.
    pub(crate) public: String,
}

impl HostKey {
    /// A new key that nobody else has.
    pub(crate) fn random(comment: &str) -> Result<Self> {
        let pair = KeypairData::from(Ed25519Keypair::random(&mut rand::rng()));
        PrivateKey::new(pair, comment).map_err(unusable).and_then(|key| Self::of(&key))
    }

    fn read(text: &str) -> Result<Self> {
        Self::of(&PrivateKey::from_openssh(text).map_err(unusable)?)
    }

    fn of(key: &PrivateKey) -> Result<Self> {
        let private = key.to_openssh(LineEnding::LF).map_err(unusable)?;
        let public = key.public_key().to_openssh().map_err(unusable)?;
        Ok(Self { private: SecretString::from(private.as_str()), public })
    }

    /// The part of user data that stands for the key.
    pub(crate) fn part(&self) -> Rendered {
        Rendered {
            name: "host_key",
            mime: "text/cloud-config",
            text: format!("#cloud-config\n{}\n", place(&self.public)),
        }
    }

    /// What the instance reads, from what was recorded.
    pub(crate) fn join(&self, recorded: &[u8], gzip: bool) -> Result<Vec<u8>> {
        let keys = json!({ "ed25519_private": self.private.expose_secret(), "ed25519_public": self.public });
        let keys = CloudConfig::yaml(&json!({ "ssh_keys": keys }))?;
        let text = std::str::from_utf8(recorded).map_err(|error| {
            Error::new(ErrorKind::Corrupt, "recorded user data is not text").because(error)
        })?;
        let place = place(&self.public);
        if !text.contains(&place) {
            // A machine without the key could never be logged in to.
            return Err(Error::new(ErrorKind::Corrupt, "recorded user data has no place for the host key"));
        }
        let text = text.replacen(&place, keys.trim_end(), 1);
        if gzip { compress(text.as_bytes()) } else { Ok(text.into_bytes()) }
    }
}

/// The line that the key replaces.
fn place(public: &str) -> String {
    format!("# host key {}", hex::encode(&Sha256::digest(public)[..16]))
}

fn unusable(error: ssh_key::Error) -> Error {
    Error::new(ErrorKind::Corrupt, "the host key cannot be used").because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_joins_at_its_place_and_is_in_nothing_else() {
        let key = HostKey::random("shop.web").unwrap();
        let recorded = key.part().text;
        let sent = String::from_utf8(key.join(recorded.as_bytes(), false).unwrap()).unwrap();
        assert!(sent.contains("ssh_keys:\n") && sent.contains("BEGIN OPENSSH PRIVATE KEY"), "{sent}");
        assert!(sent.starts_with("#cloud-config\n") && sent.contains(&key.public));
        assert!(!recorded.contains("PRIVATE") && !format!("{key:?}").contains("BEGIN"));
    }

    #[test]
    fn compressed_it_is_the_same_each_time() {
        use std::io::Read;
        let key = HostKey::random("shop.web").unwrap();
        let recorded = key.part().text;
        let [sent, again] = [(); 2].map(|()| key.join(recorded.as_bytes(), true).unwrap());
        assert_eq!(sent, again);
        let mut text = Vec::new();
        flate2::read::GzDecoder::new(&sent[..]).read_to_end(&mut text).unwrap();
        assert_eq!(text, key.join(recorded.as_bytes(), false).unwrap());
    }

    #[test]
    fn without_its_place_nothing_is_sent() {
        let (key, other) = (HostKey::random("shop.web").unwrap(), HostKey::random("shop.web").unwrap());
        let error = key.join(other.part().text.as_bytes(), true).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
    }
}
