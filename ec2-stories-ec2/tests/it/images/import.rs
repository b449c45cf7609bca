//! Imports that run, fail and are canceled.

use std::time::Duration;

use ec2_stories_core::image::ImageSpec;
use ec2_stories_core::provider::ImageRegistry;
use ec2_stories_core::{Error, ErrorKind};
use ec2_stories_ec2::{Ec2, ImportRole};
use ec2_stories_sim::{DiskImageSeed, Sim};

use super::{BUCKET, upload};
use crate::support::World;

async fn refused(world: &World, name: &str) -> Error {
    world.ec2.register(&upload(&world.sim, name), &ImageSpec::named(name)).await.unwrap_err()
}

#[tokio::test(start_paused = true)]
async fn a_failed_import_names_the_fix_and_leaves_nothing() {
    let world = World::new().await;
    world.sim.fail_next_import("ClientError: Disk validation failed [Unsupported VMDK File Format]");
    let error = refused(&world, "web-7").await;
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(error.message().contains("qemu-img convert"), "{error}");
    world.sim.assert_clean();
    // What is fixed is tried again.
    let uploaded = upload(&world.sim, "web-7");
    let image = world.ec2.register(&uploaded, &ImageSpec::named("web-7")).await.unwrap();
    world.ec2.deregister(&image.id).await.unwrap();
    world.sim.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn a_role_that_is_missing_comes_with_the_commands_that_make_it() {
    let world = World::new().await;
    let role = ImportRole::named("importer");
    let ec2 = Ec2::builder().config(&world.sim.sdk_config()).import_role(role).build();
    let error = ec2.register(&upload(&world.sim, "web"), &ImageSpec::named("web-7")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden, "{error}");
    for part in ["aws iam create-role --role-name importer", "vmie.amazonaws.com", "arn:aws:s3:::images/*"] {
        assert!(error.message().contains(part), "{part}: {error}");
    }
    world.sim.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn an_object_that_cannot_be_read_is_told() {
    let world = World::new().await;
    let mut uploaded = upload(&world.sim, "web");
    let spec = ImageSpec::named("web-7");
    uploaded.location = format!("s3://{BUCKET}/other.raw");
    let error = world.ec2.register(&uploaded, &spec).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert!(error.message().contains("s3://images/other.raw"), "{error}");
    let far = DiskImageSeed::builder().bucket("far").key("web.raw").size(1 << 30).region("eu-west-1").build();
    world.sim.add_disk_image(far);
    uploaded.location = "s3://far/web.raw".to_owned();
    let error = world.ec2.register(&uploaded, &spec).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(error.message().contains("the bucket far must be in the region"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_long_import_is_asked_about_seldom() {
    let latency = ec2_stories_sim::Latencies::builder().import(Duration::from_secs(1_200)).build();
    let world = World::with(Sim::builder().seed(7).latency(latency).build()).await;
    let image = world.ec2.register(&upload(&world.sim, "web"), &ImageSpec::named("web-7")).await.unwrap();
    let asked = world.sim.calls().count("DescribeImportSnapshotTasks");
    assert!(asked < 80, "{asked} describes for some twenty minutes");
    world.ec2.deregister(&image.id).await.unwrap();
    world.sim.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn a_registration_that_was_dropped_is_abandoned_without_a_trace() {
    let world = World::new().await;
    let (uploaded, spec) = (upload(&world.sim, "web"), ImageSpec::named("web-7"));
    // Before the import, in the middle of it, and when its snapshot is there.
    for seconds in [1, 30, 400] {
        let snapshot = world.ec2.snapshot(&uploaded, &spec);
        let _ = tokio::time::timeout(Duration::from_secs(seconds), snapshot).await;
        for _ in 0..2 {
            world.ec2.abandon(&uploaded).await.unwrap();
        }
        world.sim.assert_clean();
    }
}

#[tokio::test(start_paused = true)]
async fn an_image_keeps_its_snapshot_when_its_upload_is_abandoned() {
    let world = World::new().await;
    let uploaded = upload(&world.sim, "web");
    let image = world.ec2.register(&uploaded, &ImageSpec::named("web-7")).await.unwrap();
    world.ec2.abandon(&uploaded).await.unwrap();
    assert_eq!(world.sim.leaks().len(), 2, "the image and its snapshot");
    world.ec2.deregister(&image.id).await.unwrap();
    world.sim.assert_clean();
}
