//! DescribeInstances, DescribeVolumes and DescribeTags: filters, pages, what is shown.

use std::time::Duration;

use ec2_stories_sim::Sim;
use tokio::time::sleep;

use crate::form::{call, launch, until_running};

#[tokio::test(start_paused = true)]
async fn every_resource_of_a_launch_is_tagged_and_found_by_its_tag() {
    let sim = Sim::builder().build();
    let tags = [
        ("TagSpecification.1.ResourceType", "instance"),
        ("TagSpecification.1.Tag.1.Key", "deployment"),
        ("TagSpecification.1.Tag.1.Value", "shop"),
        ("TagSpecification.2.ResourceType", "volume"),
        ("TagSpecification.2.Tag.1.Key", "deployment"),
        ("TagSpecification.2.Tag.1.Value", "shop"),
        ("TagSpecification.3.ResourceType", "network-interface"),
        ("TagSpecification.3.Tag.1.Key", "deployment"),
        ("TagSpecification.3.Tag.1.Value", "shop"),
    ];
    let launched = launch(&sim, "2", &tags).await.ok();
    launch(&sim, "1", &[]).await.ok();
    until_running().await;
    let filter = [("Filter.1.Name", "tag:deployment"), ("Filter.1.Value.1", "sh*")];
    let mut found = call(&sim, "DescribeInstances", &filter).await.ok().all("instanceId");
    let mut wanted = launched.all("instanceId");
    found.sort();
    wanted.sort();
    assert_eq!(found, wanted);
    assert_eq!(call(&sim, "DescribeVolumes", &filter).await.ok().all("volumeType"), ["gp3"; 2]);
    assert_eq!(
        call(&sim, "DescribeNetworkInterfaces", &filter).await.ok().all("networkInterfaceId").len(),
        2
    );
    let by_type = [("Filter.1.Name", "resource-type"), ("Filter.1.Value.1", "volume")];
    assert_eq!(call(&sim, "DescribeTags", &by_type).await.ok().all("key"), ["deployment"; 2]);
    let wrong = [("TagSpecification.1.ResourceType", "vpc"), ("TagSpecification.1.Tag.1.Key", "a")];
    assert_eq!(launch(&sim, "1", &wrong).await.code(), "InvalidParameterValue");
}

#[tokio::test(start_paused = true)]
async fn pages_cover_every_instance_once() {
    let sim = Sim::builder().build();
    launch(&sim, "12", &[]).await.ok();
    until_running().await;
    let mut seen = Vec::new();
    let mut token = None;
    for _ in 0..3 {
        let mut fields = vec![("MaxResults", "5")];
        fields.extend(token.as_deref().map(|token| ("NextToken", token)));
        let page = call(&sim, "DescribeInstances", &fields).await.ok();
        seen.extend(page.all("amiLaunchIndex"));
        token = page.all("nextToken").pop();
    }
    assert_eq!(token, None);
    assert_eq!(seen, (0..12).map(|n| n.to_string()).collect::<Vec<_>>());
    let both = [("MaxResults", "5"), ("InstanceId.1", "i-0123456789abcdef0")];
    let refused = call(&sim, "DescribeInstances", &both).await;
    assert_eq!(refused.code(), "InvalidParameterCombination");
    assert_eq!(
        refused.one("Message"),
        "The parameter instancesSet cannot be used with the parameter maxResults"
    );
}

#[tokio::test(start_paused = true)]
async fn a_terminated_instance_has_no_network_and_no_volumes() {
    let sim = Sim::builder().build();
    let id = launch(&sim, "1", &[]).await.ok().one("instanceId");
    until_running().await;
    let running = call(&sim, "DescribeInstances", &[("InstanceId.1", &id)]).await.ok();
    assert!(
        !running.one("privateIpAddress").is_empty()
            && running.one("dnsName").ends_with(".compute-1.amazonaws.com")
    );
    call(&sim, "TerminateInstances", &[("InstanceId.1", &id)]).await.ok();
    sleep(Duration::from_secs(40)).await;
    let gone = call(&sim, "DescribeInstances", &[("InstanceId.1", &id)]).await.ok();
    assert!(gone.all("privateIpAddress").is_empty() && gone.all("volumeId").is_empty());
    assert!(gone.one("reason").starts_with("User initiated (2026-01-01 00:00:"), "{}", gone.one("reason"));
    assert!(call(&sim, "DescribeVolumes", &[]).await.ok().all("volumeId").is_empty());
}

#[tokio::test(start_paused = true)]
async fn volumes_are_as_the_launch_asks() {
    let sim = Sim::builder().build();
    let disks = [
        ("BlockDeviceMapping.1.DeviceName", "/dev/xvda"),
        ("BlockDeviceMapping.1.Ebs.VolumeSize", "20"),
        ("BlockDeviceMapping.1.Ebs.Encrypted", "true"),
        ("BlockDeviceMapping.2.DeviceName", "/dev/sdf"),
        ("BlockDeviceMapping.2.Ebs.VolumeSize", "100"),
        ("BlockDeviceMapping.2.Ebs.DeleteOnTermination", "false"),
    ];
    let id = launch(&sim, "1", &disks).await.ok().one("instanceId");
    until_running().await;
    let root = [("Filter.1.Name", "attachment.device"), ("Filter.1.Value.1", "/dev/xvda")];
    let root = call(&sim, "DescribeVolumes", &root).await.ok();
    assert_eq!((root.one("size"), root.one("encrypted")), ("20".into(), "true".into()));
    call(&sim, "TerminateInstances", &[("InstanceId.1", &id)]).await.ok();
    sleep(Duration::from_secs(40)).await;
    let left = call(&sim, "DescribeVolumes", &[]).await.ok();
    assert_eq!((left.all("size"), left.one("status")), (vec!["100".to_owned()], "available".into()));
    call(&sim, "DeleteVolume", &[("VolumeId", &left.one("volumeId"))]).await.ok();
    sim.assert_clean();
    let small =
        [("BlockDeviceMapping.1.DeviceName", "/dev/xvda"), ("BlockDeviceMapping.1.Ebs.VolumeSize", "1")];
    assert_eq!(launch(&sim, "1", &small).await.code(), "InvalidBlockDeviceMapping");
}
