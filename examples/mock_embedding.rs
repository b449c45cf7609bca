//! A unit test of an application that embeds deployment: no cloud, no time, only what the application does.
//!
//! ```sh
//! cargo run --example mock_embedding --features mock
//! ```
//!
//! Ends with: three tests passed, no cloud was asked

use std::sync::Arc;

use ec2_stories::mock::MockInstanceDeployer;
use ec2_stories::model::{InstanceId, Name, OwnedBy};
use ec2_stories::provider::{InstanceDeployer, Termination};
use ec2_stories::terminal::say;
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

fn dashboard(cloud: MockInstanceDeployer) -> Result<Dashboard> {
    Ok(Dashboard { cloud: Arc::new(cloud), deployment: Name::new("shop")? })
}

async fn a_busy_cloud_is_no_news() -> Result<()> {
    let mut cloud = MockInstanceDeployer::new();
    cloud.expect_find().times(1).returning(|_| Err(Error::new(ErrorKind::Throttled, "slow down")));
    assert_eq!(dashboard(cloud)?.line().await?, "shop: the cloud is busy");
    Ok(())
}

async fn a_refusal_is_passed_on() -> Result<()> {
    let mut cloud = MockInstanceDeployer::new();
    cloud.expect_find().times(1).returning(|_| Err(Error::new(ErrorKind::Forbidden, "not allowed")));
    let refused = dashboard(cloud)?.line().await.expect_err("a refusal is an error");
    assert_eq!(refused.kind(), ErrorKind::Forbidden);
    Ok(())
}

async fn only_its_own_deployment_is_asked_for_and_each_outcome_counted() -> Result<()> {
    let mut cloud = MockInstanceDeployer::new();
    cloud.expect_find().withf(|owned| owned.deployment.as_str() == "shop").returning(|_| Ok(Vec::new()));
    cloud.expect_terminate().times(1).returning(|ids| {
        let gone = |id: &InstanceId| Termination { id: id.clone(), outcome: Ok(()) };
        let mut outcomes: Vec<_> = ids.iter().map(gone).collect();
        outcomes[0].outcome = Err(Error::new(ErrorKind::Forbidden, "protected"));
        Ok(outcomes)
    });
    let dashboard = dashboard(cloud)?;
    assert_eq!(dashboard.line().await?, "shop: 0 instances");
    assert_eq!(dashboard.stop(&["i-1".into(), "i-2".into()]).await?, 1);
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    // In your own code each of these is a #[tokio::test].
    a_busy_cloud_is_no_news().await?;
    a_refusal_is_passed_on().await?;
    only_its_own_deployment_is_asked_for_and_each_outcome_counted().await?;
    say("three tests passed, no cloud was asked");
    Ok(())
}
