//! Our client: one launch, one poller for all waits.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use ec2_stories_core::account::StaticAccount;
use ec2_stories_core::model::{
    ClientToken, Generation, ImageId, InstanceType, LaunchRequest, Market, MetadataOptions, Name, Ownership,
    Placement, Slots, Tags,
};
use ec2_stories_core::provider::{Goal, InstanceDeployer};
use ec2_stories_core::{Clock, SystemClock};
use ec2_stories_ec2::{Ec2, Rate, Rates};
use futures::future::try_join_all;
use jiff::Timestamp;
use tokio::time::Instant;

use crate::cloud::Cloud;

pub(crate) struct Ours {
    ec2: Ec2,
    image: String,
}

impl Ours {
    pub(crate) async fn connect(cloud: &Cloud) -> Result<Self, Box<dyn Error>> {
        let account = StaticAccount::new("AKIABENCHMARK0000000", "benchmark", "us-east-1");
        let config = ec2_stories_core::aws::sdk_config(Arc::new(account)).await?;
        // All that EC2 grants, as the peers take it: two fleets of 500 come close to that.
        let launched_instances = Rate { burst: 1_000.0, per_second: 2.0 };
        let rates = Rates { launched_instances, ..Rates::default() };
        let config = config.into_builder().endpoint_url(cloud.url()).build();
        let ec2 = Ec2::builder().config(&config).rates(rates).build();
        Ok(Self { ec2, image: cloud.image.clone() })
    }

    /// Launches so many nodes and says when all were known to run.
    pub(crate) async fn launch(&self, token: &str, nodes: u32) -> Result<Timestamp, Box<dyn Error>> {
        let launch = self.ec2.launch(&request(&self.image, token, nodes)?).await?;
        let deadline = Instant::now() + Duration::from_secs(600);
        let waits =
            launch.instances.iter().map(|instance| self.ec2.wait(&instance.id, Goal::Running, deadline));
        try_join_all(waits).await?;
        Ok(SystemClock.now())
    }
}

fn request(image: &str, token: &str, nodes: u32) -> Result<LaunchRequest, Box<dyn Error>> {
    Ok(LaunchRequest {
        token: ClientToken::new(token),
        ownership: Ownership {
            deployment: Name::new("bench")?,
            fleet: Name::new("bench")?,
            slots: Slots::new(0..nodes),
            generation: Generation::FIRST,
            attempt: 1,
            expires: None,
        },
        at_least: nodes,
        image: ImageId::new(image),
        root_device: None,
        instance_type: InstanceType::new("t3.micro"),
        placement: Placement::default(),
        market: Market::OnDemand,
        key: None,
        security_groups: Vec::new(),
        instance_profile: None,
        public_ip: None,
        volumes: Vec::new(),
        user_data: None,
        metadata: MetadataOptions::default(),
        tags: Tags::new(),
    })
}
