//! Spot instances. Source: EC2 user guide, "Spot Instance interruptions" and "Spot Instance request states".

use std::time::Duration;

use ec2_stories_sim::{Fault, Sim, State};
use tokio::time::sleep;

use crate::form::{call, launch};

const SPOT: (&str, &str) = ("InstanceMarketOptions.MarketType", "spot");

#[tokio::test(start_paused = true)]
async fn an_interruption_comes_two_minutes_after_its_notice() {
    let sim = Sim::builder().build();
    sim.faults().nth("RunInstances", 1, Fault::SpotNotice(Duration::from_secs(600)));
    let launched = launch(&sim, "1", &[SPOT]).await.ok();
    let id = launched.one("instanceId");
    assert_eq!(launched.one("instanceLifecycle"), "spot");
    let status = async || call(&sim, "DescribeSpotInstanceRequests", &[]).await.ok();
    assert_eq!(status().await.inside("status", "code"), ["fulfilled"]);
    sleep(Duration::from_secs(660)).await;
    assert_eq!(status().await.inside("status", "code"), ["marked-for-termination"]);
    assert_eq!(sim.instance(&id).unwrap().state, State::Running);
    sleep(Duration::from_secs(120)).await;
    assert_eq!(sim.instance(&id).unwrap().state, State::Terminated);
    let reply = call(&sim, "DescribeInstances", &[("InstanceId.1", &id)]).await.ok();
    assert_eq!(reply.inside("stateReason", "code"), ["Server.SpotInstanceTermination"]);
    assert_eq!(status().await.one("state"), "closed");
    sim.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_request_leaves_its_instance_running() {
    let sim = Sim::builder().build();
    let launched = launch(&sim, "1", &[SPOT]).await.ok();
    let request = launched.one("spotInstanceRequestId");
    call(&sim, "CancelSpotInstanceRequests", &[("SpotInstanceRequestId.1", &request)]).await.ok();
    let shown = call(&sim, "DescribeSpotInstanceRequests", &[]).await.ok();
    assert_eq!(shown.one("state"), "cancelled");
    assert_eq!(sim.running().len(), 1);
}
