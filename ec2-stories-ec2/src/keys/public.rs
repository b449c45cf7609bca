//! A public key that is imported for the deployment.

use aws_sdk_ec2::types::ResourceType;
use aws_smithy_types::Blob;
use ec2_stories_core::model::{KeyPair, Name, Ownership};
use ec2_stories_core::{Error, ErrorKind, Result};
use sha2::{Digest, Sha256};

use super::{describe, key_pair, openssh};
use crate::api::{Api, Call};
use crate::tags::{shared_name, specification};

/// The name says which key it is, so that a pair of this name is this key and another key gets another pair.
fn name(deployment: &Name, fleet: &Name, blob: &[u8]) -> String {
    let digest = hex::encode(Sha256::digest(blob));
    format!("{}.{}", shared_name(deployment, fleet), &digest[..12])
}

pub(super) async fn ensure(api: &Api, deployment: &Name, fleet: &Name, text: &str) -> Result<KeyPair> {
    let blob = openssh::public_blob(text).ok_or_else(|| {
        Error::invalid("key.public_key", "not an OpenSSH public key of type ssh-ed25519 or ssh-rsa")
    })?;
    let name = name(deployment, fleet, &blob);
    match describe(api, &name).await? {
        Some(pair) => Ok(key_pair(&pair)),
        None => import(api, deployment, fleet, name, text.trim()).await,
    }
}

pub(super) async fn import(
    api: &Api,
    deployment: &Name,
    fleet: &Name,
    name: String,
    line: &str,
) -> Result<KeyPair> {
    let tags = Ownership::shared_tags(deployment, Some(fleet));
    let request = api
        .client
        .import_key_pair()
        .key_name(&name)
        .public_key_material(Blob::new(line))
        .tag_specifications(specification(ResourceType::KeyPair, &tags));
    match api.call(Call::changing("ImportKeyPair"), request.send()).await {
        Ok(reply) => {
            Ok(KeyPair { name: name.into(), fingerprint: reply.key_fingerprint().map(ToOwned::to_owned) })
        }
        // Imported meanwhile, or by a call whose reply was lost.
        Err(error) if error.kind() == ErrorKind::Conflict || error.is_ambiguous() => {
            describe(api, &name).await?.map(|pair| key_pair(&pair)).ok_or_else(|| error.on(name))
        }
        Err(error) => Err(error.on(name)),
    }
}
