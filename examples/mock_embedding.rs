//! A unit test of an application that embeds deployment: no cloud, no time, only what the application does.
//!
//! ```sh
//! cargo run --example mock_embedding --features mock
//! ```

use std::sync::Arc;

use ec2_stories::mock::MockInstanceDeployer;
use ec2_stories::model::{InstanceId, Name, OwnedBy};
use ec2_stories::provider::InstanceDeployer;
use ec2_stories::{Error, ErrorKind, Result};

/// The application: it keeps an eye on what a deployment has.
struct Dashboard {
    cloud: Arc<dyn InstanceDeployer>,
    deployment: Name,
}

impl Dashboard {
    /// The line on the wall. A cloud that is busy is no news; one that refuses is.
    async fn line(&self) -> Result<String> {
        match self.cloud.find(&OwnedBy::deployment(&self.deployment)).await {
            Ok(instances) => Ok(format!("{}: {} instances", self.deployment, instances.len())),
            Err(error) if error.is_temporary() => Ok(format!("{}: the cloud is busy", self.deployment)),
            Err(error) => Err(error),
        }
    }

    async fn stop(&self, ids: &[InstanceId]) -> Result<usize> {
        let outcomes = self.cloud.terminate(ids).await?;
        Ok(outcomes.iter().filter(|termination| termination.outcome.is_ok()).count())
    }
}
