//! What runs of a registered image.

use std::time::Duration;

use ec2_stories_sim::Sim;
use tokio::time::sleep;

use super::{MODERN, described, register, registered, sim, snapshot};
use crate::form::{Reply, call, until_running};

async fn launch(sim: &Sim, image: &str, kind: &str) -> Reply {
    let fields = [("ImageId", image), ("InstanceType", kind), ("MinCount", "1"), ("MaxCount", "1")];
    call(sim, "RunInstances", &fields).await
}

#[tokio::test(start_paused = true)]
async fn an_image_runs_where_it_fits() {
    let sim = sim();
    let (image, snapshot) = registered(&sim, "web-7").await;
    let id = launch(&sim, &image, "t3.micro").await.ok().one("instanceId");
    until_running().await;
    let volume = call(&sim, "DescribeVolumes", &[]).await.ok();
    assert_eq!((volume.one("snapshotId"), volume.one("size")), (snapshot, "1".to_owned()));
    assert_eq!(launch(&sim, &image, "t4g.micro").await.code(), "InvalidParameterValue");
    call(&sim, "DeregisterImage", &[("ImageId", &image)]).await.ok();
    sleep(Duration::from_secs(2)).await;
    // Its instance still names it: no error, and no image.
    assert!(described(&sim, &image).await.ok().all("imageId").is_empty());
    assert_eq!(launch(&sim, &image, "t3.micro").await.code(), "InvalidAMIID.Unavailable");
    call(&sim, "TerminateInstances", &[("InstanceId.1", &id)]).await.ok();
    assert_eq!(described(&sim, &image).await.code(), "InvalidAMIID.NotFound");
}

#[tokio::test(start_paused = true)]
async fn the_defaults_of_register_image_run_nowhere() {
    let sim = sim();
    let snapshot = snapshot(&sim).await;
    let x86 = ("Architecture", "x86_64");
    let hvm = ("VirtualizationType", "hvm");
    for (name, fields, text) in [
        ("i386", vec![], "architecture 'i386'"),
        ("paravirtual", vec![x86], "Virtualization type 'hvm' is required"),
        (
            "without ENA",
            vec![x86, hvm],
            "Elastic Network Adapter (ENA) is required for the 't3.micro' instance type",
        ),
    ] {
        let image = register(&sim, name, &snapshot, &fields).await.ok().one("imageId");
        sleep(Duration::from_secs(10)).await;
        let refused = launch(&sim, &image, "t3.micro").await;
        assert!(refused.one("Message").contains(text), "{}", refused.xml);
    }
    let uefi = [&MODERN[..], &[("BootMode", "uefi")]].concat();
    let image = register(&sim, "uefi", &snapshot, &uefi).await.ok().one("imageId");
    assert_eq!(launch(&sim, &image, "t3.micro").await.status, 400, "pending");
    sleep(Duration::from_secs(10)).await;
    assert_eq!(launch(&sim, &image, "t2.micro").await.code(), "InvalidParameterCombination");
    launch(&sim, &image, "t3.micro").await.ok();
}
