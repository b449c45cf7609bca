//! What proves to a host who we are.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ec2_stories_core::{Error, ErrorKind, Result, check_private_key};
use jiff::Timestamp;
use russh::keys::ssh_key::certificate::CertType;
use russh::keys::{Certificate, PrivateKey};
use secrecy::{ExposeSecret, SecretString};

/// What proves to a host who we are. It is read at each login, so that a replaced file or a restarted agent counts.
#[derive(Clone)]
pub struct Identity(pub(crate) Source);

#[derive(Clone)]
pub(crate) enum Source {
    Key(KeySource),
    Agent(Option<PathBuf>),
}

#[derive(Clone)]
pub(crate) struct KeySource {
    key: Material,
    passphrase: Option<SecretString>,
    certificate: Option<PathBuf>,
}

#[derive(Clone)]
enum Material {
    File(PathBuf),
    Text(SecretString),
}

impl Identity {
    /// A private key file, in OpenSSH's, PKCS#8's or PKCS#1's format. One of this user that others may use is refused, as by OpenSSH.
    pub fn key_file(path: impl Into<PathBuf>) -> Self {
        Self::key(Material::File(path.into()))
    }

    /// A private key as text, such as EC2 gives it when it makes a key pair.
    #[must_use]
    pub fn key_text(pem: SecretString) -> Self {
        Self::key(Material::Text(pem))
    }

    /// The keys and certificates of the agent that `SSH_AUTH_SOCK` names.
    #[must_use]
    pub fn agent() -> Self {
        Self(Source::Agent(None))
    }

    /// The keys and certificates of the agent that listens here.
    pub fn agent_at(socket: impl Into<PathBuf>) -> Self {
        Self(Source::Agent(Some(socket.into())))
    }

    /// Opens an encrypted key. An agent needs none.
    #[must_use]
    pub fn passphrase(mut self, passphrase: SecretString) -> Self {
        if let Source::Key(key) = &mut self.0 {
            key.passphrase = Some(passphrase);
        }
        self
    }

    /// Shows this user certificate with the key. An agent shows its own.
    #[must_use]
    pub fn certificate(mut self, file: impl Into<PathBuf>) -> Self {
        if let Source::Key(key) = &mut self.0 {
            key.certificate = Some(file.into());
        }
        self
    }

    fn key(key: Material) -> Self {
        Self(Source::Key(KeySource { key, passphrase: None, certificate: None }))
    }
}

impl KeySource {
    /// Reads the key and its certificate.
    pub(crate) async fn load(&self) -> Result<(Arc<PrivateKey>, Option<Certificate>)> {
        let text = match &self.key {
            Material::File(path) => read_private(path).await?,
            Material::Text(text) => text.clone(),
        };
        let passphrase = self.passphrase.as_ref().map(ExposeSecret::expose_secret);
        let key = russh::keys::decode_secret_key(text.expose_secret(), passphrase)
            .map_err(|error| self.unusable(&error))?;
        let certificate = match &self.certificate {
            None => None,
            Some(path) => Some(Certificate::from_openssh(read(path).await?.trim()).map_err(|error| {
                invalid("is not an OpenSSH certificate").on(path.display().to_string()).because(error)
            })?),
        };
        Ok((Arc::new(key), certificate))
    }

    /// Why a host may not take its certificate for this user, as far as that can be seen from here.
    pub(crate) async fn doubt(&self, user: &str, now: Timestamp) -> Option<String> {
        let file = self.certificate.as_ref()?;
        let (_, certificate) = self.load().await.ok()?;
        doubt(&certificate?, user, now).map(|why| format!("the certificate {} {why}", file.display()))
    }

    fn unusable(&self, error: &russh::keys::Error) -> Error {
        let why = match (error, &self.passphrase) {
            (russh::keys::Error::KeyIsEncrypted, None) => "is encrypted: it needs its passphrase",
            (_, Some(_)) => "is not a private key that this passphrase opens",
            _ => "is not a private key in OpenSSH's, PKCS#8's or PKCS#1's format",
        };
        // The parser's own words are left out: some quote what they read.
        invalid(why).on(self.to_string())
    }
}

fn doubt(certificate: &Certificate, user: &str, now: Timestamp) -> Option<String> {
    let seconds = u64::try_from(now.as_second()).unwrap_or_default();
    let names = certificate.valid_principals();
    if certificate.cert_type() != CertType::User {
        Some("is a host's, not a user's".to_owned())
    } else if seconds < certificate.valid_after() {
        Some("is not valid yet".to_owned())
    } else if seconds >= certificate.valid_before() {
        Some("has expired".to_owned())
    } else if names.is_empty() {
        Some("is for no user".to_owned())
    } else {
        (!names.iter().any(|name| name == user)).then(|| format!("is for {}", names.join(", ")))
    }
}

fn invalid(why: &str) -> Error {
    Error::new(ErrorKind::Credentials, why).during("private key")
}

async fn read(path: &Path) -> Result<String> {
    tokio::fs::read_to_string(path).await.map_err(|error| unreadable(path, error))
}

async fn read_private(path: &Path) -> Result<SecretString> {
    let place = path.to_owned();
    let read = move || {
        let failed = |error| unreadable(&place, error);
        let mut file = File::open(&place).map_err(failed)?;
        check_private_key(&file, &place)?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(failed)?;
        Ok(SecretString::from(text))
    };
    match tokio::task::spawn_blocking(read).await {
        Ok(read) => read,
        Err(stopped) => Err(unreadable(path, io::Error::other(stopped))),
    }
}

fn unreadable(path: &Path, error: io::Error) -> Error {
    Error::new(ErrorKind::Io, "cannot be read").during("login").on(path.display().to_string()).because(error)
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            Material::File(path) => write!(f, "key file {}", path.display()),
            Material::Text(_) => f.write_str("private key"),
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::Key(key) => key.fmt(f),
            Source::Agent(None) => f.write_str("agent of SSH_AUTH_SOCK"),
            Source::Agent(Some(socket)) => write!(f, "agent at {}", socket.display()),
        }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({self})")
    }
}
