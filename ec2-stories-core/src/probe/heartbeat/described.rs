//! A probe of heartbeats, as data.

use std::fs::File;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tokio::fs::read_to_string;
use tokio::sync::OnceCell;

use super::{Heartbeats, check_late, check_way};
use crate::account::refuse_others;
use crate::probe::HeartbeatKey;
use crate::provider::{Liveness, Node, Probe};
use crate::{Error, ErrorKind, Result, check_private_key};

/// The node sent a heartbeat not long ago, for a description that came as data: where to listen for it, and the files that this takes.
///
/// It listens from its first check on, and tries again at the next one where that fails; until then nothing is known. So a second process with
/// the same description, which only asks, does not get in the way of the one that listens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeartbeatSpec {
    listen: SocketAddr,
    key_file: PathBuf,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    certificate: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    private_key: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    in_the_clear: bool,
    #[serde(default = "three_periods", with = "humantime_serde")]
    within: Duration,
    #[serde(skip)]
    listener: Listener,
}

/// Nodes send every 30 s where not said.
fn three_periods() -> Duration {
    Duration::from_secs(90)
}

/// No part of the description.
#[derive(Clone, Debug, Default)]
struct Listener(Arc<OnceCell<Heartbeats>>);

impl PartialEq for Listener {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl HeartbeatSpec {
    /// Listens on this address of this machine, with the key in this file: see [`HeartbeatKey::file`].
    pub fn new(listen: SocketAddr, key_file: impl Into<PathBuf>) -> Self {
        Self {
            listen,
            key_file: key_file.into(),
            certificate: None,
            private_key: None,
            in_the_clear: false,
            within: three_periods(),
            listener: Listener::default(),
        }
    }

    /// Speaks TLS, with the certificate chain and the private key in these files, both in PEM.
    #[must_use]
    pub fn tls(mut self, certificate: impl Into<PathBuf>, private_key: impl Into<PathBuf>) -> Self {
        (self.certificate, self.private_key) = (Some(certificate.into()), Some(private_key.into()));
        self
    }

    /// Lets others reach it without TLS, where a token can be overheard.
    #[must_use]
    pub fn in_the_clear(mut self) -> Self {
        self.in_the_clear = true;
        self
    }

    /// A node that sent nothing for so long fails; 90 s where not said.
    #[must_use]
    pub fn within(mut self, late: Duration) -> Self {
        self.within = late;
        self
    }

    /// Shares the listener of those of `others` that have the same address, as fleets of one deployment do.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] where one of them would listen there in another way.
    pub fn beside<'s>(mut self, others: impl IntoIterator<Item = &'s Self>) -> Result<Self> {
        self.listener = Listener::default();
        if let Some(other) = others.into_iter().find(|other| other.listen == self.listen) {
            if self != (Self { within: self.within, ..other.clone() }) {
                return Err(Error::invalid(
                    "listen",
                    format!("{} is listened on in another way", self.listen),
                ));
            }
            self.listener = other.listener.clone();
        }
        Ok(self)
    }

    /// Sees whether its files can be read, and its keys by nobody else.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`], naming the field.
    pub fn check_files(&self) -> Result<()> {
        let files = [
            ("key_file", Some(&self.key_file)),
            ("certificate", self.certificate.as_ref()),
            ("private_key", self.private_key.as_ref()),
        ];
        for (field, file) in files.into_iter().filter_map(|(field, file)| Some((field, file?))) {
            let wrong = |error| Error::invalid(field, format!("{}: {error}", file.display()));
            let opened = File::open(file).map_err(wrong)?;
            let usable = match field {
                "private_key" => check_private_key(&opened, file),
                "key_file" => refuse_others(&opened).map_err(|error| error.on(file.display().to_string())),
                _ => Ok(()),
            };
            usable.map_err(|error| Error::invalid(field, error.chain()))?;
        }
        Ok(())
    }

    async fn listen(&self) -> Result<Heartbeats> {
        let tls = match (&self.certificate, &self.private_key) {
            (Some(chain), Some(key)) => Some((read(chain).await?, read_private(key).await?)),
            _ => None,
        };
        let key = HeartbeatKey::file(&self.key_file).await?;
        let here = Heartbeats::builder().address(self.listen).key(key);
        here.maybe_tls(tls).in_the_clear(self.in_the_clear).listen().await
    }
}

async fn read(file: &Path) -> Result<String> {
    read_to_string(file).await.map_err(|error| unreadable(file, error))
}

async fn read_private(file: &Path) -> Result<SecretString> {
    let place = file.to_owned();
    let read = move || {
        let mut opened = File::open(&place).map_err(|error| unreadable(&place, error))?;
        check_private_key(&opened, &place)?;
        let mut text = String::new();
        opened.read_to_string(&mut text).map_err(|error| unreadable(&place, error))?;
        Ok(SecretString::from(text))
    };
    match tokio::task::spawn_blocking(read).await {
        Ok(read) => read,
        Err(stopped) => Err(unreadable(file, io::Error::other(stopped))),
    }
}

fn unreadable(file: &Path, error: io::Error) -> Error {
    Error::new(ErrorKind::Io, "cannot be read").on(file.display().to_string()).because(error)
}

#[async_trait]
impl Probe for HeartbeatSpec {
    fn name(&self) -> String {
        format!("heartbeat within {:?}", self.within)
    }

    fn consistent(&self) -> Result<()> {
        check_late(self.within)?;
        if self.listen.port() == 0 {
            return Err(Error::invalid("listen", "must have a port from 1 to 65535: nodes are told of it"));
        }
        match (&self.certificate, &self.private_key) {
            (Some(_), None) => return Err(Error::invalid("certificate", "needs its private_key")),
            (None, Some(_)) => return Err(Error::invalid("private_key", "needs its certificate")),
            _ => {}
        }
        check_way(self.listen, self.certificate.is_some(), self.in_the_clear)
            .map_err(|why| Error::invalid("listen", why))
    }

    async fn check(&self, node: &Node) -> Liveness {
        match self.listener.0.get_or_try_init(|| self.listen()).await {
            Ok(heartbeats) => heartbeats.within(self.within).check(node).await,
            Err(error) => Liveness::Unknown(format!("this machine does not listen: {}", error.chain())),
        }
    }
}
