//! The contracts' own suites, over the embedded cloud.

use ec2_stories_core::conformance::{
    FirewallFixture, ImageChanges, ImageRegistryFixture, InstanceDeployerFixture, KeyPairsFixture, firewall,
    image_registry, instance_deployer, key_pairs,
};
use ec2_stories_core::image::Encryption;
use ec2_stories_core::model::{Architecture, Image, KeyName, LaunchRequest, Region, SecurityGroupId};
use ec2_stories_ec2::Ec2;

use crate::images::upload;
use crate::support::{Fixed, World};

#[tokio::test(start_paused = true)]
async fn instance_deployers() {
    let world = World::new().await;
    world.sim.set_capacity("t3.small", "us-east-1a", 0);
    world.sim.set_capacity("t3.medium", "us-east-1a", 2);
    let in_zone = |instance_type: &str, nodes: u32, at_least: u32| {
        let mut request = LaunchRequest { at_least, ..world.request("template", nodes) };
        request.instance_type = instance_type.into();
        request.placement.zone = Some("us-east-1a".into());
        Some(request)
    };
    let fixture = InstanceDeployerFixture {
        without_room: in_zone("t3.small", 2, 1),
        with_room_for_some: in_zone("t3.medium", 4, 1),
        ..InstanceDeployerFixture::new(world.request("template", 1))
    };
    instance_deployer(&world.ec2, &fixture).await;
    world.sim.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn firewalls() {
    let world = World::new().await;
    let ec2 = Ec2::builder().config(&world.sim.sdk_config()).public_address(Fixed::v4()).build();
    let client = aws_sdk_ec2::Client::new(&world.sim.sdk_config());
    let rules = async |group: &SecurityGroupId| {
        client.describe_security_groups().group_ids(group.as_str()).send().await.ok()?;
        let filter = aws_sdk_ec2::types::Filter::builder().name("group-id").values(group.as_str()).build();
        let reply = client.describe_security_group_rules().filters(filter).send().await.unwrap();
        let inbound = reply.security_group_rules().iter().filter(|rule| rule.is_egress() == Some(false));
        Some(inbound.map(|rule| format!("{rule:?}")).collect())
    };
    firewall(&ec2, &FirewallFixture::default(), rules).await;
    world.sim.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn key_pair_keepers() {
    let world = World::new().await;
    let client = aws_sdk_ec2::Client::new(&world.sim.sdk_config());
    client.create_key_pair().key_name("mine").send().await.unwrap();
    key_pairs(&world.ec2, &KeyPairsFixture { existing: Some(KeyName::new("mine")) }).await;
    client.delete_key_pair().key_name("mine").send().await.unwrap();
    world.sim.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn image_registries() {
    let world = World::new().await;
    let public = Image::public_query("debian-12", Architecture::X86_64).unwrap();
    let changes = ImageChanges {
        uploaded: upload(&world.sim, "web"),
        other: upload(&world.sim, "db"),
        account: "210987654321".to_owned(),
        region: Region::new("eu-west-1"),
        encryption: Encryption::Off,
    };
    image_registry(&world.ec2, &ImageRegistryFixture { public, changes: Some(changes) }).await;
}
