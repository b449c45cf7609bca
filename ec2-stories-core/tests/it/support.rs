//! What several modules need.

use std::time::Duration;

use ec2_stories_core::memory::MemoryCloud;
use ec2_stories_core::model::{
    ClientToken, Generation, Image, ImageQuery, LaunchRequest, Market, MetadataOptions, Name, Ownership,
    Placement, Slots, Tags,
};
use ec2_stories_core::provider::ImageRegistry;
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
    let image = ImageRegistry::find(cloud, &query).await.unwrap().unwrap();
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
