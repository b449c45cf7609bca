//! What proves to us who a host is.

mod certificate;
mod cloud;
mod console;
mod known;
mod known_hosts;
mod memory;
mod rotation;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use ec2_stories_core::model::{self, InstanceId};
use ec2_stories_core::provider::TupleStore;
use ec2_stories_core::{Clock, Error, ErrorKind, Result, SystemClock};
use russh::keys::PublicKey;

pub use cloud::CloudConsole;
pub(crate) use known::{Known, Proof, fingerprint};
pub(crate) use memory::Memory;
pub(crate) use rotation::Rotation;

use crate::Target;

/// Gives an instance's console output, such as EC2's GetConsoleOutput.
///
/// # Contract
/// - All that there is of it; `None` or an empty text while there is nothing.
/// - The answer came from the cloud over a channel that nobody else writes to.
#[async_trait]
pub trait Console: fmt::Debug + Send + Sync {
    /// The console's text.
    async fn console(&self, id: &InstanceId) -> Result<Option<String>>;
}

/// Where the keys that hosts must show are known from. Several sources are one after another with [`or`](Self::or): what
/// any of them knows is good.
///
/// A key that was verified once is remembered under the instance's id if there is a store
/// ([`remembered_in`](Self::remembered_in)): from then on that instance must show it, whatever the sources say.
///
/// Nothing here accepts a key of which nothing is known. Such a key is an error that says its fingerprint and where was
/// looked for it; another key than the known one is an error of its own, and is not retried.
#[derive(Clone, Debug)]
pub struct HostKeys {
    sources: Vec<Source>,
    memory: Option<Memory>,
    clock: Arc<dyn Clock>,
}

#[derive(Clone, Debug)]
enum Source {
    KnownHosts(PathBuf),
    Pinned(Vec<PublicKey>),
    Authority(PublicKey),
    Console(Arc<dyn Console>),
    Injected(PathBuf),
}

impl HostKeys {
    /// A file in OpenSSH's `known_hosts` format: patterns, hashed names, `@cert-authority` and `@revoked` included. It is
    /// read at each login and never written.
    pub fn known_hosts(file: impl Into<PathBuf>) -> Self {
        Self::from(Source::KnownHosts(file.into()))
    }

    /// These public keys, in OpenSSH's format: `ssh-ed25519 AAAA…`.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for what is not such a key.
    pub fn pinned<K: AsRef<str>>(keys: impl IntoIterator<Item = K>) -> Result<Self> {
        let keys: Result<Vec<_>> =
            keys.into_iter().map(|key| public_key("host_keys.pinned", key.as_ref())).collect();
        Ok(Self::from(Source::Pinned(keys?)))
    }

    /// Host certificates of the authority with this public key.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for what is not a public key in OpenSSH's format.
    pub fn authority(key: &str) -> Result<Self> {
        Ok(Self::from(Source::Authority(public_key("host_keys.authority", key)?)))
    }

    /// What cloud-init prints on the console at the first boot. A cloud may take minutes to show it; until then logins are a
    /// temporary failure.
    #[must_use]
    pub fn console(console: Arc<dyn Console>) -> Self {
        Self::from(Source::Console(console))
    }

    /// The key whose private half is in this file and in the instance's user data. Since whatever runs on the instance can
    /// read user data, it is replaced at the first login: the host makes new keys, they are read over the verified
    /// connection and stored, and the injected one is not accepted from this instance any more. It needs
    /// [`remembered_in`](Self::remembered_in), the instance's id, and root or a sudo without password.
    pub fn injected(private_key_file: impl Into<PathBuf>) -> Self {
        Self::from(Source::Injected(private_key_file.into()))
    }

    /// What a fleet's login says. The console is needed for what names it.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for a key that is none, or a console that is not there.
    pub fn of(described: &model::HostKeys, console: Option<Arc<dyn Console>>) -> Result<Self> {
        Ok(match described {
            model::HostKeys::KnownHosts(file) => Self::known_hosts(file),
            model::HostKeys::Pinned(key) => Self::pinned([key])?,
            model::HostKeys::Authority(key) => Self::authority(key)?,
            model::HostKeys::Injected(file) => Self::injected(file),
            model::HostKeys::Console => {
                let missing = || Error::invalid("login.host_keys", "this cloud gives no console output");
                Self::console(console.ok_or_else(missing)?)
            }
        })
    }

    /// What `other` knows is good too.
    #[must_use]
    pub fn or(mut self, other: Self) -> Self {
        self.sources.extend(other.sources);
        self.memory = self.memory.or(other.memory);
        self
    }

    /// Remembers verified keys here, as `ssh/host-keys/<instance id>`.
    #[must_use]
    pub fn remembered_in(mut self, store: Arc<dyn TupleStore>) -> Self {
        self.memory = Some(Memory::new(store));
        self
    }

    /// Asks this clock whether a certificate is valid.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    pub(crate) fn memory(&self) -> Option<&Memory> {
        self.memory.as_ref()
    }

    pub(crate) fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }

    pub(crate) fn check(&self) -> Result<()> {
        let injected = self.sources.iter().any(|source| matches!(source, Source::Injected(_)));
        if injected && self.memory.is_none() {
            return Err(Error::invalid(
                "host_keys",
                "an injected key needs a store to remember its successor in",
            ));
        }
        Ok(())
    }

    /// Collects all that is known of this host.
    pub(crate) async fn known(&self, target: &Target) -> Result<Known> {
        let mut known = Known::new(self.clock.now());
        if let (Some(memory), Some(id)) = (&self.memory, target.instance_id()) {
            known.looked(format!("the keys remembered for {id}"));
            if let Some(record) = memory.recall(id).await? {
                known.remember(&record)?;
            }
        }
        for source in &self.sources {
            self.ask(source, target, &mut known).await?;
        }
        Ok(known)
    }

    async fn ask(&self, source: &Source, target: &Target, known: &mut Known) -> Result<()> {
        match source {
            Source::KnownHosts(file) => {
                known.looked(format!("{} under {}", file.display(), target.known_as()));
                known_hosts::look_up(file, target, known).await
            }
            Source::Pinned(keys) => {
                known.looked("the pinned keys".to_owned());
                known.keys.extend(keys.iter().cloned());
                Ok(())
            }
            Source::Authority(key) => {
                known.looked(format!("the certificates of the authority {}", fingerprint(key)));
                known.authorities.push(key.clone());
                Ok(())
            }
            // Asking the cloud costs a call and minutes of patience: only for an instance of which nothing is known.
            Source::Console(_) if known.has_remembered() => Ok(()),
            Source::Console(console) => console::look_up(console.as_ref(), target, known).await,
            Source::Injected(file) => {
                known.looked(format!("the key injected from {}", file.display()));
                if target.instance_id().is_none() {
                    return Err(Error::invalid("target", "an injected key needs the instance's id"));
                }
                known.injected = Some(public_half(file).await?);
                Ok(())
            }
        }
    }
}

impl From<Source> for HostKeys {
    fn from(source: Source) -> Self {
        Self { sources: vec![source], memory: None, clock: Arc::new(SystemClock) }
    }
}

fn public_key(field: &str, text: &str) -> Result<PublicKey> {
    PublicKey::from_openssh(text.trim())
        .map_err(|error| Error::invalid(field, "is not a public key in OpenSSH's format").because(error))
}

async fn public_half(file: &std::path::Path) -> Result<PublicKey> {
    let (key, _) = match &crate::Identity::key_file(file).0 {
        crate::identity::Source::Key(key) => key.load().await?,
        crate::identity::Source::Agent(_) => {
            return Err(Error::new(ErrorKind::Unexpected, "a key file is a key"));
        }
    };
    Ok(key.public_key().clone())
}
