//! The cloud as a controller reaches it, with somebody who listens in.

use async_trait::async_trait;
use ec2_stories::model::{
    Diagnosis, FirewallPolicy, ImageId, ImageQuery, Instance, InstanceHealth, InstanceId, KeyName, KeyPair,
    KeyPairSpec, Launch, LaunchRequest, Name, OwnedBy, RegisteredImage, SecurityGroupId, SubnetId,
};
use ec2_stories::provider::{
    Finding, Firewall, Goal, ImageRegistry, InstanceDeployer, KeyPairs, Termination,
};
use ec2_stories::{Ec2, Error, ErrorKind, Result};
use jiff::Timestamp;
use tokio::time::Instant;

use super::truth::{Network, Truth};

/// What goes to [`Ec2`], as far as the network lets it.
#[derive(Debug)]
pub(super) struct Tapped {
    pub(super) ec2: Ec2,
    pub(super) truth: Truth,
}

impl Tapped {
    fn way(&self, what: &str) -> Result<&Ec2> {
        match self.truth.network() {
            Network::Well => Ok(&self.ec2),
            Network::Down => Err(Error::new(ErrorKind::Unavailable, "no route to the cloud").during(what)),
            Network::Throttled => Err(Error::new(ErrorKind::Throttled, "too many calls").during(what)),
        }
    }
}

#[async_trait]
impl InstanceDeployer for Tapped {
    async fn launch(&self, request: &LaunchRequest) -> Result<Launch> {
        let launched = self.way("launch")?.launch(request).await;
        self.truth.launched();
        launched
    }

    async fn describe(&self, ids: &[InstanceId]) -> Result<Vec<Instance>> {
        self.way("describe")?.describe(ids).await
    }

    async fn find(&self, owned: &OwnedBy) -> Result<Vec<Instance>> {
        InstanceDeployer::find(self.way("find")?, owned).await
    }

    async fn wait(&self, id: &InstanceId, goal: Goal, deadline: Instant) -> Result<Instance> {
        self.way("wait")?.wait(id, goal, deadline).await
    }

    async fn terminate(&self, ids: &[InstanceId]) -> Result<Vec<Termination>> {
        let way = self.way("terminate")?;
        self.truth.ends(ids);
        way.terminate(ids).await
    }

    async fn preflight(&self, request: &LaunchRequest, field: &str) -> Result<Vec<Finding>> {
        self.way("preflight")?.preflight(request, field).await
    }

    async fn diagnose(&self, id: &InstanceId) -> Diagnosis {
        self.ec2.diagnose(id).await
    }

    async fn health(&self, ids: &[InstanceId]) -> Result<Vec<InstanceHealth>> {
        self.way("health")?.health(ids).await
    }

    async fn extend(&self, ids: &[InstanceId], until: Timestamp) -> Result<()> {
        self.way("extend")?.extend(ids, until).await
    }
}

#[async_trait]
impl ImageRegistry for Tapped {
    async fn find_image(&self, query: &ImageQuery) -> Result<Option<RegisteredImage>> {
        self.way("find image")?.find_image(query).await
    }

    async fn get_image(&self, id: &ImageId) -> Result<Option<RegisteredImage>> {
        self.way("get image")?.get_image(id).await
    }
}

#[async_trait]
impl Firewall for Tapped {
    async fn converge(
        &self,
        deployment: &Name,
        fleet: &Name,
        subnet: Option<&SubnetId>,
        policy: &FirewallPolicy,
    ) -> Result<SecurityGroupId> {
        self.way("converge")?.converge(deployment, fleet, subnet, policy).await
    }

    async fn remove_groups(&self, deployment: &Name) -> Result<Vec<SecurityGroupId>> {
        self.way("remove groups")?.remove_groups(deployment).await
    }
}

#[async_trait]
impl KeyPairs for Tapped {
    async fn ensure_key(&self, deployment: &Name, fleet: &Name, key: &KeyPairSpec) -> Result<KeyPair> {
        self.way("ensure key")?.ensure_key(deployment, fleet, key).await
    }

    async fn remove_keys(&self, deployment: &Name) -> Result<Vec<KeyName>> {
        self.way("remove keys")?.remove_keys(deployment).await
    }
}
