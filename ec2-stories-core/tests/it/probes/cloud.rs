//! The cloud's word.

use std::sync::Arc;

use ec2_stories_core::conformance::{self, ProbeFixture};
use ec2_stories_core::memory::{Fault, MemoryCloud, Operation};
use ec2_stories_core::probe::CloudState;
use ec2_stories_core::provider::{Goal, InstanceDeployer, Liveness, Node, Probe};

use super::fails;
use crate::support::{node, request, within};

/// Nodes on instances that run.
async fn running(cloud: &MemoryCloud, count: u32) -> Vec<Node> {
    let launched = cloud.launch(&request(cloud, "t", count).await).await.unwrap().instances;
    let mut nodes = Vec::new();
    for (slot, instance) in (0..).zip(launched) {
        let instance = cloud.wait(&instance.id, Goal::Running, within(600)).await.unwrap();
        nodes.push(Node { instance, ..node(slot, "10.0.0.1") });
    }
    nodes
}

#[tokio::test(start_paused = true)]
async fn cloud_state_keeps_the_contract() {
    let cloud = MemoryCloud::new();
    let probe = CloudState::of(Arc::new(cloud.clone()));
    let booting = cloud.launch(&request(&cloud, "late", 1).await).await.unwrap().instances.remove(0);
    let pending = probe.check(&Node { instance: booting, ..node(9, "10.0.0.9") }).await;
    fails(&pending, "pending");

    let nodes = running(&cloud, 2).await;
    cloud.kill(&nodes[1].instance.id, "Server.SpotInstanceTermination", "spot");
    let fixture = ProbeFixture {
        live: (probe.clone(), nodes[0].clone()),
        failing: (probe.clone(), nodes[0].clone()),
        silent: None,
        sick: Some((probe.clone(), node(7, "10.0.0.7"))),
        declared_dead: Some((probe.clone(), nodes[1].clone())),
    };
    // An instance that runs cannot be failing on a cloud without status checks: one that boots can.
    cloud.boot_time(std::time::Duration::from_secs(24 * 3600));
    let boots = cloud.launch(&request(&cloud, "boots", 1).await).await.unwrap().instances.remove(0);
    let failing = (probe.clone(), Node { instance: boots, ..node(8, "10.0.0.8") });
    conformance::probe(&ProbeFixture { failing, ..fixture }).await;
    let Liveness::DeclaredDead(why) = probe.check(&nodes[1]).await else { panic!("it is dead") };
    assert!(why.contains("Server.SpotInstanceTermination"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn checks_at_the_same_time_share_one_call() {
    let cloud = MemoryCloud::new();
    let nodes = running(&cloud, 20).await;
    let probe = CloudState::of(Arc::new(cloud.clone()));
    let before = cloud.script().count(Operation::Health);
    for round in 1..=2 {
        let answers = futures::future::join_all(nodes.iter().map(|node| probe.check(node))).await;
        assert!(answers.iter().all(|answer| *answer == Liveness::Live), "{answers:?}");
        assert_eq!(cloud.script().count(Operation::Health), before + round);
    }
    // One who no longer waits keeps nobody else from the answer.
    let mut given_up = Box::pin(probe.check(&nodes[0]));
    assert!(futures::poll!(given_up.as_mut()).is_pending());
    drop(given_up);
    assert_eq!(probe.check(&nodes[1]).await, Liveness::Live);
}

#[tokio::test(start_paused = true)]
async fn a_cloud_that_does_not_answer_says_nothing_of_the_node() {
    let cloud = MemoryCloud::new();
    let nodes = running(&cloud, 1).await;
    let probe = CloudState::of(Arc::new(cloud.clone()));
    for fault in [Fault::Before, Fault::StallBefore] {
        cloud.script().fail(Operation::Health, fault);
        let answer = probe.check(&nodes[0]).await;
        assert!(matches!(answer, Liveness::Unknown(_)), "{answer:?}");
    }
    assert_eq!(probe.check(&nodes[0]).await, Liveness::Live);
}
