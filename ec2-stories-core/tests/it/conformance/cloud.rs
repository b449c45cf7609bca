use std::time::Duration;

use ec2_stories_core::conformance::{
    self, FirewallFixture, ImageChanges, ImageRegistryFixture, InstanceDeployerFixture, KeyPairsFixture,
};
use ec2_stories_core::memory::MemoryCloud;
use ec2_stories_core::model::{Image, LaunchRequest};
use ec2_stories_core::provider::{ImageFormat, UploadedImage};

use crate::support::request;

#[tokio::test(start_paused = true)]
async fn memory_cloud_deploys_instances() {
    let cloud = MemoryCloud::new();
    cloud.settle_time(Duration::from_secs(10));
    for zone in ["eu-west-1a", "eu-west-1b", "eu-west-1c"] {
        cloud.capacity("m5.large", zone, 0);
        cloud.capacity("c5.large", zone, 2);
    }
    let template = request(&cloud, "template", 5).await;
    let of_type = |name: &str| LaunchRequest { instance_type: name.into(), ..template.clone() };
    let fixture = InstanceDeployerFixture {
        without_room: Some(of_type("m5.large")),
        with_room_for_some: Some(of_type("c5.large")),
        ..InstanceDeployerFixture::new(template.clone())
    };
    conformance::instance_deployer(&cloud, &fixture).await;
    assert!(cloud.leaks().is_empty());
}

#[tokio::test(start_paused = true)]
async fn memory_cloud_is_a_firewall() {
    let cloud = MemoryCloud::new();
    let rules = async |group: &_| {
        let rules = cloud.rules(group)?;
        Some(rules.iter().map(|rule| format!("{rule:?}")).collect())
    };
    conformance::firewall(&cloud, &FirewallFixture::default(), rules).await;
    assert!(cloud.leaks().is_empty());
}

#[tokio::test(start_paused = true)]
async fn memory_cloud_keeps_key_pairs() {
    let cloud = MemoryCloud::new();
    cloud.add_key("team");
    conformance::key_pairs(&cloud, &KeyPairsFixture { existing: Some("team".into()) }).await;
    assert!(cloud.leaks().is_empty());
}

#[tokio::test(start_paused = true)]
async fn memory_cloud_registers_images() {
    let uploaded = |content: &str| UploadedImage {
        location: format!("memory://{content}"),
        content_hash: content.to_owned(),
        format: ImageFormat::Raw,
        bytes: 1,
    };
    let fixture = ImageRegistryFixture {
        public: Image::public_query("debian-12", Default::default()).unwrap(),
        changes: Some(ImageChanges {
            uploaded: uploaded("one"),
            other: uploaded("two"),
            account: "210987654321".to_owned(),
            region: "us-east-1".into(),
        }),
    };
    conformance::image_registry(&MemoryCloud::new(), &fixture).await;
}
