//! Key pairs of a deployment.

mod file;
mod generated;
mod openssh;
mod public;

use async_trait::async_trait;
use aws_sdk_ec2::types::KeyPairInfo;
use ec2_stories_core::model::{KeyName, KeyPair, KeyPairSpec, Name};
use ec2_stories_core::provider::KeyPairs;
use ec2_stories_core::{Error, ErrorKind, Result};

use crate::Ec2;
use crate::api::{Api, Call};
use crate::tags::owned_by;

#[async_trait]
impl KeyPairs for Ec2 {
    async fn ensure_key(&self, deployment: &Name, fleet: &Name, key: &KeyPairSpec) -> Result<KeyPair> {
        match key {
            KeyPairSpec::Existing(name) => existing(self.api(), name).await,
            KeyPairSpec::PublicKey(text) => public::ensure(self.api(), deployment, fleet, text).await,
            KeyPairSpec::Generated(path) => generated::ensure(self.api(), deployment, fleet, path).await,
        }
    }

    async fn remove_keys(&self, deployment: &Name) -> Result<Vec<KeyName>> {
        let request = self.api().client.describe_key_pairs().filters(owned_by(deployment));
        let reply = self.api().call(Call::reading("DescribeKeyPairs"), request.send()).await?;
        let mut removed = Vec::new();
        for pair in reply.key_pairs() {
            if let Some(name) = pair.key_name() {
                delete(self.api(), name).await?;
                removed.push(name.into());
            }
        }
        Ok(removed)
    }
}

async fn existing(api: &Api, name: &KeyName) -> Result<KeyPair> {
    let missing = || Error::new(ErrorKind::NotFound, "no such key pair").on(name.as_str());
    describe(api, name.as_str()).await?.map(|pair| key_pair(&pair)).ok_or_else(missing)
}

async fn describe(api: &Api, name: &str) -> Result<Option<KeyPairInfo>> {
    let request = api.client.describe_key_pairs().key_names(name);
    match api.call(Call::reading("DescribeKeyPairs"), request.send()).await {
        Ok(reply) => Ok(reply.key_pairs().first().cloned()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.on(name)),
    }
}

/// Deleting what is gone is a success, EC2 says so itself; the error is for clouds that do not.
async fn delete(api: &Api, name: &str) -> Result<()> {
    let request = api.client.delete_key_pair().key_name(name);
    match api.call(Call::changing("DeleteKeyPair"), request.send()).await {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error.on(name)),
    }
}

fn key_pair(info: &KeyPairInfo) -> KeyPair {
    KeyPair {
        name: info.key_name().unwrap_or_default().into(),
        fingerprint: info.key_fingerprint().map(ToOwned::to_owned),
    }
}
