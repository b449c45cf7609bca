//! Eventual consistency. Source: EC2 developer guide, "Eventual consistency in the Amazon EC2 API".

use std::time::Duration;

use ec2_stories_sim::{Fault, Sim};
use tokio::time::sleep;

use crate::form::{call, launch, until_running};

#[tokio::test(start_paused = true)]
async fn a_new_id_is_unknown_for_a_while_to_every_call_that_names_it() {
    let sim = Sim::builder().build();
    let old = launch(&sim, "1", &[]).await.ok().one("instanceId");
    until_running().await;
    sim.faults().nth("RunInstances", 1, Fault::UnknownIdFor(Duration::from_secs(20)));
    let new = launch(&sim, "1", &[]).await.ok().one("instanceId");
    let named = [("InstanceId.1", old.as_str()), ("InstanceId.2", new.as_str())];
    for action in ["DescribeInstances", "DescribeInstanceStatus", "TerminateInstances", "RebootInstances"] {
        let reply = call(&sim, action, &named).await;
        assert_eq!((reply.status, reply.code().as_str()), (400, "InvalidInstanceID.NotFound"), "{action}");
        assert_eq!(reply.one("Message"), format!("The instance ID '{new}' does not exist"));
    }
    let tag = [("ResourceId.1", new.as_str()), ("Tag.1.Key", "a"), ("Tag.1.Value", "b")];
    assert_eq!(call(&sim, "CreateTags", &tag).await.code(), "InvalidInstanceID.NotFound");
    assert_eq!(call(&sim, "DescribeInstances", &[]).await.ok().all("instanceId"), std::slice::from_ref(&old));
    sleep(Duration::from_secs(20)).await;
    assert_eq!(call(&sim, "DescribeInstances", &named).await.ok().all("instanceId").len(), 2);
    call(&sim, "CreateTags", &tag).await.ok();
}

#[tokio::test(start_paused = true)]
async fn a_listing_by_tag_lags_behind_a_describe_by_id() {
    let latency = ec2_stories_sim::Latencies::builder()
        .visibility(Duration::ZERO)
        .tag_index(Duration::from_secs(3600))
        .build();
    let sim = Sim::builder().latency(latency).build();
    let tags = [
        ("TagSpecification.1.ResourceType", "instance"),
        ("TagSpecification.1.Tag.1.Key", "deployment"),
        ("TagSpecification.1.Tag.1.Value", "shop"),
    ];
    let id = launch(&sim, "1", &tags).await.ok().one("instanceId");
    let by_tag = [("Filter.1.Name", "tag:deployment"), ("Filter.1.Value.1", "shop")];
    assert_eq!(
        call(&sim, "DescribeInstances", &[("InstanceId.1", &id)]).await.ok().all("instanceId"),
        std::slice::from_ref(&id)
    );
    assert!(call(&sim, "DescribeInstances", &by_tag).await.ok().all("instanceId").is_empty());
    sleep(Duration::from_secs(3600)).await;
    assert_eq!(call(&sim, "DescribeInstances", &by_tag).await.ok().all("instanceId"), [id]);
}

#[tokio::test(start_paused = true)]
async fn several_unknown_ids_are_named_together() {
    let sim = Sim::builder().build();
    let fields = [("InstanceId.1", "i-0123456789abcdef0"), ("InstanceId.2", "i-0123456789abcdef1")];
    assert_eq!(
        call(&sim, "DescribeInstances", &fields).await.one("Message"),
        "The instance IDs 'i-0123456789abcdef0, i-0123456789abcdef1' do not exist"
    );
    assert_eq!(
        call(&sim, "DescribeInstances", &[("InstanceId.1", "web")]).await.code(),
        "InvalidInstanceID.Malformed"
    );
}
