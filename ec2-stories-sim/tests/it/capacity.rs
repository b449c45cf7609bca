//! Capacity, offerings, counts and quotas.

use ec2_stories_sim::{Fault, Sim};
use std::time::Duration;
use tokio::time::sleep;

use crate::form::{call, image, launch, until_running};

const ZONE: (&str, &str) = ("Placement.AvailabilityZone", "us-east-1a");

async fn between(sim: &Sim, min: &str, max: &str) -> crate::form::Reply {
    let image = image(sim, "x86_64").await;
    let fields = [
        ("ImageId", image.as_str()),
        ("InstanceType", "t3.micro"),
        ("MinCount", min),
        ("MaxCount", max),
        ZONE,
    ];
    call(sim, "RunInstances", &fields).await
}

#[tokio::test(start_paused = true)]
async fn a_launch_takes_what_lies_between_min_and_max() {
    let sim = Sim::builder().build();
    sim.set_capacity("t3.micro", "us-east-1a", 3);
    assert_eq!(between(&sim, "2", "5").await.ok().all("instanceId").len(), 3);
    let refused = between(&sim, "1", "5").await;
    assert_eq!((refused.status, refused.code().as_str()), (500, "InsufficientInstanceCapacity"));
    assert!(
        refused
            .one("Message")
            .contains("sufficient t3.micro capacity in the Availability Zone you requested (us-east-1a)")
    );
}

#[tokio::test(start_paused = true)]
async fn terminated_instances_give_their_room_back() {
    let sim = Sim::builder().build();
    sim.set_capacity("t3.micro", "us-east-1a", 1);
    let id = between(&sim, "1", "1").await.ok().one("instanceId");
    until_running().await;
    call(&sim, "TerminateInstances", &[("InstanceId.1", &id)]).await.ok();
    sleep(Duration::from_secs(40)).await;
    between(&sim, "1", "1").await.ok();
}

#[tokio::test(start_paused = true)]
async fn without_a_zone_ec2_chooses_one_with_room() {
    let sim = Sim::builder().build();
    sim.set_capacity("t3.micro", "us-east-1a", 1);
    sim.set_unsupported("t3.micro", "us-east-1b");
    assert_eq!(launch(&sim, "2", &[]).await.ok().all("availabilityZone"), ["us-east-1c"; 2]);
    let refused = launch(&sim, "1", &[("Placement.AvailabilityZone", "us-east-1b")]).await;
    assert_eq!((refused.status, refused.code().as_str()), (400, "Unsupported"));
}

#[tokio::test(start_paused = true)]
async fn quotas_count_what_runs() {
    let sim = Sim::builder().build();
    sim.set_vcpu_limit("us-east-1", 5);
    launch(&sim, "2", &[]).await.ok();
    let refused = launch(&sim, "1", &[]).await;
    assert_eq!((refused.status, refused.code().as_str()), (400, "VcpuLimitExceeded"));
    sim.set_vcpu_limit("us-east-1", 100);
    sim.set_instance_limit("us-east-1", 3);
    assert_eq!(launch(&sim, "2", &[]).await.code(), "InstanceLimitExceeded");
    launch(&sim, "1", &[]).await.ok();
}

#[tokio::test(start_paused = true)]
async fn an_outage_refuses_launches_and_impairs_what_runs() {
    let sim = Sim::builder().build();
    let id = between(&sim, "1", "1").await.ok().one("instanceId");
    sleep(Duration::from_secs(200)).await;
    let status = |reply: crate::form::Reply| reply.ok().inside("systemStatus", "status");
    let fields = [("InstanceId.1", id.as_str())];
    assert_eq!(status(call(&sim, "DescribeInstanceStatus", &fields).await), ["ok"]);
    sim.faults().outage("us-east-1a", Duration::from_secs(600));
    assert_eq!(status(call(&sim, "DescribeInstanceStatus", &fields).await), ["impaired"]);
    assert_eq!(between(&sim, "1", "1").await.code(), "InsufficientInstanceCapacity");
    sleep(Duration::from_secs(600)).await;
    assert_eq!(status(call(&sim, "DescribeInstanceStatus", &fields).await), ["ok"]);
    between(&sim, "1", "1").await.ok();
}

#[tokio::test(start_paused = true)]
async fn a_capacity_fault_strikes_only_its_zone() {
    let sim = Sim::builder().build();
    let rule =
        ec2_stories_sim::Rule::builder().operation("RunInstances").zone("us-east-1a").fault(Fault::Capacity);
    sim.faults().rule(rule.build());
    assert_eq!(between(&sim, "1", "1").await.code(), "InsufficientInstanceCapacity");
    launch(&sim, "1", &[("Placement.AvailabilityZone", "us-east-1b")]).await.ok();
}
