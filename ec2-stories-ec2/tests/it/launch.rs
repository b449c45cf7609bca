//! Launching: one call, one token, every tag.

use std::time::Duration;

use ec2_stories_core::ErrorKind;
use ec2_stories_core::model::{Market, NodeAddress, OwnedBy, Volume};
use ec2_stories_core::provider::InstanceDeployer;
use ec2_stories_sim::Fault;

use crate::support::{World, ids, name, value};

#[tokio::test(start_paused = true)]
async fn a_batch_is_one_call_and_each_instance_knows_its_node() {
    let world = World::new().await;
    let launch = world.ec2.launch(&world.request("t1", 3)).await.unwrap();
    assert_eq!(launch.instances.len(), 3);
    for (slot, instance) in (0..).zip(&launch.instances) {
        assert_eq!(instance.node(), Some(NodeAddress::new(name("web"), slot)));
    }
    assert_eq!(world.sim.calls().count("RunInstances"), 1);
    assert_eq!(world.sim.calls().count("CreateTags"), 0);
}

#[tokio::test(start_paused = true)]
async fn the_defaults_are_the_safe_ones() {
    let world = World::new().await;
    let mut request = world.request("t1", 1);
    request.volumes = vec![Volume::at("/dev/sdf", 10)];
    request.user_data = Some(b"#!/bin/sh".to_vec());
    world.ec2.launch(&request).await.unwrap();
    let params = world.last_params("RunInstances");
    let says = |name: &str| value(&params, name);
    assert_eq!(says("MetadataOptions.HttpTokens"), Some("required"));
    assert_eq!(says("InstanceInitiatedShutdownBehavior"), Some("terminate"));
    for index in 1..=2 {
        assert_eq!(says(&format!("BlockDeviceMapping.{index}.Ebs.Encrypted")), Some("true"));
        assert_eq!(says(&format!("BlockDeviceMapping.{index}.Ebs.DeleteOnTermination")), Some("true"));
    }
    assert_eq!(says("UserData"), Some("IyEvYmluL3No"));
    let tagged: Vec<&str> =
        (1..=3).filter_map(|index| says(&format!("TagSpecification.{index}.ResourceType"))).collect();
    assert_eq!(tagged, ["instance", "volume", "network-interface"]);
    assert!(params.iter().all(|(key, _)| !key.contains("Tenancy")));
}

#[tokio::test(start_paused = true)]
async fn the_same_request_again_says_the_same_and_launches_nothing() {
    let world = World::new().await;
    let mut request = world.request("t1", 2);
    request.tags = [("b", "2"), ("a", "1")].into_iter().collect();
    let first = world.ec2.launch(&request).await.unwrap();
    let said = world.last_params("RunInstances");
    let again = world.ec2.launch(&request).await.unwrap();
    assert_eq!(ids(&first.instances), ids(&again.instances));
    assert_eq!(said, world.last_params("RunInstances"));
    assert_eq!(world.sim.instances().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn another_request_under_a_used_token_is_a_conflict_and_a_dead_tokens_is_failed() {
    let world = World::new().await;
    let launch = world.ec2.launch(&world.request("t1", 1)).await.unwrap();
    let error = world.ec2.launch(&world.request("t1", 2)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    tokio::time::sleep(Duration::from_secs(5)).await;
    world.ec2.terminate(&ids(&launch.instances)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(120)).await;
    let error = world.ec2.launch(&world.request("t1", 1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed);
    assert_eq!(error.api_code(), Some("IdempotentInstanceTerminated"));
}

#[tokio::test(start_paused = true)]
async fn fewer_instances_than_asked_for_are_an_outcome() {
    let world = World::new().await;
    let mut request = world.request("t1", 5);
    request.placement.zone = Some("us-east-1a".into());
    request.at_least = 2;
    world.sim.set_capacity("t3.micro", "us-east-1a", 3);
    assert_eq!(world.ec2.launch(&request).await.unwrap().instances.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn no_capacity_is_one_call_and_throttling_is_another_thing() {
    let world = World::new().await;
    let mut request = world.request("t1", 1);
    request.placement.zone = Some("us-east-1a".into());
    world.sim.set_capacity("t3.micro", "us-east-1a", 0);
    let error = world.ec2.launch(&request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Capacity);
    assert_eq!(world.sim.calls().count("RunInstances"), 1, "EC2 meant it, whatever the SDK makes of a 500");
    assert!(error.message().contains("(request "), "{error}");

    world.sim.faults().always("RunInstances", Fault::Throttle);
    let error = world.ec2.launch(&world.request("t2", 1)).await.unwrap_err();
    assert_eq!((error.kind(), error.is_temporary()), (ErrorKind::Throttled, true));
}

#[tokio::test(start_paused = true)]
async fn a_quota_is_neither() {
    let world = World::new().await;
    world.sim.set_vcpu_limit("us-east-1", 4);
    let error = world.ec2.launch(&world.request("t1", 3)).await.unwrap_err();
    assert_eq!((error.kind(), error.is_permanent()), (ErrorKind::Limit, true));
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_is_repaired_by_the_token() {
    let world = World::new().await;
    world.sim.faults().nth("RunInstances", 1, Fault::ReplyLostAfter);
    let launch = world.ec2.launch(&world.request("t1", 2)).await.unwrap();
    assert_eq!(launch.instances.len(), 2);
    assert_eq!(world.sim.instances().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_knows_is_ambiguous_even_when_the_last_attempt_was_throttled() {
    let world = World::new().await;
    world.sim.faults().nth("RunInstances", 1, Fault::ReplyLostAfter).nth("RunInstances", 2, Fault::Throttle);
    world.sim.faults().nth("RunInstances", 3, Fault::Throttle);
    let error = world.ec2.launch(&world.request("t1", 1)).await.unwrap_err();
    assert!(error.is_ambiguous(), "{error:?}");
    let launch = world.ec2.launch(&world.request("t1", 1)).await.unwrap();
    assert_eq!(launch.instances.len(), 1);
    assert_eq!(world.sim.instances().len(), 1);

    world.sim.faults().always("RunInstances", Fault::ReplyLostBefore);
    assert!(world.ec2.launch(&world.request("t2", 1)).await.unwrap_err().is_ambiguous());
}

#[tokio::test(start_paused = true)]
async fn spot_is_asked_for_once_and_tagged() {
    let world = World::new().await;
    let mut request = world.request("t1", 1);
    request.market = Market::Spot { max_price: Some("0.01".to_owned()) };
    let launch = world.ec2.launch(&request).await.unwrap();
    assert!(launch.instances[0].spot);
    let params = world.last_params("RunInstances");
    assert_eq!(value(&params, "InstanceMarketOptions.SpotOptions.SpotInstanceType"), Some("one-time"));
    assert_eq!(value(&params, "TagSpecification.4.ResourceType"), Some("spot-instances-request"));
}

#[tokio::test(start_paused = true)]
async fn a_public_address_is_asked_for_on_the_interface() {
    let world = World::new().await;
    let mut request = world.request("t1", 1);
    request.public_ip = Some(false);
    let launch = world.ec2.launch(&request).await.unwrap();
    let id = launch.instances[0].id.as_str().to_owned();
    assert_eq!(world.sim.instance(&id).unwrap().public_ip, None);
}

#[tokio::test(start_paused = true)]
async fn user_data_over_the_limit_is_refused_before_the_call() {
    let world = World::new().await;
    let mut request = world.request("t1", 1);
    request.user_data = Some(vec![b'x'; 16 * 1024 + 1]);
    let error = world.ec2.launch(&request).await.unwrap_err();
    assert_eq!(error.resource(), Some("user_data"));
    assert_eq!(world.sim.calls().count("RunInstances"), 0);
}

#[tokio::test(start_paused = true)]
async fn what_a_deployment_owns_is_found_by_tag_and_by_token() {
    let world = World::new().await;
    let first = world.ec2.launch(&world.request("t1", 2)).await.unwrap();
    world.ec2.launch(&world.request("t2", 1)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let shop = OwnedBy::deployment(&name("shop"));
    assert_eq!(InstanceDeployer::find(&world.ec2, &shop).await.unwrap().len(), 3);
    let under = shop.launched_under(&"t1".into());
    let mut found = ids(&InstanceDeployer::find(&world.ec2, &under).await.unwrap());
    found.sort();
    let mut launched = ids(&first.instances);
    launched.sort();
    assert_eq!(found, launched);
    let other = OwnedBy::deployment(&name("other"));
    assert!(InstanceDeployer::find(&world.ec2, &other).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_unknown_id_does_not_hide_the_others() {
    let world = World::new().await;
    let launch = world.ec2.launch(&world.request("t1", 2)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let mut asked = ids(&launch.instances);
    asked.extend(["i-0123456789abcdef0".into(), "nonsense".into()]);
    assert_eq!(world.ec2.describe(&asked).await.unwrap().len(), 2);
    let before = world.sim.calls().total();
    assert!(world.ec2.describe(&[]).await.unwrap().is_empty());
    assert_eq!(world.sim.calls().total(), before);
}

#[tokio::test(start_paused = true)]
async fn a_group_that_was_just_made_is_waited_for() {
    let world = World::new().await;
    let unseen = Fault::Error { code: "InvalidGroup.NotFound".to_owned(), status: 400 };
    world.sim.faults().nth("RunInstances", 1, unseen.clone()).nth("RunInstances", 2, unseen.clone());
    assert_eq!(world.ec2.launch(&world.request("t1", 1)).await.unwrap().instances.len(), 1);
    world.sim.faults().always("RunInstances", unseen);
    assert_eq!(world.ec2.launch(&world.request("t2", 1)).await.unwrap_err().kind(), ErrorKind::NotFound);
}
