//! All that is known of one host, and the verdict on what it shows.

use ec2_stories_core::{Error, ErrorKind, Result};
use jiff::Timestamp;
use russh::keys::{Algorithm, HashAlg, PublicKey, PublicKeyOrCertificate};

use super::certificate;
use super::memory::Record;
use crate::Target;
use crate::error::code;

/// All that is known of one host.
#[derive(Debug)]
pub(crate) struct Known {
    /// Keys that it may show.
    pub(crate) keys: Vec<PublicKey>,
    /// Fingerprints of keys that it may show, where nothing gives the keys themselves.
    pub(crate) fingerprints: Vec<String>,
    /// Keys that it must not show, nor have its certificate from.
    pub(crate) revoked: Vec<PublicKey>,
    /// Whose certificates it may show.
    pub(crate) authorities: Vec<PublicKey>,
    /// The key that user data gave it.
    pub(crate) injected: Option<PublicKey>,
    remembered: Vec<PublicKey>,
    rotating: bool,
    looked: Vec<String>,
    now: Timestamp,
}

/// Why a host is who we think.
#[derive(Clone, Debug)]
pub(crate) enum Proof {
    /// It has the key that is remembered for it.
    Remembered {
        /// That key.
        key: PublicKey,
        /// It was not known yet whether it has made that key its own.
        rotating: bool,
    },
    /// It has a key that a source knows.
    Key(PublicKey),
    /// It has a certificate of a known authority.
    Certificate,
    /// It has this key, which user data gave it and which must be replaced.
    Injected(PublicKey),
}

impl Known {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            keys: Vec::new(),
            fingerprints: Vec::new(),
            revoked: Vec::new(),
            authorities: Vec::new(),
            injected: None,
            remembered: Vec::new(),
            rotating: false,
            looked: Vec::new(),
            now,
        }
    }

    /// Only these keys, such as those that a host has just made.
    pub(crate) fn only(keys: Vec<PublicKey>, now: Timestamp) -> Self {
        Self { remembered: keys, ..Self::new(now) }
    }

    pub(crate) fn looked(&mut self, place: String) {
        self.looked.push(place);
    }

    pub(crate) fn remember(&mut self, record: &Record) -> Result<()> {
        self.rotating = record.rotating;
        self.remembered = record.keys()?;
        Ok(())
    }

    pub(crate) fn has_remembered(&self) -> bool {
        !self.remembered.is_empty()
    }

    /// The algorithms of the keys that are known, which the host must be asked for first: one with several keys would
    /// else show another.
    pub(crate) fn algorithms(&self) -> Vec<Algorithm> {
        self.remembered.iter().chain(&self.keys).chain(&self.injected).map(PublicKey::algorithm).collect()
    }

    /// Whether the host is who we think.
    pub(crate) fn verdict(&self, shown: &PublicKeyOrCertificate, target: &Target) -> Result<Proof> {
        let key = shown.public_key();
        if self.revoked.iter().any(|revoked| same(revoked, &key)) {
            return Err(self.refuse(code::HOST_KEY_REVOKED, "is marked as revoked", &key, target));
        }
        let mut refused_certificate = None;
        if !self.has_remembered()
            && let Some(certificate) = shown.certificate()
        {
            match certificate::check(certificate, self, target, self.now) {
                Ok(()) => return Ok(Proof::Certificate),
                Err(why) => refused_certificate = Some(why),
            }
        }
        if self.remembered.iter().any(|known| same(known, &key)) {
            return Ok(Proof::Remembered { key, rotating: self.rotating });
        }
        let injected = self.injected.as_ref().is_some_and(|known| same(known, &key));
        if injected && (self.rotating || !self.has_remembered()) {
            return Ok(Proof::Injected(key));
        }
        if !self.has_remembered() && self.has(&key) {
            return Ok(Proof::Key(key));
        }
        if let Some(why) = refused_certificate {
            return Err(self.refuse(
                code::HOST_KEY_UNKNOWN,
                &format!("came with a certificate that {why}"),
                &key,
                target,
            ));
        }
        Err(self.unexpected(&key, target))
    }

    fn has(&self, key: &PublicKey) -> bool {
        self.keys.iter().any(|known| same(known, key)) || self.fingerprints.contains(&fingerprint(key))
    }

    fn unexpected(&self, key: &PublicKey, target: &Target) -> Error {
        let expected: Vec<String> = match self.has_remembered() {
            true => self.remembered.iter().map(fingerprint).collect(),
            false => {
                let keys = self.keys.iter().chain(&self.injected).map(fingerprint);
                keys.chain(self.fingerprints.iter().cloned()).collect()
            }
        };
        if expected.is_empty() {
            return self.refuse(code::HOST_KEY_UNKNOWN, "is not known", key, target);
        }
        let why = format!("is not the one known, which is {}", expected.join(" or "));
        self.refuse(code::HOST_KEY_CHANGED, &why, key, target)
    }

    fn refuse(&self, code: &str, why: &str, key: &PublicKey, target: &Target) -> Error {
        let looked = match self.looked.is_empty() {
            true => String::new(),
            false => format!("; looked in {}", self.looked.join(", ")),
        };
        let name = key.algorithm();
        Error::new(
            ErrorKind::Credentials,
            format!("the host's {name} key {} {why}{looked}", fingerprint(key)),
        )
        .code(code)
        .during("login")
        .on(target.to_string())
    }
}

/// Keys are the same whatever their comments.
pub(crate) fn same(a: &PublicKey, b: &PublicKey) -> bool {
    a.key_data() == b.key_data()
}

/// As OpenSSH shows it: `SHA256:…`.
pub(crate) fn fingerprint(key: &PublicKey) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}
