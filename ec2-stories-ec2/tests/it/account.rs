//! Accounts: asked at use, so that rotated credentials arrive.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use ec2_stories_core::aws::sdk_config_with_clock;
use ec2_stories_core::model::{Credentials, Region};
use ec2_stories_core::provider::{AccountProvider, Goal, InstanceDeployer};
use ec2_stories_core::{ErrorKind, Result};
use ec2_stories_ec2::Ec2;

use crate::support::{World, ids, within};

/// An account whose key somebody changes.
#[derive(Debug)]
struct Rotated(Mutex<&'static str>);

#[async_trait]
impl AccountProvider for Rotated {
    async fn credentials(&self) -> Result<Credentials> {
        let access_key_id = self.0.lock().unwrap().to_string();
        Ok(Credentials {
            access_key_id,
            secret_access_key: "secret".to_owned().into(),
            session_token: None,
            expires_at: None,
        })
    }

    async fn region(&self) -> Result<Region> {
        Ok("us-east-1".into())
    }

    fn origin(&self) -> String {
        "a test".to_owned()
    }
}

#[tokio::test(start_paused = true)]
async fn rotated_credentials_are_picked_up_between_launch_and_terminate() {
    let world = World::new().await;
    let account = Arc::new(Rotated(Mutex::new("AKIAOLD")));
    let config = sdk_config_with_clock(account.clone(), world.sim.clock()).await.unwrap();
    let config = config.into_builder().http_client(world.sim.sdk_config().http_client().unwrap()).build();
    let ec2 = Ec2::from_config(&config);
    world.sim.accept_only("AKIAOLD");
    let launch = ec2.launch(&world.request("t1", 2)).await.unwrap();
    let waits = launch.instances.iter().map(|instance| ec2.wait(&instance.id, Goal::Running, within(300)));
    let rotation = async {
        tokio::time::sleep(Duration::from_secs(10)).await;
        world.sim.accept_only("AKIANEW");
        *account.0.lock().unwrap() = "AKIANEW";
    };
    let (waited, ()) = tokio::join!(futures::future::join_all(waits), rotation);
    assert!(waited.iter().all(Result::is_ok), "{waited:?}");
    world.sim.accept_only("AKIANEWER");
    *account.0.lock().unwrap() = "AKIANEWER";
    let outcomes = ec2.terminate(&ids(&launch.instances)).await.unwrap();
    assert!(outcomes.iter().all(|termination| termination.outcome.is_ok()), "{outcomes:?}");
}

#[tokio::test(start_paused = true)]
async fn refused_credentials_are_said_to_be() {
    let world = World::new().await;
    world.sim.accept_only("AKIAOTHER");
    let before = world.sim.calls().total();
    let error = world.ec2.launch(&world.request("t1", 1)).await.unwrap_err();
    assert!(world.sim.calls().total() <= before + 3, "no oftener than any call that fails");
    assert_eq!((error.kind(), error.is_permanent()), (ErrorKind::Credentials, true), "{error:?}");
}

#[tokio::test]
async fn an_account_is_all_that_it_takes_to_connect() {
    let ec2 = Ec2::connect(Arc::new(Rotated(Mutex::new("AKIA")))).await.unwrap();
    let text = format!("{ec2:?}");
    assert!(text.contains("us-east-1") && !text.contains("AKIA"), "{text}");
}
