//! Consoles as the cloud shows them.

use std::sync::Arc;

use async_trait::async_trait;
use ec2_stories_core::Result;
use ec2_stories_core::model::InstanceId;
use ec2_stories_core::provider::InstanceDeployer;

use super::Console;

/// The console output of a cloud's instances, such as an `Ec2`'s.
#[derive(Clone, Debug)]
pub struct CloudConsole(Arc<dyn InstanceDeployer>);

impl CloudConsole {
    /// Of this cloud.
    #[must_use]
    pub fn of(cloud: Arc<dyn InstanceDeployer>) -> Self {
        Self(cloud)
    }
}

#[async_trait]
impl Console for CloudConsole {
    async fn console(&self, id: &InstanceId) -> Result<Option<String>> {
        self.0.console(id).await
    }
}
