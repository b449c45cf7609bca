//! A cloud, a client, a request.

use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use ec2_stories_core::model::{
    Architecture, ClientToken, Generation, Image, Instance, InstanceId, LaunchRequest, Market,
    MetadataOptions, Name, Ownership, Placement, RegisteredImage, Slots, Tags,
};
use ec2_stories_core::provider::ImageRegistry;
use ec2_stories_ec2::{Ec2, PublicAddress};
use ec2_stories_sim::{Latencies, Sim};
use tokio::time::Instant;

pub(crate) struct World {
    pub(crate) sim: Sim,
    pub(crate) ec2: Ec2,
    pub(crate) image: RegisteredImage,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Sim::builder().seed(7).build()).await
    }

    /// Every instance boots in exactly this time.
    pub(crate) async fn booting_in(boot: Duration) -> Self {
        Self::with(
            Sim::builder().seed(7).latency(Latencies::builder().boot(boot).jitter(0.0).build()).build(),
        )
        .await
    }

    pub(crate) async fn with(sim: Sim) -> Self {
        let ec2 = Ec2::from_config(&sim.sdk_config());
        let query = Image::public_query("debian-12", Architecture::X86_64).unwrap();
        let image = ec2.find_image(&query).await.unwrap().expect("the embedded cloud has public images");
        Self { sim, ec2, image }
    }

    /// A request for so many nodes under this token.
    pub(crate) fn request(&self, token: &str, nodes: u32) -> LaunchRequest {
        request(&self.image, token, nodes)
    }

    /// The parameters of the operation's last call, in wire names.
    pub(crate) fn last_params(&self, operation: &str) -> Vec<(String, String)> {
        let log = self.sim.calls_log();
        log.into_iter().rfind(|call| call.operation == operation).expect("it was called").params
    }
}

/// A plain request for the deployment `shop`.
pub(crate) fn request(image: &RegisteredImage, token: &str, nodes: u32) -> LaunchRequest {
    LaunchRequest {
        token: ClientToken::new(token),
        ownership: Ownership {
            deployment: name("shop"),
            fleet: name("web"),
            slots: Slots::new(0..nodes),
            generation: Generation::FIRST,
            attempt: 1,
            expires: None,
        },
        at_least: nodes,
        image: image.id.clone(),
        root_device: image.root_device.clone(),
        instance_type: "t3.micro".into(),
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
    }
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub(crate) fn ids(instances: &[Instance]) -> Vec<InstanceId> {
    instances.iter().map(|instance| instance.id.clone()).collect()
}

pub(crate) fn within(seconds: u64) -> Instant {
    Instant::now() + Duration::from_secs(seconds)
}

pub(crate) fn value<'a>(params: &'a [(String, String)], name: &str) -> Option<&'a str> {
    params.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// An address that needs no asking.
#[derive(Debug)]
pub(crate) struct Fixed(pub(crate) IpAddr);

impl Fixed {
    pub(crate) fn v4() -> Self {
        Self("198.51.100.7".parse().unwrap())
    }
}

#[async_trait]
impl PublicAddress for Fixed {
    async fn find(&self) -> ec2_stories_core::Result<IpAddr> {
        Ok(self.0)
    }
}
