//! Token buckets. Source: EC2 developer guide, "Request throttling for the Amazon EC2 API".

use std::time::Duration;

use ec2_stories_sim::{Latencies, Sim, Throttling};
use tokio::time::sleep;

use crate::form::{call, launch, request, send};

/// How many of `tries` calls in a row pass.
async fn passed(sim: &Sim, tries: usize, fields: &[(&str, &str)]) -> usize {
    let mut passed = 0;
    for _ in 0..tries {
        let reply = call(sim, "DescribeInstances", fields).await;
        match reply.status {
            200 => passed += 1,
            status => assert_eq!((status, reply.code().as_str()), (503, "RequestLimitExceeded")),
        }
    }
    passed
}

#[tokio::test(start_paused = true)]
async fn describes_have_a_hundred_and_twenty_a_second() {
    let sim = Sim::builder().latency(Latencies::none()).build();
    let filtered = [("Filter.1.Name", "vpc-id"), ("Filter.1.Value.1", "x")];
    assert_eq!(passed(&sim, 130, &filtered).await, 100);
    sleep(Duration::from_secs(2)).await;
    assert_eq!(passed(&sim, 50, &filtered).await, 40);
}

#[tokio::test(start_paused = true)]
async fn a_listing_of_everything_has_half_of_that() {
    let sim = Sim::builder().latency(Latencies::none()).build();
    assert_eq!(passed(&sim, 60, &[]).await, 50);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(passed(&sim, 20, &[]).await, 10);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_instances_launch_at_once_and_then_two_a_second() {
    let sim = Sim::builder().latency(Latencies::none()).build();
    launch(&sim, "990", &[]).await.ok();
    assert_eq!(launch(&sim, "20", &[]).await.code(), "RequestLimitExceeded");
    sleep(Duration::from_secs(5)).await;
    launch(&sim, "20", &[]).await.ok();
}

#[tokio::test(start_paused = true)]
async fn each_region_has_its_own_buckets() {
    let sim = Sim::builder().latency(Latencies::none()).build();
    assert_eq!(passed(&sim, 60, &[]).await, 50);
    let elsewhere = request("ec2", "eu-west-1", "AKIATEST", &[("Action", "DescribeInstances")]);
    send(&sim, elsewhere).await.unwrap().ok();
}

#[tokio::test(start_paused = true)]
async fn throttling_can_be_off() {
    let sim = Sim::builder().latency(Latencies::none()).throttling(Throttling::Off).build();
    assert_eq!(passed(&sim, 200, &[]).await, 200);
}
