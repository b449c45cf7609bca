//! Proving who we are.

use std::path::Path;

use ec2_stories_core::{Error, ErrorKind, Result};
use russh::client::AuthResult;
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::{Algorithm, HashAlg, PrivateKeyWithHashAlg};

use super::Settings;
use super::handshake::{Link, bounded};
use crate::Target;
use crate::error::{code, protocol};
use crate::identity::{KeySource, Source};

/// Shows one identity after another until the host is content.
pub(super) async fn log_in(settings: &Settings, link: &mut Link, target: &Target) -> Result<()> {
    let accepted =
        bounded(settings.login_timeout, show_all(settings, link, target), "login", target).await??;
    if accepted { Ok(()) } else { Err(refused(settings, link, target).await) }
}

async fn show_all(settings: &Settings, link: &mut Link, target: &Target) -> Result<bool> {
    let mut unusable = None;
    for identity in &settings.identities {
        let shown = match &identity.0 {
            Source::Key(key) => show_key(key, settings, link, target).await,
            Source::Agent(socket) => show_agent(socket.as_deref(), settings, link, target).await,
        };
        match shown {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            // The next one may do; when none does, this is what to mend.
            Err(error) if error.is_permanent() => unusable = unusable.or(Some(error)),
            Err(error) => return Err(error),
        }
        if link.handle.is_closed() {
            break;
        }
    }
    if link.handle.is_closed() && link.farewell().is_none() {
        return Err(protocol(russh::Error::Disconnect, "login", &target.to_string()));
    }
    unusable.map_or(Ok(false), Err)
}

async fn show_key(key: &KeySource, settings: &Settings, link: &mut Link, target: &Target) -> Result<bool> {
    let (key, certificate) = key.load().await?;
    let user = settings.user.as_str();
    let lost = |error| protocol(error, "login", &target.to_string());
    if let Some(certificate) = certificate {
        let shown =
            link.handle.authenticate_openssh_cert(user, key.clone(), certificate).await.map_err(lost)?;
        if shown.success() {
            return Ok(true);
        }
    }
    let hash = rsa_hash(link, &key.algorithm()).await;
    let key = PrivateKeyWithHashAlg::new(key, hash);
    Ok(link.handle.authenticate_publickey(user, key).await.map_err(lost)?.success())
}

async fn show_agent(
    socket: Option<&Path>,
    settings: &Settings,
    link: &mut Link,
    target: &Target,
) -> Result<bool> {
    let connected = match socket {
        Some(socket) => AgentClient::connect_uds(socket).await,
        None => AgentClient::connect_env().await,
    };
    let mut agent = connected.map_err(|error| no_agent("cannot be reached", error))?;
    let identities = agent.request_identities().await.map_err(|error| no_agent("lists no keys", error))?;
    for identity in identities {
        let user = settings.user.as_str();
        let shown = match identity {
            AgentIdentity::PublicKey { key, .. } => {
                let hash = rsa_hash(link, &key.algorithm()).await;
                link.handle.authenticate_publickey_with(user, key, hash, &mut agent).await
            }
            AgentIdentity::Certificate { certificate, .. } => {
                let hash = rsa_hash(link, &certificate.algorithm()).await;
                link.handle.authenticate_certificate_with(user, certificate, hash, &mut agent).await
            }
        };
        // An agent may hold a key that it will not use, such as one that must be touched: the next may do.
        if shown.as_ref().is_ok_and(AuthResult::success) {
            return Ok(true);
        }
        if link.handle.is_closed() {
            return match link.farewell() {
                Some(_) => Ok(false),
                None => Err(protocol(russh::Error::Disconnect, "login", &target.to_string())),
            };
        }
    }
    Ok(false)
}

/// RSA keys sign with the best hash that the server takes, which it says at the start; SHA-1 is not used.
async fn rsa_hash(link: &Link, algorithm: &Algorithm) -> Option<HashAlg> {
    if !algorithm.clone().is_rsa() {
        return None;
    }
    Some(link.handle.best_supported_rsa_hash().await.ok().flatten().flatten().unwrap_or(HashAlg::Sha256))
}

fn no_agent(why: &str, error: russh::keys::Error) -> Error {
    Error::new(ErrorKind::Credentials, format!("the agent {why}")).during("login").because(error)
}

async fn refused(settings: &Settings, link: &Link, target: &Target) -> Error {
    let shown: Vec<String> = settings.identities.iter().map(ToString::to_string).collect();
    let mut why = format!("the host does not let {} in with {}", settings.user, shown.join(", "));
    for identity in &settings.identities {
        if let Source::Key(key) = &identity.0
            && let Some(doubt) = key.doubt(&settings.user, settings.host_keys.now()).await
        {
            why = format!("{why}; {doubt}");
        }
    }
    if let Some(said) = link.farewell() {
        why = format!("{why}; the host said: {said}");
    }
    Error::new(ErrorKind::Credentials, why).code(code::LOGIN_REFUSED).during("login").on(target.to_string())
}
