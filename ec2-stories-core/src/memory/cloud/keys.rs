//! Key pairs in memory. Their private keys are no keys: they say which pair they stand for.

use std::collections::BTreeMap;
use std::io::{ErrorKind as IoErrorKind, Write};
use std::path::Path;

use async_trait::async_trait;

use super::{MemoryCloud, Operation};
use crate::model::{KeyName, KeyPair, KeyPairSpec, Name};
use crate::provider::KeyPairs;
use crate::{Error, ErrorKind, Result};

#[derive(Debug, Default)]
pub(super) struct Keys(BTreeMap<KeyName, Pair>);

#[derive(Debug)]
struct Pair {
    /// `None` for one that belongs to no deployment.
    owner: Option<Name>,
    /// The public key of one that was imported.
    public_key: Option<String>,
    fingerprint: String,
}

impl Keys {
    pub(super) fn add_existing(&mut self, name: KeyName) {
        let fingerprint = format!("existing:{name}");
        self.0.insert(name, Pair { owner: None, public_key: None, fingerprint });
    }

    pub(super) fn exists(&self, name: &KeyName) -> bool {
        self.0.contains_key(name)
    }

    pub(super) fn owned(&self) -> impl Iterator<Item = &KeyName> {
        self.0.iter().filter(|(_, pair)| pair.owner.is_some()).map(|(name, _)| name)
    }

    fn get(&self, name: &KeyName) -> Option<KeyPair> {
        let fingerprint = Some(self.0.get(name)?.fingerprint.clone());
        Some(KeyPair { name: name.clone(), fingerprint })
    }
}

#[async_trait]
impl KeyPairs for MemoryCloud {
    async fn ensure_key(&self, deployment: &Name, fleet: &Name, key: &KeyPairSpec) -> Result<KeyPair> {
        let name = KeyName::new(format!("ec2-stories.{deployment}.{fleet}"));
        let ensure =
            async { self.ensure(&name, deployment, key).map_err(|error| error.during("ensure key")) };
        let (pair, unwritten) = self.0.script.perform(Operation::EnsureKey, ensure).await?;
        if let Some(path) = unwritten {
            write(path, &private_key(&pair))?;
        }
        Ok(pair)
    }

    async fn remove_keys(&self, deployment: &Name) -> Result<Vec<KeyName>> {
        let remove = async {
            self.change(|state| {
                let own = state.keys.0.extract_if(.., |_, pair| pair.owner.as_ref() == Some(deployment));
                Ok(own.map(|(name, _)| name).collect())
            })
        };
        self.0.script.perform(Operation::RemoveKeys, remove).await
    }
}

impl MemoryCloud {
    /// The pair, and the file that its private key has yet to go into.
    fn ensure<'a>(
        &self,
        name: &KeyName,
        owner: &Name,
        key: &'a KeyPairSpec,
    ) -> Result<(KeyPair, Option<&'a Path>)> {
        let failed = |kind, why| Error::new(kind, why).on(name.as_str());
        match key {
            KeyPairSpec::Existing(name) => {
                let missing = || Error::new(ErrorKind::NotFound, "does not exist").on(name.as_str());
                self.lock().keys.get(name).map(|pair| (pair, None)).ok_or_else(missing)
            }
            KeyPairSpec::PublicKey(text) if !is_public_key(text) => {
                Err(failed(ErrorKind::Invalid, "not an OpenSSH public key"))
            }
            KeyPairSpec::PublicKey(text) => Ok((self.make(name, owner, Some(text)), None)),
            KeyPairSpec::Generated(path) => {
                let known = self.lock().keys.get(name);
                let content = read(path)?;
                let held = content.as_deref().and_then(|content| fingerprint_in(content, name));
                match (known, &content) {
                    (Some(pair), Some(content)) if *content == private_key(&pair) => Ok((pair, None)),
                    (None, Some(_)) if let Some(held) = held => Ok((self.put_back(name, owner, held), None)),
                    (_, Some(_)) => Err(failed(ErrorKind::Conflict, "its file belongs to another pair")),
                    (_, None) => Ok((self.make(name, owner, None), Some(path))),
                }
            }
        }
    }

    /// The pair that the deployment had before.
    fn put_back(&self, name: &KeyName, owner: &Name, fingerprint: &str) -> KeyPair {
        self.change(|state| {
            let pair =
                Pair { owner: Some(owner.clone()), public_key: None, fingerprint: fingerprint.to_owned() };
            state.keys.0.insert(name.clone(), pair);
            state.keys.get(name).expect("it was inserted")
        })
    }

    /// Makes the pair, in place of one that is there.
    fn make(&self, name: &KeyName, owner: &Name, public_key: Option<&str>) -> KeyPair {
        self.change(|state| {
            let known = state
                .keys
                .0
                .get(name)
                .filter(|pair| public_key.is_some() && pair.public_key.as_deref() == public_key);
            if known.is_none() {
                let fingerprint = format!("{:040x}", state.next_serial());
                let pair = Pair {
                    owner: Some(owner.clone()),
                    public_key: public_key.map(str::to_owned),
                    fingerprint,
                };
                state.keys.0.insert(name.clone(), pair);
            }
            state.keys.get(name).expect("it was inserted")
        })
    }
}

fn is_public_key(text: &str) -> bool {
    let mut words = text.split_whitespace();
    let algorithm =
        words.next().is_some_and(|word| word.starts_with("ssh-") || word.starts_with("ecdsa-sha2-"));
    algorithm && words.next().is_some_and(|word| word.starts_with("AAAA"))
}

fn private_key(pair: &KeyPair) -> String {
    format!("private key of {} ({})\n", pair.name, pair.fingerprint.as_deref().unwrap_or_default())
}

/// The fingerprint of the pair of this name whose private key the file holds.
fn fingerprint_in<'a>(content: &'a str, name: &KeyName) -> Option<&'a str> {
    content.strip_prefix(&format!("private key of {name} ("))?.strip_suffix(")\n")
}

fn read(path: &Path) -> Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == IoErrorKind::NotFound => Ok(None),
        Err(error) => Err(unusable(path, error)),
    }
}

fn write(path: &Path, content: &str) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| file.write_all(content.as_bytes()));
    written.map_err(|error| unusable(path, error))
}

fn unusable(path: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, "cannot use the key file")
        .during("ensure key")
        .on(path.display().to_string())
        .because(error)
}
