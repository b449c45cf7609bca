//! What proves which instance a heartbeat is from.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use hmac::{Hmac, KeyInit, Mac};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::account::refuse_others;
use crate::model::InstanceId;
use crate::{Error, ErrorKind, Result};

/// As many characters as a key of 128 bits has in hexadecimal digits.
const SHORTEST: usize = 32;

/// Before the instance's id.
pub(super) const PREFIX: &str = "/heartbeats/";

/// What the tokens of heartbeats are derived from: who has it can speak for every node.
///
/// A token is good for one instance, so that of a node's earlier generation says nothing of the node. Nothing about tokens need be kept:
/// the same key gives the same ones, on another machine and after a restart.
#[derive(Clone)]
pub struct HeartbeatKey(SecretString);

impl HeartbeatKey {
    /// This secret, of 32 characters or more.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for one that is shorter.
    pub fn new(secret: impl Into<SecretString>) -> Result<Self> {
        let secret = secret.into();
        if secret.expose_secret().len() < SHORTEST {
            let why = format!("has fewer than {SHORTEST} characters: a token could be guessed");
            return Err(Error::invalid("heartbeats.key", why));
        }
        Ok(Self(secret))
    }

    /// A new one. Its tokens are void after a restart, when there is another.
    #[must_use]
    pub fn random() -> Self {
        Self(hex::encode(rand::random::<[u8; 32]>()).into())
    }

    /// The one in a file that nobody else may use; blanks around it are no part of it. `umask 077; openssl rand -hex 32 >FILE` makes one.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] where it is too short, [`ErrorKind::Io`] where it cannot be read and, on Unix, where its mode lets the group or
    /// others do anything with it.
    pub async fn file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_owned();
        let name = path.display().to_string();
        match tokio::task::spawn_blocking(move || read(&path)).await {
            Ok(key) => key.map_err(|error| error.on(name)),
            Err(stopped) => Err(unusable("reading it was cut off").on(name).because(stopped)),
        }
    }

    /// What this instance sends as its bearer token.
    #[must_use]
    pub fn token(&self, instance: &InstanceId) -> SecretString {
        hex::encode(self.mac("heartbeat ", instance.as_str()).finalize().into_bytes()).into()
    }

    /// Where this instance sends its heartbeats: a path.
    #[must_use]
    pub fn path(instance: &InstanceId) -> String {
        format!("{PREFIX}{instance}")
    }

    /// What differs from key to key, and may be shown: neither the key nor a token can be found from it.
    #[must_use]
    pub fn mark(&self) -> String {
        hex::encode(self.mac("mark", "").finalize().into_bytes())
    }

    /// Whether it is the instance's token, in the same time whatever it is.
    #[cfg(feature = "probes")]
    pub(super) fn is_token(&self, instance: &str, token: &str) -> bool {
        let mut given = [0; 32];
        let mac = self.mac("heartbeat ", instance);
        hex::decode_to_slice(token, &mut given).is_ok() && mac.verify_slice(&given).is_ok()
    }

    fn mac(&self, what: &str, of: &str) -> Hmac<Sha256> {
        let mac = Hmac::<Sha256>::new_from_slice(self.0.expose_secret().as_bytes());
        mac.expect("HMAC takes keys of every length").chain_update(what).chain_update(of)
    }
}

fn read(path: &Path) -> Result<HeartbeatKey> {
    let unreadable = |error| {
        unusable("cannot be read; a key is made by: umask 077; openssl rand -hex 32 >FILE").because(error)
    };
    // The mode is the opened file's, so that nobody can exchange the file between the check and the read.
    let mut file = File::open(path).map_err(unreadable)?;
    refuse_others(&file)?;
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text).map_err(unreadable)?;
    HeartbeatKey::new(text.trim())
}

fn unusable(why: &str) -> Error {
    Error::new(ErrorKind::Io, why)
}

impl fmt::Debug for HeartbeatKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HeartbeatKey")
    }
}

impl PartialEq for HeartbeatKey {
    fn eq(&self, other: &Self) -> bool {
        self.mark() == other.mark()
    }
}

impl Eq for HeartbeatKey {}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    #[cfg(feature = "probes")]
    #[test]
    fn a_token_is_good_for_its_instance_alone() {
        let key = HeartbeatKey::random();
        let token = key.token(&"i-1".into());
        assert!(key.is_token("i-1", token.expose_secret()));
        assert!(!key.is_token("i-2", token.expose_secret()));
        assert!(!HeartbeatKey::random().is_token("i-1", token.expose_secret()));
        assert!(!key.is_token("i-1", "") && !key.is_token("", &key.mark()));
    }

    #[test]
    fn the_same_key_gives_the_same_tokens() {
        let [one, two] = [(); 2].map(|()| HeartbeatKey::new(SECRET).unwrap());
        assert_eq!(one.token(&"i-1".into()).expose_secret(), two.token(&"i-1".into()).expose_secret());
        assert_eq!(one, two);
        assert_ne!(one, HeartbeatKey::random());
        assert!(!format!("{one:?} {}", one.mark()).contains(SECRET));
        assert_eq!(HeartbeatKey::new("short").unwrap_err().resource(), Some("heartbeats.key"));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_file_that_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let absent = HeartbeatKey::file(&path).await.unwrap_err();
        assert!(absent.to_string().contains("openssl rand"), "{absent}");
        std::fs::write(&path, format!("{SECRET}\n")).unwrap();
        for (mode, good) in [(0o600, true), (0o640, false)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            match HeartbeatKey::file(&path).await {
                Ok(key) => assert!(good && key == HeartbeatKey::new(SECRET).unwrap()),
                Err(error) => assert!(!good && error.to_string().contains("chmod 600"), "{error}"),
            }
        }
    }
}
