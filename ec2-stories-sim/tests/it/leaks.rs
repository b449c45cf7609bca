//! What is left at the end of a test.

use ec2_stories_sim::Sim;

use crate::form::{call, launch, request, send, until_running};

#[tokio::test(start_paused = true)]
async fn leaks_name_each_resource_with_its_tags_in_every_region() {
    let sim = Sim::builder().build();
    let tag = [
        ("TagSpecification.1.ResourceType", "instance"),
        ("TagSpecification.1.Tag.1.Key", "deployment"),
        ("TagSpecification.1.Tag.1.Value", "shop"),
    ];
    launch(&sim, "1", &tag).await.ok();
    let group = [("Action", "CreateSecurityGroup"), ("GroupName", "web"), ("GroupDescription", "web")];
    send(&sim, request("ec2", "eu-west-1", "AKIATEST", &group)).await.unwrap().ok();
    let text = sim.leaks().to_string();
    assert_eq!(text.lines().count(), 2);
    assert!(text.contains("security-group sg-") && text.contains("(web) in eu-west-1"), "{text}");
    assert!(text.contains("(pending, t3.micro) in us-east-1 deployment=shop"), "{text}");
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "1 resources are left behind:\ninstance i-")]
async fn an_instance_left_running_fails_the_test() {
    let sim = Sim::builder().build();
    launch(&sim, "1", &[]).await.ok();
    sim.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn what_is_on_its_way_out_is_no_leak() {
    let sim = Sim::builder().build();
    let id = launch(&sim, "1", &[]).await.ok().one("instanceId");
    until_running().await;
    call(&sim, "TerminateInstances", &[("InstanceId.1", &id)]).await.ok();
    sim.assert_clean();
}
