//! Client tokens. Source: EC2 developer guide, "Ensuring idempotency in Amazon EC2 API requests".

use std::time::Duration;

use ec2_stories_sim::{Fault, Sim};
use tokio::time::sleep;

use crate::form::{call, image, launch, try_call, until_running};

const TOKEN: (&str, &str) = ("ClientToken", "one");

#[tokio::test(start_paused = true)]
async fn the_same_request_gives_the_same_reservation() {
    let sim = Sim::builder().build();
    let first = launch(&sim, "3", &[TOKEN]).await.ok();
    until_running().await;
    let second = launch(&sim, "3", &[TOKEN]).await.ok();
    assert_eq!(first.one("reservationId"), second.one("reservationId"));
    assert_eq!(first.all("instanceId"), second.all("instanceId"));
    assert_eq!(second.inside("instanceState", "name"), ["running"; 3], "states are those of now");
    assert_eq!(second.all("amiLaunchIndex"), ["0", "1", "2"]);
    assert_eq!(second.all("clientToken"), ["one"; 3]);
    assert_eq!(sim.running().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_is_found_again() {
    let sim = Sim::builder().build();
    sim.faults().nth("RunInstances", 1, Fault::ReplyLostAfter);
    let image = image(&sim, "x86_64").await;
    let fields = [
        ("ImageId", image.as_str()),
        ("InstanceType", "t3.micro"),
        ("MinCount", "2"),
        ("MaxCount", "2"),
        TOKEN,
    ];
    assert!(try_call(&sim, "RunInstances", &fields).await.is_err());
    let found = call(&sim, "RunInstances", &fields).await.ok();
    let running: Vec<_> = sim.running().into_iter().map(|instance| instance.id).collect();
    assert_eq!(running.len(), 2);
    assert!(found.all("instanceId").iter().all(|id| running.contains(id)));
}

#[tokio::test(start_paused = true)]
async fn concurrent_calls_with_one_token_launch_once() {
    let sim = Sim::builder().build();
    let calls = (0..5).map(|_| launch(&sim, "2", &[TOKEN]));
    let replies = futures::future::join_all(calls).await;
    let first = replies[0].one("reservationId");
    assert!(replies.iter().all(|reply| reply.one("reservationId") == first));
    assert_eq!(sim.running().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn changed_parameters_are_a_mismatch() {
    let sim = Sim::builder().build();
    launch(&sim, "1", &[TOKEN]).await.ok();
    let reply = launch(&sim, "2", &[TOKEN]).await;
    assert_eq!((reply.status, reply.code().as_str()), (400, "IdempotentParameterMismatch"));
    assert_eq!(sim.running().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn another_zone_is_another_scope() {
    let sim = Sim::builder().build();
    launch(&sim, "1", &[TOKEN, ("Placement.AvailabilityZone", "us-east-1a")]).await.ok();
    launch(&sim, "1", &[TOKEN, ("Placement.AvailabilityZone", "us-east-1b")]).await.ok();
    launch(&sim, "1", &[TOKEN]).await.ok();
    assert_eq!(sim.running().len(), 3, "one in each zone, one in the region");
}

#[tokio::test(start_paused = true)]
async fn a_terminated_launch_is_not_given_again() {
    let sim = Sim::builder().build();
    let id = launch(&sim, "1", &[TOKEN]).await.ok().one("instanceId");
    until_running().await;
    call(&sim, "TerminateInstances", &[("InstanceId.1", &id)]).await.ok();
    assert_eq!(launch(&sim, "1", &[TOKEN]).await.ok().one("instanceId"), id, "it still shuts down");
    sleep(Duration::from_secs(60)).await;
    assert_eq!(launch(&sim, "1", &[TOKEN]).await.code(), "IdempotentInstanceTerminated");
    sleep(Duration::from_secs(2 * 3600)).await;
    assert_eq!(launch(&sim, "1", &[TOKEN]).await.code(), "IdempotentInstanceTerminated", "no longer shown");
    sleep(Duration::from_secs(24 * 3600)).await;
    assert_ne!(launch(&sim, "1", &[TOKEN]).await.ok().one("instanceId"), id, "the token has expired");
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_does_not_use_the_token_up() {
    let sim = Sim::builder().build();
    let dry = launch(&sim, "1", &[TOKEN, ("DryRun", "true")]).await;
    assert_eq!((dry.status, dry.code().as_str()), (412, "DryRunOperation"));
    assert!(sim.instances().is_empty());
    launch(&sim, "2", &[TOKEN]).await.ok();
    assert_eq!(sim.running().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refused_launch_does_not_use_the_token_up() {
    let sim = Sim::builder().build();
    sim.set_capacity("t3.micro", "us-east-1a", 0);
    let zone = ("Placement.AvailabilityZone", "us-east-1a");
    assert_eq!(launch(&sim, "1", &[TOKEN, zone]).await.code(), "InsufficientInstanceCapacity");
    sim.set_capacity("t3.micro", "us-east-1a", 9);
    launch(&sim, "1", &[TOKEN, zone]).await.ok();
}

#[tokio::test(start_paused = true)]
async fn a_token_has_at_most_64_ascii_characters() {
    let sim = Sim::builder().build();
    for token in ["x".repeat(65), "é".to_owned()] {
        assert_eq!(launch(&sim, "1", &[("ClientToken", &token)]).await.code(), "InvalidParameterValue");
    }
    launch(&sim, "1", &[("ClientToken", &"x".repeat(64))]).await.ok();
}
