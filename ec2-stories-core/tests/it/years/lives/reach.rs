//! The cloud and the journal as a controller reaches them, with somebody who listens in.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use ec2_stories_core::model::{
    Diagnosis, FirewallPolicy, ImageId, ImageQuery, Instance, InstanceHealth, InstanceId, KeyName, KeyPair,
    KeyPairSpec, Launch, LaunchRequest, Name, OwnedBy, RegisteredImage, SecurityGroupId, SubnetId,
};
use ec2_stories_core::provider::{
    Cloud, Expect, Finding, Firewall, Goal, ImageRegistry, InstanceDeployer, KeyPairs, Termination, Tuple,
    TupleStore, Version,
};
use ec2_stories_core::{Error, ErrorKind, MemoryStore, Result};
use jiff::Timestamp;
use tokio::time::Instant;

use super::truth::{Network, Truth};

/// What goes to the cloud, as far as the network lets it.
#[derive(Debug)]
pub(super) struct Tapped {
    pub(super) cloud: Arc<dyn Cloud>,
    pub(super) truth: Truth,
}

impl Tapped {
    fn way(&self, what: &str) -> Result<&dyn Cloud> {
        match self.truth.network() {
            Network::Well | Network::StoreDown => Ok(&*self.cloud),
            Network::Down => Err(Error::new(ErrorKind::Unavailable, "no route to the cloud").during(what)),
            Network::Throttled => Err(Error::new(ErrorKind::Throttled, "too many calls").during(what)),
        }
    }
}

#[async_trait]
impl InstanceDeployer for Tapped {
    async fn launch(&self, request: &LaunchRequest) -> Result<Launch> {
        self.truth.asks(request);
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
        self.cloud.diagnose(id).await
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

/// A controller's way to its journal, which can be cut for it alone.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) store: MemoryStore,
    pub(super) truth: Truth,
    cut: Arc<AtomicBool>,
}

impl Line {
    pub(super) fn new(store: &MemoryStore, truth: &Truth) -> Self {
        Self { store: store.clone(), truth: truth.clone(), cut: Arc::default() }
    }

    pub(super) fn cut(&self, cut: bool) {
        self.cut.store(cut, Ordering::Relaxed);
    }

    pub(super) fn is_down(&self) -> bool {
        self.cut.load(Ordering::Relaxed) || self.truth.network() == Network::StoreDown
    }

    fn way(&self, what: &str) -> Result<&MemoryStore> {
        if self.is_down() {
            return Err(Error::new(ErrorKind::Unavailable, "no route to the journal").during(what));
        }
        Ok(&self.store)
    }
}

#[async_trait]
impl TupleStore for Line {
    async fn get(&self, name: &str) -> Result<Option<Tuple>> {
        self.way("get")?.get(name).await
    }

    async fn put(&self, name: &str, value: &[u8], expect: Expect) -> Result<Version> {
        self.way("put")?.put(name, value, expect).await
    }

    async fn delete(&self, name: &str, expect: Expect) -> Result<()> {
        self.way("delete")?.delete(name, expect).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>> {
        self.way("list")?.list(prefix).await
    }
}
