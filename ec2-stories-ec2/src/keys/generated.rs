//! A pair that EC2 makes for the deployment; its private key goes into a file and nowhere else.

use std::path::Path;

use aws_sdk_ec2::types::{KeyFormat, KeyType, ResourceType};
use ec2_stories_core::model::{KeyPair, Name, Ownership};
use ec2_stories_core::{Error, ErrorKind, Result};

use super::{delete, describe, file, key_pair, openssh, public};
use crate::api::{Api, Call};
use crate::tags::specification;

/// A reply that is lost twice is a reason to stop and say so.
const TRIES: usize = 3;

pub(super) async fn ensure(api: &Api, deployment: &Name, fleet: &Name, path: &Path) -> Result<KeyPair> {
    let name = format!("ec2-stories-{deployment}-{fleet}");
    let there = describe(api, &name).await?;
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

async fn create(api: &Api, deployment: &Name, fleet: &Name, name: &str) -> Result<(KeyPair, String)> {
    let tags = Ownership::shared_tags(deployment, Some(fleet));
    for last in (0..TRIES).map(|nth| nth + 1 == TRIES) {
        let request = api
            .client
            .create_key_pair()
            .key_name(name)
            .key_type(KeyType::Ed25519)
            .key_format(KeyFormat::Pem)
            .tag_specifications(specification(ResourceType::KeyPair, &tags));
        match api.call(Call::changing("CreateKeyPair"), request.send()).await {
            Ok(reply) => {
                let fingerprint = reply.key_fingerprint().map(ToOwned::to_owned);
                let pem = reply.key_material().unwrap_or_default().to_owned();
                return Ok((KeyPair { name: name.into(), fingerprint }, pem));
            }
            // Made by a call whose reply was lost, and its private key with it.
            Err(error) if !last && (error.kind() == ErrorKind::Conflict || error.is_ambiguous()) => {
                delete(api, name).await?;
            }
            Err(error) => return Err(error.on(name)),
        }
    }
    Err(Error::new(ErrorKind::Conflict, "made by another at the same time").during("CreateKeyPair").on(name))
}
