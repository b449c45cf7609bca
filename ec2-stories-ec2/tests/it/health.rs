//! Health of many in few calls, and notices before they come true.

use std::time::Duration;

use ec2_stories_core::model::{Check, InstanceState, LaunchRequest, Market, Notice};
use ec2_stories_core::provider::{Goal, InstanceDeployer};
use ec2_stories_ec2::Ec2;
use ec2_stories_sim::Fault;
use futures::future::try_join_all;
use tokio::time::sleep;

use crate::support::{World, ids, within};

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test(start_paused = true)]
async fn a_thousand_instances_cost_ten_calls_a_look_and_two_once() {
    let world = World::new().await;
    let all = ids(&world.ec2.launch(&world.request("t1", 1_000)).await.unwrap().instances);
    sleep(Duration::from_secs(60)).await;
    // Whoever launched them knows which are spot; another learns it once.
    let other = Ec2::from_config(&world.sim.sdk_config());
    for (ec2, describes) in [(&world.ec2, 0), (&other, 2)] {
        let before = world.sim.calls();
        for _ in 0..3 {
            assert_eq!(ec2.health(&all).await.unwrap().len(), 1_000);
        }
        let calls = world.sim.calls();
        let of = |operation: &str| calls.count(operation) - before.count(operation);
        assert_eq!(of("DescribeInstanceStatus"), 30);
        assert_eq!(of("DescribeInstances"), describes);
        assert_eq!(of("DescribeSpotInstanceRequests"), 0, "none is");
    }
}

#[tokio::test(start_paused = true)]
async fn checks_say_what_is_impaired_and_since_when() {
    let world = World::new().await;
    let all = ids(&world.ec2.launch(&world.request("t1", 3)).await.unwrap().instances);
    let running = all.iter().map(|id| world.ec2.wait(id, Goal::Running, within(300)));
    try_join_all(running).await.unwrap();
    let checks = async || {
        let seen = world.ec2.health(&all).await.unwrap();
        all.iter()
            .map(|id| {
                seen.iter().find(|health| health.id == *id).map(|health| (health.system, health.instance))
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(checks().await[0], Some((Check::Initializing, Check::Initializing)));
    sleep(Duration::from_secs(120)).await;
    let now = world.sim.now();
    world.sim.impair(all[0].as_str());
    world.sim.impair_system(all[1].as_str());
    let ok = Some((Check::Ok, Check::Ok));
    let since = Check::Impaired(Some(now));
    assert_eq!(checks().await, [Some((Check::Ok, since)), Some((since, since)), ok]);
}

#[tokio::test(start_paused = true)]
async fn a_spot_notice_is_told_two_minutes_before_the_end() {
    let world = World::new().await;
    let spot =
        |token: &str| LaunchRequest { market: Market::Spot { max_price: None }, ..world.request(token, 2) };
    let launch = world.ec2.launch(&spot("s1")).await.unwrap();
    let plain = world.ec2.launch(&world.request("t1", 1)).await.unwrap();
    let all = [ids(&launch.instances), ids(&plain.instances)].concat();
    sleep(Duration::from_secs(60)).await;
    assert!(world.ec2.health(&all).await.unwrap().iter().all(|health| health.notices.is_empty()));
    assert!(world.sim.interrupt_spot(all[0].as_str()));
    let at = world.sim.now() + Duration::from_secs(120);
    for health in world.ec2.health(&all).await.unwrap() {
        let expected = Notice { what: "spot-interruption".to_owned(), ends: true, at };
        let expected = if health.id == all[0] { vec![expected] } else { Vec::new() };
        assert_eq!(health.notices, expected);
        assert_eq!(health.state, InstanceState::Running);
    }
    assert_eq!(world.sim.calls().count("DescribeSpotInstanceRequests"), 2);
    sleep(Duration::from_secs(180)).await;
    let seen = world.ec2.health(&all[..1]).await.unwrap();
    assert_eq!(seen[0].state, InstanceState::Terminated);
    assert_eq!(seen[0].state_reason.as_ref().unwrap().code, "Server.SpotInstanceTermination");
    assert!(seen[0].notices.is_empty());
}

#[tokio::test(start_paused = true)]
async fn scheduled_events_are_told_until_they_are_over() {
    let world = World::new().await;
    let all = ids(&world.ec2.launch(&world.request("t1", 1)).await.unwrap().instances);
    sleep(Duration::from_secs(60)).await;
    let id = all[0].as_str();
    let reboot = world.sim.schedule_event(id, "system-reboot", HOUR).unwrap();
    world.sim.schedule_event(id, "instance-retirement", 2 * HOUR).unwrap();
    let told = async || {
        let seen = world.ec2.health(&all).await.unwrap().remove(0);
        seen.notices.into_iter().map(|notice| (notice.what, notice.ends)).collect::<Vec<_>>()
    };
    let retirement = ("instance-retirement".to_owned(), true);
    assert_eq!(told().await, [("system-reboot".to_owned(), false), retirement.clone()]);
    world.sim.cancel_event(id, &reboot);
    assert_eq!(told().await, [retirement]);
    sleep(2 * HOUR + Duration::from_secs(60)).await;
    assert!(told().await.is_empty());
    let seen = world.ec2.health(&all).await.unwrap().remove(0);
    assert_eq!(seen.state, InstanceState::Stopped);
    assert_eq!(seen.state_reason.unwrap().code, "Server.ScheduledStop");
}

#[tokio::test(start_paused = true)]
async fn throttling_is_waited_out() {
    let world = World::new().await;
    let all = ids(&world.ec2.launch(&world.request("t1", 2)).await.unwrap().instances);
    sleep(Duration::from_secs(60)).await;
    world.sim.faults().nth("DescribeInstanceStatus", 1, Fault::Throttle);
    assert_eq!(world.ec2.health(&all).await.unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_lives_are_extended_in_one_call_and_a_lost_reply_is_no_harm() {
    let world = World::new().await;
    let all = ids(&world.ec2.launch(&world.request("t1", 1_000)).await.unwrap().instances);
    sleep(Duration::from_secs(60)).await;
    let until = world.sim.now() + HOUR;
    world.ec2.extend(&all, until).await.unwrap();
    assert_eq!(world.sim.calls().count("CreateTags"), 1);
    world.sim.faults().nth("CreateTags", 1, Fault::ReplyLostAfter);
    world.ec2.extend(&all, until + HOUR).await.unwrap();
    let tag = world.sim.instances()[0].tags["ec2-stories:expires"].clone();
    assert!(tag.ends_with('Z') && !tag.contains('.'), "{tag}");
    let error = {
        world.sim.deny("ec2:CreateTags");
        world.ec2.extend(&all, until).await.unwrap_err()
    };
    assert!(error.is_permanent(), "{error}");
}
