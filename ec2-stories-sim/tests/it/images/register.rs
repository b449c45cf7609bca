//! RegisterImage, DeregisterImage.

use std::time::Duration;

use ec2_stories_sim::Fault;
use tokio::time::sleep;

use super::{MODERN, described, register, registered, sim, snapshot};
use crate::form::{call, try_call};

#[tokio::test(start_paused = true)]
async fn an_image_is_pending_and_then_available() {
    let sim = sim();
    let snapshot = snapshot(&sim).await;
    let tags = [
        ("TagSpecification.1.ResourceType", "image"),
        ("TagSpecification.1.Tag.1.Key", "content"),
        ("TagSpecification.1.Tag.1.Value", "sha"),
        ("Description", "seven"),
    ];
    let id = register(&sim, "web-7", &snapshot, &[&MODERN[..], &tags].concat()).await.ok().one("imageId");
    sleep(Duration::from_secs(1)).await;
    assert_eq!(described(&sim, &id).await.ok().one("imageState"), "pending");
    sleep(Duration::from_secs(10)).await;
    let filters = [("Owner.1", "self"), ("Filter.1.Name", "tag:content"), ("Filter.1.Value.1", "sha")];
    let reply = call(&sim, "DescribeImages", &filters).await.ok();
    assert_eq!(reply.one("imageId"), id);
    for (element, value) in [
        ("imageState", "available"),
        ("name", "web-7"),
        ("description", "seven"),
        ("architecture", "x86_64"),
        ("virtualizationType", "hvm"),
        ("imdsSupport", "v2.0"),
        ("enaSupport", "true"),
        ("isPublic", "false"),
        ("rootDeviceName", "/dev/xvda"),
        ("snapshotId", &snapshot),
        ("volumeSize", "1"),
        ("volumeType", "gp3"),
    ] {
        assert_eq!(reply.one(element), value, "{element}");
    }
    let leaks = sim.leaks().to_string();
    assert!(leaks.contains(&format!("image {id} (web-7) in us-east-1 content=sha")), "{leaks}");
    sim.keep(&id);
    sim.assert_clean();
}

/// Source: RegisterImage, parameters Architecture and VirtualizationType.
#[tokio::test(start_paused = true)]
async fn what_is_not_said_is_as_in_2006() {
    let sim = sim();
    let snapshot = snapshot(&sim).await;
    let id = register(&sim, "old", &snapshot, &[]).await.ok().one("imageId");
    sleep(Duration::from_secs(10)).await;
    let reply = described(&sim, &id).await.ok();
    assert_eq!(reply.one("architecture"), "i386");
    assert_eq!(reply.one("virtualizationType"), "paravirtual");
    assert_eq!(reply.one("enaSupport"), "false");
}

#[tokio::test(start_paused = true)]
async fn names_are_checked_and_belong_to_one_image() {
    let sim = sim();
    let (id, snapshot) = registered(&sim, "web-7").await;
    let again = register(&sim, "web-7", &snapshot, &MODERN).await;
    assert_eq!(again.code(), "InvalidAMIName.Duplicate");
    assert_eq!(again.one("Message"), format!("AMI name web-7 is already in use by AMI {id}"));
    for name in ["ab", "web*7", &"x".repeat(129), "wéb"] {
        assert_eq!(
            register(&sim, name, &snapshot, &MODERN).await.code(),
            "InvalidAMIName.Malformed",
            "{name}"
        );
    }
    call(&sim, "DeregisterImage", &[("ImageId", &id)]).await.ok();
    register(&sim, "web-7", &snapshot, &MODERN).await.ok();
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_leaves_an_image_that_its_name_finds() {
    let sim = sim();
    let snapshot = snapshot(&sim).await;
    sim.faults().nth("RegisterImage", 1, Fault::ReplyLostAfter);
    let fields = [
        ("Name", "web-7"),
        ("RootDeviceName", "/dev/xvda"),
        ("BlockDeviceMapping.1.DeviceName", "/dev/xvda"),
        ("BlockDeviceMapping.1.Ebs.SnapshotId", snapshot.as_str()),
    ];
    try_call(&sim, "RegisterImage", &fields).await.expect_err("lost");
    assert_eq!(register(&sim, "web-7", &snapshot, &MODERN).await.code(), "InvalidAMIName.Duplicate");
    sleep(Duration::from_secs(1)).await;
    let found =
        call(&sim, "DescribeImages", &[("Filter.1.Name", "name"), ("Filter.1.Value.1", "web-7")]).await;
    assert_eq!(found.ok().all("imageId").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_go_together_is_refused() {
    let sim = sim();
    let snapshot = snapshot(&sim).await;
    let hvm = ("VirtualizationType", "hvm");
    let combination = "InvalidParameterCombination";
    for (fields, code) in [
        (vec![("EnaSupport", "true")], combination),
        (vec![("SriovNetSupport", "simple")], combination),
        (vec![("Architecture", "arm64")], combination),
        (vec![hvm, ("Architecture", "arm64"), ("BootMode", "legacy-bios")], combination),
        (vec![hvm, ("Architecture", "i386"), ("BootMode", "uefi")], combination),
        (vec![hvm, ("Architecture", "x86_64"), ("TpmSupport", "v2.0")], combination),
        (vec![hvm, ("SriovNetSupport", "double")], "InvalidParameterValue"),
        (vec![("VirtualizationType", "xen")], "InvalidParameterValue"),
        (vec![("BlockDeviceMapping.1.Ebs.VolumeType", "gp9")], "InvalidParameterValue"),
        (vec![("BlockDeviceMapping.1.Ebs.Encrypted", "true")], "InvalidBlockDeviceMapping"),
        (
            vec![
                ("BlockDeviceMapping.2.DeviceName", "/dev/xvda"),
                ("BlockDeviceMapping.2.Ebs.VolumeSize", "1"),
            ],
            "InvalidBlockDeviceMapping",
        ),
        (vec![("KernelId", "aki-1")], "UnsupportedOperation"),
    ] {
        assert_eq!(register(&sim, "web", &snapshot, &fields).await.code(), code, "{fields:?}");
    }
    let tpm = [hvm, ("Architecture", "x86_64"), ("TpmSupport", "v2.0"), ("BootMode", "uefi")];
    register(&sim, "web", &snapshot, &tpm).await.ok();
}

#[tokio::test(start_paused = true)]
async fn the_root_device_has_a_snapshot_that_is_there_and_completed() {
    let sim = sim();
    assert_eq!(register(&sim, "web", "snap-0", &MODERN).await.code(), "InvalidSnapshot.NotFound");
    let snapshot = snapshot(&sim).await;
    for fields in [
        vec![("Name", "web")],
        vec![
            ("Name", "web"),
            ("RootDeviceName", "/dev/sda1"),
            ("BlockDeviceMapping.1.DeviceName", "/dev/xvda"),
            ("BlockDeviceMapping.1.Ebs.SnapshotId", &snapshot),
        ],
        vec![
            ("Name", "web"),
            ("RootDeviceName", "/dev/xvda"),
            ("BlockDeviceMapping.1.DeviceName", "/dev/xvda"),
            ("BlockDeviceMapping.1.Ebs.VolumeSize", "8"),
        ],
    ] {
        assert_eq!(
            call(&sim, "RegisterImage", &fields).await.code(),
            "InvalidBlockDeviceMapping",
            "{fields:?}"
        );
    }
    let copy = [("SourceRegion", "us-east-1"), ("SourceSnapshotId", snapshot.as_str())];
    let pending = call(&sim, "CopySnapshot", &copy).await.ok().one("snapshotId");
    sleep(Duration::from_secs(1)).await;
    assert_eq!(register(&sim, "web", &pending, &MODERN).await.code(), "IncorrectState");
}

#[tokio::test(start_paused = true)]
async fn an_image_holds_its_snapshot_until_it_is_deregistered_with_it() {
    let sim = sim();
    let (id, snapshot) = registered(&sim, "web-7").await;
    let refused = call(&sim, "DeleteSnapshot", &[("SnapshotId", &snapshot)]).await;
    assert_eq!(refused.code(), "InvalidSnapshot.InUse");
    assert_eq!(refused.one("Message"), format!("The snapshot {snapshot} is currently in use by {id}"));
    let other = register(&sim, "web-8", &snapshot, &MODERN).await.ok().one("imageId");
    sleep(Duration::from_secs(1)).await;
    for (image, code) in [(&other, "skipped"), (&id, "success")] {
        let fields = [("ImageId", image.as_str()), ("DeleteAssociatedSnapshots", "true")];
        let reply = call(&sim, "DeregisterImage", &fields).await.ok();
        assert_eq!(reply.one("return"), "true");
        assert_eq!((reply.one("returnCode"), reply.one("snapshotId")), (code.to_owned(), snapshot.clone()));
    }
    sim.assert_clean();
}

/// Source: DescribeImages: shown for a short interval, then not found.
#[tokio::test(start_paused = true)]
async fn a_deregistered_image_fades() {
    let sim = sim();
    let (id, _) = registered(&sim, "web-7").await;
    call(&sim, "DeregisterImage", &[("ImageId", &id)]).await.ok();
    assert_eq!(call(&sim, "DeregisterImage", &[("ImageId", &id)]).await.code(), "InvalidAMIID.Unavailable");
    sleep(Duration::from_secs(2)).await;
    assert_eq!(described(&sim, &id).await.code(), "InvalidAMIID.NotFound");
    let public = crate::form::image(&sim, "x86_64").await;
    assert_eq!(call(&sim, "DeregisterImage", &[("ImageId", &public)]).await.code(), "AuthFailure");
}
