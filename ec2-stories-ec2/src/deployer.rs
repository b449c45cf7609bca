//! The deployer: each method is a module.

use async_trait::async_trait;
use ec2_stories_core::Result;
use ec2_stories_core::model::{
    Diagnosis, Instance, InstanceHealth, InstanceId, Launch, LaunchRequest, OwnedBy,
};
use ec2_stories_core::provider::{Finding, Goal, InstanceDeployer, Termination};
use jiff::Timestamp;
use tokio::time::Instant as Deadline;

use crate::{Ec2, describe, diagnose, extend, find, health, launch, poller, preflight, terminate};

#[async_trait]
impl InstanceDeployer for Ec2 {
    async fn launch(&self, request: &LaunchRequest) -> Result<Launch> {
        let launch = launch::launch(self, request).await?;
        self.lifecycles().note(&launch.instances);
        Ok(launch)
    }

    async fn describe(&self, ids: &[InstanceId]) -> Result<Vec<Instance>> {
        describe::describe(self.api(), ids).await
    }

    async fn find(&self, owned: &OwnedBy) -> Result<Vec<Instance>> {
        let found = find::find(self.api(), owned).await?;
        self.lifecycles().note(&found);
        Ok(found)
    }

    async fn wait(&self, id: &InstanceId, goal: Goal, deadline: Deadline) -> Result<Instance> {
        poller::wait(self, id, goal, deadline).await
    }

    async fn terminate(&self, ids: &[InstanceId]) -> Result<Vec<Termination>> {
        Ok(terminate::terminate(self, ids).await)
    }

    async fn preflight(&self, request: &LaunchRequest, field: &str) -> Result<Vec<Finding>> {
        Ok(preflight::preflight(self.api(), request, field).await)
    }

    async fn diagnose(&self, id: &InstanceId) -> Diagnosis {
        diagnose::diagnose(self.api(), id).await
    }

    async fn health(&self, ids: &[InstanceId]) -> Result<Vec<InstanceHealth>> {
        health::health(self, ids).await
    }

    async fn extend(&self, ids: &[InstanceId], until: Timestamp) -> Result<()> {
        extend::extend(self.api(), ids, until).await
    }

    async fn console(&self, id: &InstanceId) -> Result<Option<String>> {
        diagnose::console(self.api(), id).await
    }
}
