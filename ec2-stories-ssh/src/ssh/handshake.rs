//! From nothing to an encrypted link with a host that has proven who it is.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ec2_stories_core::{Error, ErrorKind, Result, Status};
use russh::client::{self, DisconnectReason, Handle};
use russh::keys::{Algorithm, PublicKeyOrCertificate};
use russh::{Preferred, cipher};
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::Settings;
use crate::Target;
use crate::connect::{NoBanner, Stream, Unstuck, read_banner};
use crate::error::protocol;
use crate::host_keys::{Known, Proof};

/// What was being done when a host could not be reached at all.
pub(crate) const CONNECT: &str = "connect";
/// What was being done when something could be reached that did not say that it is an SSH server.
pub(crate) const BANNER: &str = "banner";

/// Questions without an answer, after which the link has broken.
const KEEP_ALIVES: u32 = 3;

/// Answers what the library asks during a connection.
#[derive(Debug)]
pub(crate) struct Client {
    known: Known,
    target: Target,
    seen: Arc<Mutex<Seen>>,
    // The library drops it when the link has ended.
    _gone: DropGuard,
}

/// What the library's callbacks saw.
#[derive(Debug, Default)]
struct Seen {
    verdict: Option<Result<Proof>>,
    farewell: Option<String>,
}

/// A link, and what was seen on it.
pub(super) struct Link {
    pub(super) handle: Handle<Client>,
    seen: Arc<Mutex<Seen>>,
    gone: CancellationToken,
}

impl Link {
    /// The link, and what is canceled when it ends.
    pub(super) fn into_inner(self) -> (Handle<Client>, CancellationToken) {
        (self.handle, self.gone)
    }

    /// What the server said when it hung up, if it said something.
    pub(super) fn farewell(&self) -> Option<String> {
        lock(&self.seen).farewell.clone()
    }
}

impl client::Handler for Client {
    type Error = russh::Error;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        let verdict = self.known.verdict(shown, &self.target);
        let accepted = verdict.is_ok();
        lock(&self.seen).verdict = Some(verdict);
        Ok(accepted)
    }

    async fn disconnected(&mut self, reason: DisconnectReason<Self::Error>) -> Result<(), Self::Error> {
        match reason {
            DisconnectReason::ReceivedDisconnect(info) => {
                // Anybody may say it, before any key was checked, and it ends up in errors and on terminals.
                let said: String = info.message.chars().filter(|c| !c.is_control()).take(200).collect();
                lock(&self.seen).farewell = Some(said);
                Ok(())
            }
            DisconnectReason::Error(error) => Err(error),
        }
    }
}

fn lock(seen: &Mutex<Seen>) -> std::sync::MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Connects and reads the banner.
pub(super) async fn reach(settings: &Settings, target: &Target) -> Result<impl Stream + use<>> {
    let limit = settings.connect_timeout;
    let stream = settings.connect.connect(target.host(), target.port());
    let stream =
        bounded(limit, stream, CONNECT, target).await?.map_err(|error| unreachable(error, target))?;
    bounded(limit, read_banner(stream), BANNER, target).await?.map_err(|error| silent(error, target))
}

/// Exchanges keys, and checks the host's.
pub(super) async fn shake_hands(
    settings: &Settings,
    target: &Target,
    stream: impl Stream + 'static,
    known: Known,
) -> Result<(Link, Proof)> {
    let seen = Arc::new(Mutex::new(Seen::default()));
    let config = Arc::new(config(settings, &known));
    let gone = CancellationToken::new();
    let guard = gone.clone().drop_guard();
    let stream = Unstuck::new(stream, settings.keep_alive.saturating_mul(KEEP_ALIVES));
    let client = Client { known, target: target.clone(), seen: Arc::clone(&seen), _gone: guard };
    let connected = bounded(
        settings.login_timeout,
        client::connect_stream(config, stream, client),
        "key exchange",
        target,
    )
    .await?;
    let verdict = lock(&seen).verdict.take();
    match (verdict, connected) {
        (Some(Err(refused)), _) => Err(refused),
        (Some(Ok(proof)), Ok(handle)) => Ok((Link { handle, seen, gone }, proof)),
        // The library asks at the first key exchange, and later ones are bound to that; without the question there is no proof.
        (None, Ok(_)) => Err(Error::new(ErrorKind::Unexpected, "the host's key was not checked")),
        (_, Err(error)) => Err(protocol(error, "key exchange", &target.to_string())),
    }
}

fn config(settings: &Settings, known: &Known) -> client::Config {
    let mut preferred = Preferred::default();
    let mut first = known.algorithms();
    first.extend(preferred.key.iter().cloned());
    preferred.key = order(first).into();
    if !known.authorities.is_empty() {
        preferred.host_key_certificates = preferred.key.clone();
    }
    // With ring both are in assembly, and processors have instructions for AES.
    preferred.cipher =
        [cipher::AES_256_GCM, cipher::CHACHA20_POLY1305, cipher::AES_256_CTR, cipher::AES_128_CTR]
            .to_vec()
            .into();
    client::Config {
        preferred,
        keepalive_interval: Some(settings.keep_alive),
        keepalive_max: KEEP_ALIVES as usize,
        ..client::Config::default()
    }
}

/// What is known first, each once. An RSA key signs with SHA-2, never with SHA-1.
fn order(algorithms: Vec<Algorithm>) -> Vec<Algorithm> {
    let offered = Preferred::default().key;
    let mut ordered = Vec::new();
    for algorithm in algorithms {
        let same = |offered: &&Algorithm| match (offered, &algorithm) {
            (Algorithm::Rsa { hash }, Algorithm::Rsa { .. }) => hash.is_some(),
            (offered, algorithm) => *offered == algorithm,
        };
        for offered in offered.iter().filter(same) {
            if !ordered.contains(offered) {
                ordered.push(offered.clone());
            }
        }
    }
    ordered
}

pub(super) async fn bounded<T>(
    limit: Duration,
    work: impl Future<Output = T>,
    operation: &str,
    target: &Target,
) -> Result<T> {
    timeout(limit, work).await.map_err(|_| {
        Error::new(ErrorKind::Timeout, format!("no answer within {limit:?}"))
            .status(Status::Temporary)
            .during(operation)
            .on(target.to_string())
    })
}

fn unreachable(error: io::Error, target: &Target) -> Error {
    let why = match error.kind() {
        io::ErrorKind::ConnectionRefused => "nobody listens there",
        io::ErrorKind::TimedOut => "no answer",
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => "there is no way to it",
        _ => "cannot be reached",
    };
    // A jump host whose key is not the right one does not get another by trying again.
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    let status = inner.map_or(Status::Temporary, Error::status_of);
    let kind = inner.map_or(ErrorKind::Unavailable, Error::kind);
    let code = inner.and_then(Error::api_code).map(ToOwned::to_owned);
    let failure = Error::new(kind, why).status(status).during(CONNECT).on(target.to_string()).because(error);
    match code {
        Some(code) => failure.code(code),
        None => failure,
    }
}

fn silent(error: NoBanner, target: &Target) -> Error {
    let failure = match error {
        NoBanner::Ended(error) => {
            Error::new(ErrorKind::Unavailable, "the connection ended before the server said its name")
                .because(error)
        }
        NoBanner::Other(seen) => Error::new(
            ErrorKind::Unavailable,
            format!("what answers there is not an SSH server: it said {seen:?}"),
        ),
    };
    failure.status(Status::Temporary).during(BANNER).on(target.to_string())
}
