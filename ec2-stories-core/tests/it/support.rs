//! What several modules need.

use std::time::Duration;

#[cfg(feature = "conformance")]
use ec2_stories_core::Attributes;
use ec2_stories_core::memory::MemoryCloud;
use ec2_stories_core::model::{
    ClientToken, Generation, Image, ImageQuery, LaunchRequest, Market, MetadataOptions, Name, Ownership,
    Placement, Slots, Tags,
};
#[cfg(feature = "conformance")]
use ec2_stories_core::model::{Instance, InstanceId, InstanceState, LoginSpec, NodeAddress};
use ec2_stories_core::provider::ImageRegistry;
#[cfg(feature = "conformance")]
use ec2_stories_core::provider::Node;
use tokio::time::Instant;

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub(crate) fn within(seconds: u64) -> Instant {
    Instant::now() + Duration::from_secs(seconds)
}

/// A launch of `nodes` web nodes of deployment `shop`.
pub(crate) async fn request(cloud: &MemoryCloud, token: &str, nodes: u32) -> LaunchRequest {
    let query: ImageQuery = Image::public_query("debian-12", Default::default()).unwrap();
    let image = cloud.find_image(&query).await.unwrap().unwrap();
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
        at_least: 1,
        image: image.id,
        root_device: image.root_device,
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

/// Node `web/<slot>` of deployment `shop`, with an instance of this private address.
#[cfg(feature = "conformance")]
pub(crate) fn node(slot: u32, private_ip: &str) -> Node {
    let instance = Instance {
        id: InstanceId::new(format!("i-{slot}-{private_ip}")),
        state: InstanceState::Running,
        state_reason: None,
        reservation: "r-1".into(),
        launch_index: slot,
        token: None,
        image: "ami-1".into(),
        instance_type: "t3.micro".into(),
        zone: "eu-west-1a".into(),
        private_ip: Some(private_ip.to_owned()),
        public_ip: None,
        private_dns: None,
        public_dns: None,
        spot: false,
        launched_at: None,
        tags: Tags::new(),
    };
    let address = NodeAddress::new(name("web"), slot);
    Node {
        deployment: name("shop"),
        address,
        instance,
        attributes: Attributes::new(),
        login: LoginSpec::default(),
    }
}
