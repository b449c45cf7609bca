//! Heartbeats that the node sends.

mod destination;
mod unit;

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use ec2_stories_core::attributes::Reference;
use ec2_stories_core::probe::HeartbeatKey;
use ec2_stories_core::{Error, Result};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use super::host::Host;
use super::payload::{Payload, unusable};
use super::place::Place;
use super::steps::{failure, refused};
use super::{Apply, Mode, Service, is_false};

const SEND: &str = include_str!("send.sh");
/// Of systemd. A node sends to one place.
const SERVICE: &str = "ec2-stories-heartbeat";

/// `$1` is the folder, root's alone.
const PREPARE: &str = r#"set -e
command -v curl >/dev/null 2>&1 || wget --version 2>/dev/null | grep -q GNU ||
  { echo "the host has neither curl nor GNU wget: bring one with a packages step before this one" >&2; exit 1; }
umask 077
mkdir -p -- "$1""#;

/// `$1` is the folder, `$2` the unit's file, `$3` the unit. Whether there was anything.
const CLEAR: &str = r#"set -e
[ -e "$1" ] || [ -e "$2" ] || exit 0
if [ -e "$2" ]; then
  systemctl disable --now -- "$3"
  rm -f -- "$2"
  systemctl daemon-reload
fi
rm -rf -- "$1"
echo there"#;

/// The node says every now and then that it lives, to the controller's `Heartbeats`: a small service of systemd, which sends by curl or GNU
/// wget.
///
/// The token is good for this instance alone. It is in a file of root's that nobody else may read, and nowhere else. Where the key is another
/// than at the last run, live nodes get their new tokens at the next start. A node sends to one place.
///
/// ```
/// use std::time::Duration;
/// use ec2_stories_core::probe::HeartbeatKey;
/// use ec2_stories_ssh::step::Heartbeat;
///
/// let key = HeartbeatKey::random(); // or `heartbeats.key()`
/// let step = Heartbeat::to("https://10.0.0.5:7443", key).every(Duration::from_secs(30));
/// # drop(step);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heartbeat {
    to: String,
    #[serde(default = "half_a_minute", with = "humantime_serde")]
    every: Duration,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ca: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    in_the_clear: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key_file: Option<PathBuf>,
    #[serde(skip)]
    key: Option<HeartbeatKey>,
    #[serde(default, skip_serializing_if = "is_false")]
    undo: bool,
}

/// Three of them in the 90 s after which a node may be called late.
fn half_a_minute() -> Duration {
    Duration::from_secs(30)
}

impl Heartbeat {
    /// To the controller at this address, as nodes reach it, with tokens of this key: `https://10.0.0.5:7443`.
    pub fn to(address: impl Into<String>, key: HeartbeatKey) -> Self {
        Self { key: Some(key), ..Self::empty(address.into()) }
    }

    /// As [`to`](Self::to), with the key that is in this file of this machine when the step runs; see [`HeartbeatKey::file`].
    pub fn with_key_file(address: impl Into<String>, file: impl Into<PathBuf>) -> Self {
        Self { key_file: Some(file.into()), ..Self::empty(address.into()) }
    }

    fn empty(to: String) -> Self {
        let every = half_a_minute();
        Self { to, every, ca: None, in_the_clear: false, key_file: None, key: None, undo: false }
    }

    /// How often, in whole seconds; every 30 s where not said. A probe should wait for three of them.
    #[must_use]
    pub fn every(mut self, period: Duration) -> Self {
        self.every = period;
        self
    }

    /// Whom the node trusts to be the controller: authorities, or the certificate itself, in PEM. The node's own roots where not said.
    #[must_use]
    pub fn ca(mut self, pem: impl Into<String>) -> Self {
        self.ca = Some(pem.into());
        self
    }

    /// Sends to `http://` too, where the token can be overheard.
    #[must_use]
    pub fn in_the_clear(mut self) -> Self {
        self.in_the_clear = true;
        self
    }

    /// Undo ends it and removes all of it.
    #[must_use]
    pub fn undone(mut self) -> Self {
        self.undo = true;
        self
    }

    async fn key(&self) -> Result<HeartbeatKey> {
        match (&self.key, &self.key_file) {
            (Some(key), _) => Ok(key.clone()),
            (None, Some(file)) => HeartbeatKey::file(file).await,
            (None, None) => Err(no_key()),
        }
    }

    fn service(&self, host: &Host) -> Service {
        let instance = &host.node().instance.id;
        let url = format!("{}{}", destination::base(&self.to), HeartbeatKey::path(instance));
        let unit = unit::unit(&folder(host), &url, self.every);
        Service::named(SERVICE).unit(unit)
    }
}

fn folder(host: &Host) -> String {
    host.beside("heartbeat")
}

fn no_key() -> Error {
    refused("heartbeat.key_file", "say it: the file of the key that the controller's listener has, too")
}

#[async_trait]
impl Apply for Heartbeat {
    fn title(&self) -> String {
        format!("heartbeats to {}", self.to)
    }

    fn key(&self) -> String {
        "heartbeat".to_owned()
    }

    fn check(&self) -> Result<()> {
        destination::check(&self.to, self.in_the_clear)?;
        if self.every.as_secs() == 0 || self.every.subsec_nanos() != 0 {
            return Err(refused("heartbeat.every", "is whole seconds, at least one: \"30s\""));
        }
        if self.ca.as_ref().is_some_and(|ca| !ca.contains("-----BEGIN CERTIFICATE-----")) {
            return Err(refused("heartbeat.ca", "has no certificate in PEM"));
        }
        if self.key.is_none() && self.key_file.is_none() { Err(no_key()) } else { Ok(()) }
    }

    fn read_sources(&self) -> Result<Vec<Reference>> {
        let file: Option<&Path> = self.key_file.as_deref();
        if let Some(file) = file {
            std::fs::metadata(file).map_err(|error| unusable("heartbeat.key_file", file, &error))?;
        }
        Ok(Vec::new())
    }

    fn is_undone(&self) -> bool {
        self.undo
    }

    /// Differs with the key, of which it says nothing.
    async fn content(&self) -> Result<String> {
        Ok(self.key().await?.mark())
    }

    async fn apply(&self, host: &mut Host) -> Result<bool> {
        if !host.is_root() {
            return Err(failure("needs root on the host, and its user may not use sudo"));
        }
        let folder = folder(host);
        host.script("make ready for heartbeats", PREPARE, &[&folder]).await?;
        let token = self.key().await?.token(&host.node().instance.id);
        let token = Payload::bytes(token.expose_secret().to_owned());
        // A file that is empty names nobody to trust beside the node's own roots.
        let ca = Payload::bytes(self.ca.clone().unwrap_or_default());
        let mut changed = false;
        for (name, payload) in [("send.sh", Payload::bytes(SEND)), ("token", token), ("ca.pem", ca)] {
            let path = format!("{folder}/{name}");
            let place = Place { path: &path, mode: Some(Mode::new(0o600)), owner: Some("root"), group: None };
            // It is restarted for every change, also if this run ends before that.
            changed |= place.put(host, &payload, async |host: &mut Host| host.is_due().await).await?;
        }
        Ok(self.service(host).apply(host).await? || changed)
    }

    async fn take_back(&self, host: &mut Host) -> Result<bool> {
        let service = self.service(host);
        let arguments = [&folder(host), &service.path(), &service.full_name()];
        let cleared = host.script("end heartbeats", CLEAR, &arguments.map(String::as_str)).await?;
        host.heeded().await?;
        Ok(cleared.stdout.text().trim() == "there")
    }
}
