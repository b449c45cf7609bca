//! What a test can do to the cloud in memory.

use std::time::Duration;

use ec2_stories_core::memory::{Fault, MemoryCloud, Operation};
use ec2_stories_core::model::{Check, FirewallPolicy, Image, InstanceState, OwnedBy};
use ec2_stories_core::provider::{Firewall, Goal, ImageRegistry, InstanceDeployer};
use ec2_stories_core::{Clock, Error, ErrorKind};
use tokio::time::{Instant, sleep};

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

#[tokio::test(start_paused = true)]
async fn an_instance_that_somebody_stops_neither_runs_nor_ends() {
    let cloud = MemoryCloud::new();
    let id = cloud.launch(&request(&cloud, "t", 1).await).await.unwrap().instances.remove(0).id;
    cloud.stop(&id);
    assert_eq!(cloud.state(&id), Some(InstanceState::Pending), "only what runs can be stopped");
    cloud.wait(&id, Goal::Running, within(60)).await.unwrap();
    cloud.stop(&id);
    assert_eq!(cloud.state(&id), Some(InstanceState::Stopping));
    assert_eq!(cloud.wait(&id, Goal::Running, within(60)).await.unwrap_err().kind(), ErrorKind::Failed);
    sleep(Duration::from_secs(20)).await;
    let seen = cloud.describe(std::slice::from_ref(&id)).await.unwrap().remove(0);
    assert_eq!((seen.state, seen.public_ip), (InstanceState::Stopped, None));
    assert_eq!((cloud.live(), cloud.leaks().len()), (0, 1), "its volumes bill");
    cloud.terminate(std::slice::from_ref(&id)).await.unwrap();
    cloud.wait(&id, Goal::Terminated, within(60)).await.unwrap();
    assert!(cloud.leaks().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_to_be_taken_away_is_so_at_its_time_unless_it_ends_before() {
    let cloud = MemoryCloud::new();
    let launch = cloud.launch(&request(&cloud, "t", 2).await).await.unwrap();
    let ids: Vec<_> = launch.instances.into_iter().map(|instance| instance.id).collect();
    cloud.wait(&ids[0], Goal::Running, within(60)).await.unwrap();
    let began = Instant::now();
    for id in &ids {
        cloud.take_away(id, "spot-interruption", Duration::from_secs(120));
    }
    let health = cloud.health(&ids).await.unwrap();
    let notice = &health[0].notices[0];
    assert!(notice.ends && notice.what == "spot-interruption");
    assert_eq!(notice.at, cloud.clock().now() + Duration::from_secs(120));
    cloud.terminate(&ids[1..]).await.unwrap();
    for (id, seconds) in [(&ids[1], 20), (&ids[0], 140)] {
        let seen = cloud.wait(id, Goal::Terminated, within(3600)).await.unwrap();
        assert_eq!(began.elapsed().as_secs(), seconds);
        let asked = seen.state_reason.unwrap().code.starts_with("Client");
        assert_eq!(asked, *id == ids[1]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_zone_that_fails_has_no_room_and_what_runs_there_is_impaired_until_it_is_over() {
    let cloud = MemoryCloud::new();
    let id = cloud.launch(&request(&cloud, "t", 1).await).await.unwrap().instances.remove(0).id;
    cloud.wait(&id, Goal::Running, within(60)).await.unwrap();
    let check = async || cloud.health(std::slice::from_ref(&id)).await.unwrap().remove(0).system;
    assert_eq!(check().await, Check::Ok);
    cloud.outage("eu-west-1a", Duration::from_secs(600));
    assert_eq!(check().await, Check::Impaired(Some(cloud.clock().now())));
    let elsewhere = cloud.launch(&request(&cloud, "u", 1).await).await.unwrap().instances.remove(0);
    assert_eq!(elsewhere.zone.as_str(), "eu-west-1b");
    sleep(Duration::from_secs(600)).await;
    assert_eq!(check().await, Check::Ok);
    let here = cloud.launch(&request(&cloud, "v", 1).await).await.unwrap().instances.remove(0);
    assert_eq!(here.zone.as_str(), "eu-west-1a");
}

#[tokio::test(start_paused = true)]
async fn a_search_that_lags_shows_what_was() {
    let cloud = MemoryCloud::new();
    cloud.lag(Duration::from_secs(60));
    let id = cloud.launch(&request(&cloud, "t", 1).await).await.unwrap().instances.remove(0).id;
    let shop = OwnedBy::deployment(&name("shop"));
    let found = async || InstanceDeployer::find(&cloud, &shop).await.unwrap().pop().map(|seen| seen.state);
    sleep(Duration::from_secs(59)).await;
    assert_eq!(found().await, None);
    assert_eq!(cloud.describe(std::slice::from_ref(&id)).await.unwrap().len(), 1, "it is known by its id");
    sleep(Duration::from_secs(40)).await;
    assert_eq!(found().await, Some(InstanceState::Running));
    cloud.terminate(&[id]).await.unwrap();
    sleep(Duration::from_secs(50)).await;
    assert_eq!(found().await, Some(InstanceState::Running), "it is terminated by now");
    sleep(Duration::from_secs(30)).await;
    assert_eq!(found().await, Some(InstanceState::Terminated));
}

#[tokio::test(start_paused = true)]
async fn a_share_of_calls_fails_as_the_seed_says_until_it_is_healed() {
    let failures = async |seed| {
        let cloud = MemoryCloud::new();
        let ids = ["i-1".into()];
        cloud.script().sometimes(0.3, seed, || Fault::Before);
        let mut failures = Vec::new();
        for call in 0..1_000 {
            if cloud.describe(&ids).await.is_err() {
                failures.push(call);
            }
        }
        cloud.script().heal();
        for _ in 0..100 {
            assert!(cloud.describe(&ids).await.is_ok());
        }
        failures
    };
    let seven = failures(7).await;
    assert!((200..400).contains(&seven.len()), "{}", seven.len());
    assert_eq!(failures(7).await, seven);
    assert_ne!(failures(8).await, seven);
}

#[tokio::test(start_paused = true)]
async fn a_slow_reply_comes_after_its_effect() {
    let cloud = MemoryCloud::new();
    let request = request(&cloud, "t", 1).await;
    cloud.fail(Operation::Launch, Fault::Slow(Duration::from_secs(20)));
    let began = Instant::now();
    let (launched, live) = tokio::join!(cloud.launch(&request), async {
        sleep(Duration::from_secs(1)).await;
        cloud.live()
    });
    assert_eq!((launched.unwrap().instances.len(), live, began.elapsed().as_secs()), (1, 1, 20));
}
