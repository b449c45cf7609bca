//! A pair that EC2 makes for the deployment; its private key goes into a file and nowhere else.

use std::path::Path;
use std::time::Duration;

use aws_sdk_ec2::types::{KeyFormat, KeyPairInfo, KeyType, ResourceType};
use ec2_stories_core::model::{KeyPair, Name, Ownership};
use ec2_stories_core::{Error, ErrorKind, Result};
use tokio::time::sleep;

use super::{delete, describe, file, key_pair, openssh, public};
use crate::api::{Api, Call};
use crate::tags::{is_owned_by, shared_name, specification};

/// Pauses after a try whose reply was lost, in seconds: the pair may not be visible yet.
const PAUSES: [u64; 4] = [1, 1, 2, 4];

pub(super) async fn ensure(api: &Api, deployment: &Name, fleet: &Name, path: &Path) -> Result<KeyPair> {
    let name = shared_name(deployment, fleet);
    let there = own(api, deployment, &name).await?;
    match (there, file::read(path).await?) {
        (Some(pair), Some(pem)) => {
            belongs(pair.key_fingerprint().unwrap_or_default(), &pem, path)?;
            return Ok(key_pair(&pair));
        }
        // Left by an earlier run, whose end removed the pair.
        (None, Some(pem)) => {
            let blob =
                openssh::blob_of_private(&pem).ok_or_else(|| taken(path, "is not an OpenSSH private key"))?;
            return public::import(api, deployment, fleet, name, &openssh::public_line(&blob)).await;
        }
        // Nobody has the private key of this one: the reply that had it was lost.
        (Some(_), None) => delete(api, &name).await?,
        (None, None) => {}
    }
    file::check_place(path).await?;
    let (pair, pem) = create(api, deployment, fleet, &name).await?;
    file::write_new(path, pem).await?;
    Ok(pair)
}

fn belongs(theirs: &str, pem: &str, path: &Path) -> Result<()> {
    match openssh::blob_of_private(pem) {
        None => Err(taken(path, "is not an OpenSSH private key")),
        Some(blob) if openssh::matches(theirs, &blob) == Some(false) => {
            Err(taken(path, "holds the key of another pair"))
        }
        Some(_) => Ok(()),
    }
}

fn taken(path: &Path, why: &str) -> Error {
    Error::new(ErrorKind::Conflict, format!("the file {why}; it is never overwritten"))
        .on(path.display().to_string())
}

/// The deployment's pair of this name; another's is not to be used, still less to be deleted.
async fn own(api: &Api, deployment: &Name, name: &str) -> Result<Option<KeyPairInfo>> {
    match describe(api, name).await? {
        Some(pair) if !is_owned_by(deployment, pair.tags()) => {
            let message = format!("a pair of this name is there, and not {deployment}'s");
            Err(Error::new(ErrorKind::Conflict, message).on(name))
        }
        pair => Ok(pair),
    }
}

async fn create(api: &Api, deployment: &Name, fleet: &Name, name: &str) -> Result<(KeyPair, String)> {
    let mut pauses = PAUSES.into_iter();
    loop {
        let error = match try_create(api, deployment, fleet, name).await {
            Err(error) if error.kind() == ErrorKind::Conflict || error.is_ambiguous() => error,
            outcome => return outcome,
        };
        let Some(pause) = pauses.next() else { return Err(error) };
        sleep(Duration::from_secs(pause)).await;
        // Made by a call whose reply was lost, and its private key with it.
        if own(api, deployment, name).await?.is_some() {
            delete(api, name).await?;
        }
    }
}

async fn try_create(api: &Api, deployment: &Name, fleet: &Name, name: &str) -> Result<(KeyPair, String)> {
    let tags = Ownership::shared_tags(deployment, Some(fleet));
    let request = api
        .client
        .create_key_pair()
        .key_name(name)
        .key_type(KeyType::Ed25519)
        .key_format(KeyFormat::Pem)
        .tag_specifications(specification(ResourceType::KeyPair, &tags));
    let reply = api.call(Call::changing("CreateKeyPair"), request.send()).await;
    let reply = reply.map_err(|error| error.on(name))?;
    let fingerprint = reply.key_fingerprint().map(ToOwned::to_owned);
    let pem = reply.key_material().unwrap_or_default().to_owned();
    Ok((KeyPair { name: name.into(), fingerprint }, pem))
}
