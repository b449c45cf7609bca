//! Start, stop, protection, attributes.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ec2_stories_sim::{Sim, State};
use tokio::time::sleep;

use crate::form::{Reply, call, launch, states, until_running};

async fn attribute(sim: &Sim, id: &str, name: &str) -> Reply {
    call(sim, "DescribeInstanceAttribute", &[("InstanceId", id), ("Attribute", name)]).await.ok()
}

#[tokio::test(start_paused = true)]
async fn stop_and_start_keep_the_private_address_and_change_the_public_one() {
    let sim = Sim::builder().build();
    let ids = launch(&sim, "1", &[]).await.ok().all("instanceId");
    sleep(Duration::from_secs(2)).await;
    let early = call(&sim, "StopInstances", &[("InstanceId.1", &ids[0])]).await;
    assert_eq!((early.status, early.code().as_str()), (400, "IncorrectInstanceState"));
    until_running().await;
    let before = sim.instance(&ids[0]).unwrap();
    call(&sim, "StopInstances", &[("InstanceId.1", &ids[0])]).await.ok();
    assert_eq!(states(&sim, &ids).await, ["stopping"]);
    sleep(Duration::from_secs(30)).await;
    let stopped = sim.instance(&ids[0]).unwrap();
    assert_eq!((stopped.state, stopped.public_ip), (State::Stopped, None));
    call(&sim, "StartInstances", &[("InstanceId.1", &ids[0])]).await.ok();
    until_running().await;
    let after = sim.instance(&ids[0]).unwrap();
    assert_eq!((after.state, after.private_ip), (State::Running, before.private_ip));
    assert!(after.public_ip.is_some() && after.public_ip != before.public_ip);
    assert!(after.launched > before.launched);
}

#[tokio::test(start_paused = true)]
async fn a_protected_instance_is_not_terminated_until_it_is_released() {
    let sim = Sim::builder().build();
    let id = launch(&sim, "1", &[("DisableApiTermination", "true")]).await.ok().one("instanceId");
    until_running().await;
    let refused = call(&sim, "TerminateInstances", &[("InstanceId.1", &id)]).await;
    assert_eq!((refused.status, refused.code().as_str()), (400, "OperationNotPermitted"));
    let release = [("InstanceId", id.as_str()), ("DisableApiTermination.Value", "false")];
    call(&sim, "ModifyInstanceAttribute", &release).await.ok();
    assert_eq!(
        attribute(&sim, &id, "disableApiTermination").await.inside("disableApiTermination", "value"),
        ["false"]
    );
    call(&sim, "TerminateInstances", &[("InstanceId.1", &id)]).await.ok();
    sim.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn terminating_twice_changes_nothing() {
    let sim = Sim::builder().build();
    let id = launch(&sim, "1", &[]).await.ok().one("instanceId");
    until_running().await;
    call(&sim, "TerminateInstances", &[("InstanceId.1", &id)]).await.ok();
    let since = sim.instance(&id).unwrap().since;
    sleep(Duration::from_secs(5)).await;
    let again = call(&sim, "TerminateInstances", &[("InstanceId.1", &id)]).await.ok();
    assert_eq!(again.all("name"), ["shutting-down", "shutting-down"]);
    assert_eq!(sim.instance(&id).unwrap().since, since);
    sleep(Duration::from_secs(60)).await;
    let again = call(&sim, "TerminateInstances", &[("InstanceId.1", &id)]).await.ok();
    assert_eq!(again.all("name"), ["terminated", "terminated"]);
}

#[tokio::test(start_paused = true)]
async fn user_data_is_kept_and_limited_to_16_kib() {
    let sim = Sim::builder().build();
    let text = BASE64_STANDARD.encode("#cloud-config\n");
    let id = launch(&sim, "1", &[("UserData", &text)]).await.ok().one("instanceId");
    until_running().await;
    assert_eq!(sim.instance(&id).unwrap().user_data, b"#cloud-config\n");
    assert_eq!(attribute(&sim, &id, "userData").await.inside("userData", "value"), [text]);
    let most = BASE64_STANDARD.encode(vec![b'x'; 16 * 1024]);
    launch(&sim, "1", &[("UserData", &most)]).await.ok();
    let more = BASE64_STANDARD.encode(vec![b'x'; 16 * 1024 + 1]);
    let refused = launch(&sim, "1", &[("UserData", &more)]).await;
    assert_eq!(refused.one("Message"), "User data is limited to 16384 bytes");
    assert_eq!(
        launch(&sim, "1", &[("UserData", "%%%")]).await.one("Message"),
        "Invalid BASE64 encoding of user data."
    );
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_in_the_guest_follows_the_shutdown_behavior() {
    let sim = Sim::builder().build();
    let behavior = ("InstanceInitiatedShutdownBehavior", "terminate");
    let dies = launch(&sim, "1", &[behavior]).await.ok().one("instanceId");
    let stops = launch(&sim, "1", &[]).await.ok().one("instanceId");
    until_running().await;
    assert!(sim.shut_down_guest(&dies) && sim.shut_down_guest(&stops));
    sleep(Duration::from_secs(40)).await;
    assert_eq!(sim.instance(&dies).unwrap().state, State::Terminated);
    assert_eq!(sim.instance(&stops).unwrap().state, State::Stopped);
    let reply = call(&sim, "DescribeInstances", &[("InstanceId.1", &dies)]).await.ok();
    assert_eq!(reply.inside("stateReason", "code"), ["Client.InstanceInitiatedShutdown"]);
}

#[tokio::test(start_paused = true)]
async fn a_killed_instance_is_gone_at_once_and_its_neighbor_runs_on() {
    let sim = Sim::builder().build();
    let ids = launch(&sim, "2", &[]).await.ok().all("instanceId");
    assert!(sim.kill(&ids[1]) && !sim.kill(&ids[1]));
    until_running().await;
    assert_eq!(states(&sim, &ids[1..]).await, ["terminated"]);
    assert_eq!(states(&sim, &ids[..1]).await, ["running"]);
}

#[tokio::test(start_paused = true)]
async fn metadata_options_follow_the_image_unless_asked_otherwise() {
    let sim = Sim::builder().build();
    let by_image = launch(&sim, "1", &[]).await.ok();
    assert_eq!(
        (by_image.one("httpTokens"), by_image.one("httpPutResponseHopLimit")),
        ("required".into(), "2".into())
    );
    let asked =
        [("MetadataOptions.HttpTokens", "optional"), ("MetadataOptions.HttpPutResponseHopLimit", "1")];
    let asked = launch(&sim, "1", &asked).await.ok();
    assert_eq!(
        (asked.one("httpTokens"), asked.one("httpPutResponseHopLimit")),
        ("optional".into(), "1".into())
    );
    until_running().await;
    let id = asked.one("instanceId");
    let fields = [("InstanceId", id.as_str()), ("HttpTokens", "required")];
    assert_eq!(call(&sim, "ModifyInstanceMetadataOptions", &fields).await.ok().one("httpTokens"), "required");
}

#[tokio::test(start_paused = true)]
async fn security_groups_of_an_instance_can_be_changed() {
    let sim = Sim::builder().build();
    let web = [("GroupName", "web"), ("GroupDescription", "web")];
    let group = call(&sim, "CreateSecurityGroup", &web).await.ok().one("groupId");
    let id = launch(&sim, "1", &[("SecurityGroupId.1", &group)]).await.ok().one("instanceId");
    until_running().await;
    let delete = [("GroupId", group.as_str())];
    assert_eq!(call(&sim, "DeleteSecurityGroup", &delete).await.code(), "DependencyViolation");
    call(&sim, "TerminateInstances", &[("InstanceId.1", &id)]).await.ok();
    assert_eq!(
        call(&sim, "DeleteSecurityGroup", &delete).await.code(),
        "DependencyViolation",
        "it still shuts down"
    );
    sleep(Duration::from_secs(40)).await;
    call(&sim, "DeleteSecurityGroup", &delete).await.ok();
}
