//! Preflight: nothing spent, every finding names its field.

use ec2_stories_core::model::LaunchRequest;
use ec2_stories_core::provider::{Finding, InstanceDeployer, Severity};
use ec2_stories_sim::ImageSeed;

use crate::support::World;

async fn findings(world: &World, change: impl FnOnce(&mut LaunchRequest)) -> Vec<Finding> {
    let mut request = world.request("t1", 2);
    change(&mut request);
    let found = world.ec2.preflight(&request, "fleet.web").await.unwrap();
    assert!(world.sim.instances().is_empty());
    found.into_iter().filter(|finding| finding.severity == Severity::Error).collect()
}

#[tokio::test(start_paused = true)]
async fn a_sound_request_has_no_errors_and_its_token_is_left_alone() {
    let world = World::new().await;
    assert_eq!(findings(&world, |_| ()).await, []);
    world.ec2.launch(&world.request("t1", 3)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn each_mistake_is_found_at_its_field() {
    let world = World::new().await;
    let arm = world.sim.add_image(ImageSeed::builder().name("arm").architecture("arm64").build());
    world.sim.set_unsupported("t3.micro", "us-east-1b");
    let one = async |field: &str, change: &dyn Fn(&mut LaunchRequest)| {
        let found = findings(&world, change).await;
        let field = format!("fleet.web.{field}");
        assert!(!found.is_empty(), "{field}: nothing found");
        assert!(found.iter().any(|finding| finding.field == field), "{field}: {found:?}");
    };
    one("image", &|request| request.image = "ami-0123456789abcdef0".into()).await;
    one("instance_types", &|request| request.image = arm.as_str().into()).await;
    one("instance_types", &|request| request.instance_type = "t99.huge".into()).await;
    one("instance_types", &|request| request.placement.zone = Some("us-east-1b".into())).await;
    one("zones", &|request| request.placement.zone = Some("us-east-1x".into())).await;
    one("subnets", &|request| request.placement.subnet = Some("subnet-0123456789abcdef0".into())).await;
    one("key", &|request| request.key = Some("none".into())).await;
    one("security_groups", &|request| request.security_groups = vec!["sg-0123456789abcdef0".into()]).await;
    one("user_data", &|request| request.user_data = Some(vec![0; 20_000])).await;
}

#[tokio::test(start_paused = true)]
async fn a_full_subnet_is_found() {
    let world = World::new().await;
    let vpc = world.sim.add_vpc("us-east-1", "10.9.0.0/16".parse().unwrap());
    let subnet = world.sim.add_subnet(&vpc, "us-east-1a", "10.9.0.0/28".parse().unwrap()).unwrap();
    let found = findings(&world, |request| {
        *request = world.request("t1", 12);
        request.placement.subnet = Some(subnet.as_str().into());
    })
    .await;
    assert!(found.iter().any(|finding| finding.field == "fleet.web.subnets"), "{found:?}");
}

#[tokio::test(start_paused = true)]
async fn quota_and_permission_come_from_the_dry_run() {
    let world = World::new().await;
    world.sim.set_vcpu_limit("us-east-1", 2);
    let found = findings(&world, |_| ()).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].field, "fleet.web.nodes");
    world.sim.deny("ec2:RunInstances");
    let found = findings(&world, |_| ()).await;
    assert_eq!(found[0].field, "fleet.web");
    assert!(found[0].message.contains("ec2:RunInstances"), "{found:?}");
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_looked_at_is_a_note() {
    let world = World::new().await;
    world.sim.deny("ec2:DescribeInstanceTypes");
    let all = world.ec2.preflight(&world.request("t1", 1), "fleet.web").await.unwrap();
    let note = all.iter().find(|finding| finding.message.contains("ec2:DescribeInstanceTypes")).unwrap();
    assert_eq!(note.severity, Severity::Note);
}
