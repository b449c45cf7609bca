//! What a test can do to the cloud in memory.

use std::time::Duration;

use ec2_stories_core::memory::{Fault, MemoryCloud, Operation};
use ec2_stories_core::model::{FirewallPolicy, Image, InstanceState, OwnedBy};
use ec2_stories_core::provider::{Firewall, Goal, ImageRegistry, InstanceDeployer};
use ec2_stories_core::{Error, ErrorKind};

use crate::support::{name, request, within};

#[tokio::test(start_paused = true)]
async fn a_call_fails_where_the_test_says_before_or_after_its_effect() {
    let cloud = MemoryCloud::new();
    let request = request(&cloud, "t", 2).await;
    cloud.fail(Operation::Launch, Fault::Before);
    cloud.fail(Operation::Launch, Fault::After);
    cloud.fail(4, Fault::Error(Error::new(ErrorKind::Throttled, "slow down")));

    assert!(cloud.launch(&request).await.unwrap_err().is_temporary());
    assert_eq!(cloud.live(), 0);
    assert!(cloud.launch(&request).await.unwrap_err().is_ambiguous());
    assert_eq!(cloud.live(), 2);
    let launch = cloud.launch(&request).await.unwrap();
    assert_eq!((launch.instances.len(), cloud.live()), (2, 2));
    let ids = [launch.instances[0].id.clone()];
    assert_eq!(cloud.describe(&ids).await.unwrap_err().kind(), ErrorKind::Throttled);

    use Operation::{Describe, FindImage, Launch};
    assert_eq!(cloud.script().calls(), [FindImage, Launch, Launch, Launch, Describe]);
    assert_eq!(cloud.script().count(Launch), 3);
}

#[tokio::test(start_paused = true)]
async fn a_stalled_call_plays_a_process_that_died() {
    let cloud = MemoryCloud::new();
    let request = request(&cloud, "t", 1).await;
    for (fault, live) in [(Fault::StallBefore, 0), (Fault::StallAfter, 1)] {
        cloud.fail(Operation::Launch, fault);
        tokio::select! {
            _ = cloud.launch(&request) => panic!("a stalled call returned"),
            () = cloud.script().stalled() => {}
        }
        assert_eq!(cloud.live(), live);
    }
}

#[tokio::test(start_paused = true)]
async fn a_machine_boots_runs_and_ends_in_virtual_time() {
    let cloud = MemoryCloud::new();
    cloud.boot_time(Duration::from_secs(600));
    let instance = cloud.launch(&request(&cloud, "t", 1).await).await.unwrap().instances.remove(0);
    let began = tokio::time::Instant::now();
    let running = cloud.wait(&instance.id, Goal::Running, within(3600)).await.unwrap();
    assert_eq!((running.state, began.elapsed().as_secs()), (InstanceState::Running, 600));
    assert_eq!(cloud.leaks().len(), 1);

    cloud.kill(&instance.id, "Server.SpotInstanceTermination", "taken away");
    cloud.wait(&instance.id, Goal::Terminated, within(3600)).await.unwrap();
    assert!(cloud.leaks().is_empty());
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert!(cloud.describe(&[instance.id]).await.unwrap().is_empty(), "forgotten after an hour");
}

#[tokio::test(start_paused = true)]
async fn a_boot_can_fail_late_and_says_why() {
    let cloud = MemoryCloud::new();
    cloud.fail_boot("Server.InternalError", "hardware");
    let launch = cloud.launch(&request(&cloud, "t", 2).await).await.unwrap();
    let error = cloud.wait(&launch.instances[0].id, Goal::Running, within(60)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed);
    assert!(error.to_string().contains("server.internalerror"), "{error}");
    cloud.wait(&launch.instances[1].id, Goal::Running, within(60)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_zone_without_room_is_passed_over_and_a_full_cloud_is_a_capacity_error() {
    let cloud = MemoryCloud::new();
    for (zone, room) in [("eu-west-1a", 0), ("eu-west-1b", 2), ("eu-west-1c", 0)] {
        cloud.capacity("t3.micro", zone, room);
    }
    let launch = cloud.launch(&request(&cloud, "t", 3).await).await.unwrap();
    assert_eq!(launch.instances.len(), 2);
    assert_eq!(launch.instances[0].zone.as_str(), "eu-west-1b");
    let error = cloud.launch(&request(&cloud, "u", 1).await).await.unwrap_err();
    assert_eq!((error.kind(), error.api_code()), (ErrorKind::Capacity, Some("InsufficientInstanceCapacity")));
}

#[tokio::test(start_paused = true)]
async fn a_token_is_forgotten_after_a_day() {
    let cloud = MemoryCloud::new();
    let request = request(&cloud, "t", 1).await;
    let first = cloud.launch(&request).await.unwrap();
    tokio::time::sleep(Duration::from_secs(25 * 3600)).await;
    assert_ne!(cloud.launch(&request).await.unwrap(), first);
    assert_eq!(cloud.live(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_new_instance_can_stay_unknown_for_a_while() {
    let cloud = MemoryCloud::new();
    cloud.settle_time(Duration::from_secs(40));
    let id = cloud.launch(&request(&cloud, "t", 1).await).await.unwrap().instances.remove(0).id;
    assert!(cloud.describe(std::slice::from_ref(&id)).await.unwrap().is_empty());
    let shop = OwnedBy::deployment(&name("shop"));
    assert!(InstanceDeployer::find(&cloud, &shop).await.unwrap().is_empty());
    cloud.wait(&id, Goal::Running, within(60)).await.unwrap();
    assert_eq!(InstanceDeployer::find(&cloud, &shop).await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn removing_groups_outlasts_the_instances_that_hold_them() {
    let cloud = MemoryCloud::new();
    let group = cloud.converge(&name("shop"), &name("web"), None, &FirewallPolicy::default()).await.unwrap();
    let mut request = request(&cloud, "t", 1).await;
    request.security_groups = vec![group.clone()];
    let id = cloud.launch(&request).await.unwrap().instances.remove(0).id;
    assert_eq!(cloud.remove_groups(&name("shop")).await.unwrap_err().kind(), ErrorKind::InUse);
    cloud.terminate(&[id]).await.unwrap();
    assert_eq!(cloud.remove_groups(&name("shop")).await.unwrap(), [group]);
}

#[tokio::test(start_paused = true)]
async fn an_image_is_found_by_its_publisher() {
    let cloud = MemoryCloud::new();
    for public in Image::public_names() {
        let query = Image::public_query(public, Default::default()).unwrap();
        let found = cloud.find_image(&query).await.unwrap().unwrap();
        assert_eq!(cloud.get_image(&found.id).await.unwrap(), Some(found));
    }
}
