//! A whole cloud of mocks.

// Forward every method, those with a provided body too: a mock must see all calls.
#![deny(clippy::missing_trait_methods)]

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::time::Instant as Moment;

use super::{MockFirewall, MockImageRegistry, MockInstanceDeployer, MockKeyPairs};
use crate::Result;
use crate::model::{
    Diagnosis, FirewallPolicy, ImageId, ImageQuery, Instance, InstanceHealth, InstanceId, KeyName, KeyPair,
    KeyPairSpec, Launch, LaunchRequest, Name, OwnedBy, Region, RegisteredImage, SecurityGroupId, SubnetId,
};
use crate::provider::{
    Finding, Firewall, Goal, ImageRegistry, ImageSpec, InstanceDeployer, KeyPairs, Termination, UploadedImage,
};

/// A [`Cloud`](crate::provider::Cloud) of four mocks; expectations are set on each.
#[derive(Debug, Default)]
pub struct MockCloud {
    /// Its instances.
    pub instances: MockInstanceDeployer,
    /// Its images.
    pub images: MockImageRegistry,
    /// Its firewalls.
    pub firewall: MockFirewall,
    /// Its key pairs.
    pub keys: MockKeyPairs,
}

impl MockCloud {
    /// Expects no call.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

#[async_trait]
impl InstanceDeployer for MockCloud {
    async fn launch(&self, request: &LaunchRequest) -> Result<Launch> {
        self.instances.launch(request).await
    }

    async fn describe(&self, ids: &[InstanceId]) -> Result<Vec<Instance>> {
        self.instances.describe(ids).await
    }

    async fn find(&self, owned: &OwnedBy) -> Result<Vec<Instance>> {
        self.instances.find(owned).await
    }

    async fn wait(&self, id: &InstanceId, goal: Goal, deadline: Moment) -> Result<Instance> {
        self.instances.wait(id, goal, deadline).await
    }

    async fn terminate(&self, ids: &[InstanceId]) -> Result<Vec<Termination>> {
        self.instances.terminate(ids).await
    }

    async fn preflight(&self, request: &LaunchRequest, field: &str) -> Result<Vec<Finding>> {
        self.instances.preflight(request, field).await
    }

    async fn diagnose(&self, id: &InstanceId) -> Diagnosis {
        self.instances.diagnose(id).await
    }

    async fn health(&self, ids: &[InstanceId]) -> Result<Vec<InstanceHealth>> {
        self.instances.health(ids).await
    }

    async fn extend(&self, ids: &[InstanceId], until: Timestamp) -> Result<()> {
        self.instances.extend(ids, until).await
    }

    async fn console(&self, id: &InstanceId) -> Result<Option<String>> {
        self.instances.console(id).await
    }
}

#[async_trait]
impl ImageRegistry for MockCloud {
    async fn find_image(&self, query: &ImageQuery) -> Result<Option<RegisteredImage>> {
        self.images.find_image(query).await
    }

    async fn get_image(&self, id: &ImageId) -> Result<Option<RegisteredImage>> {
        self.images.get_image(id).await
    }

    async fn published(&self) -> Result<Vec<RegisteredImage>> {
        self.images.published().await
    }

    async fn find_content(&self, content_hash: &str) -> Result<Option<RegisteredImage>> {
        self.images.find_content(content_hash).await
    }

    async fn register(&self, uploaded: &UploadedImage, spec: &ImageSpec) -> Result<RegisteredImage> {
        self.images.register(uploaded, spec).await
    }

    async fn share(&self, id: &ImageId, accounts: &[String]) -> Result<()> {
        self.images.share(id, accounts).await
    }

    async fn copy(&self, id: &ImageId, to: &Region) -> Result<RegisteredImage> {
        self.images.copy(id, to).await
    }

    async fn deprecate(&self, id: &ImageId, at: Timestamp) -> Result<()> {
        self.images.deprecate(id, at).await
    }

    async fn deregister(&self, id: &ImageId) -> Result<()> {
        self.images.deregister(id).await
    }
}

#[async_trait]
impl Firewall for MockCloud {
    async fn converge(
        &self,
        deployment: &Name,
        fleet: &Name,
        subnet: Option<&SubnetId>,
        policy: &FirewallPolicy,
    ) -> Result<SecurityGroupId> {
        Firewall::converge(&self.firewall, deployment, fleet, subnet, policy).await
    }

    async fn remove_groups(&self, deployment: &Name) -> Result<Vec<SecurityGroupId>> {
        Firewall::remove_groups(&self.firewall, deployment).await
    }
}

#[async_trait]
impl KeyPairs for MockCloud {
    async fn ensure_key(&self, deployment: &Name, fleet: &Name, key: &KeyPairSpec) -> Result<KeyPair> {
        self.keys.ensure_key(deployment, fleet, key).await
    }

    async fn remove_keys(&self, deployment: &Name) -> Result<Vec<KeyName>> {
        self.keys.remove_keys(deployment).await
    }
}
