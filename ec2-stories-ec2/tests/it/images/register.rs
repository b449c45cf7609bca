//! From an upload to an image.

use std::time::Duration;

use ec2_stories_core::ErrorKind;
use ec2_stories_core::image::{BootMode, Encryption, ImageSpec};
use ec2_stories_core::model::{Architecture, Tags};
use ec2_stories_core::provider::{Goal, ImageRegistry, InstanceDeployer, UploadedImage};
use ec2_stories_sim::Fault;

use super::upload;
use crate::support::{World, request, value, within};

const KEY: &str = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";

#[tokio::test(start_paused = true)]
async fn everything_is_said_to_ec2() {
    let world = World::new().await;
    let spec = ImageSpec::builder()
        .name("web-7")
        .description("the shop")
        .architecture(Architecture::Arm64)
        .tpm(true)
        .root_device("/dev/sda1")
        .tags(Tags::new().with("team", "shop"))
        .build()
        .unwrap();
    let image = world.ec2.register(&upload(&world.sim, "web"), &spec).await.unwrap();
    let params = world.last_params("RegisterImage");
    let expected = [
        ("Architecture", "arm64"),
        ("BootMode", "uefi"),
        ("VirtualizationType", "hvm"),
        ("EnaSupport", "true"),
        ("SriovNetSupport", "simple"),
        ("TpmSupport", "v2.0"),
        ("ImdsSupport", "v2.0"),
        ("RootDeviceName", "/dev/sda1"),
        ("Description", "the shop"),
        ("BlockDeviceMapping.1.DeviceName", "/dev/sda1"),
        ("BlockDeviceMapping.1.Ebs.VolumeType", "gp3"),
        ("BlockDeviceMapping.1.Ebs.DeleteOnTermination", "true"),
        ("TagSpecification.1.ResourceType", "image"),
    ];
    for (name, wanted) in expected {
        assert_eq!(value(&params, name), Some(wanted), "{name} in {params:?}");
    }
    assert_eq!(image.tags.get("team"), Some("shop"));
    assert_eq!(image.architecture, "arm64");
    let import = world.last_params("ImportSnapshot");
    assert_eq!(value(&import, "Encrypted"), Some("true"));
    assert_eq!(value(&import, "DiskContainer.Format"), Some("RAW"));
    assert_eq!(value(&import, "RoleName"), Some("vmimport"));
    assert_eq!(value(&import, "TagSpecification.1.ResourceType"), Some("import-snapshot-task"));
    world.ec2.deregister(&image.id).await.unwrap();
    world.sim.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn an_image_that_is_registered_can_be_launched() {
    let world = World::new().await;
    let image = world.ec2.register(&upload(&world.sim, "web"), &ImageSpec::named("web-7")).await.unwrap();
    let request = request(&image, "t1", 1);
    let launch = world.ec2.launch(&request).await.unwrap();
    let id = &launch.instances[0].id;
    world.ec2.wait(id, Goal::Running, within(300)).await.unwrap();
    world.ec2.terminate(std::slice::from_ref(id)).await.unwrap();
    world.ec2.wait(id, Goal::Terminated, within(300)).await.unwrap();
    world.ec2.deregister(&image.id).await.unwrap();
    world.sim.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn the_same_content_is_imported_once() {
    let world = World::new().await;
    let uploaded = upload(&world.sim, "web");
    let (one, two) = (ImageSpec::named("web-7"), ImageSpec::named("web-8"));
    let (first, again) = tokio::join!(world.ec2.register(&uploaded, &one), async {
        tokio::time::sleep(std::time::Duration::from_secs(20)).await;
        world.ec2.register(&uploaded, &one).await
    });
    let first = first.unwrap();
    assert_eq!(again.unwrap().id, first.id, "it waits for the import that runs");
    let second = world.ec2.register(&uploaded, &two).await.unwrap();
    assert_eq!(second.snapshots, first.snapshots, "the snapshot serves both");
    assert_eq!(world.sim.calls().count("ImportSnapshot"), 1);
    assert_eq!(
        world.sim.calls().count("RegisterImage"),
        2 + u64::from(world.sim.calls().count("RegisterImage") > 2)
    );
    // What another image uses is left.
    world.ec2.deregister(&first.id).await.unwrap();
    assert!(world.ec2.get_image(&second.id).await.unwrap().is_some());
    assert_eq!(world.sim.leaks().len(), 2);
    world.ec2.deregister(&second.id).await.unwrap();
    world.sim.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn a_name_that_another_image_has_is_a_conflict_that_says_in_what_it_differs() {
    let world = World::new().await;
    let uploaded = upload(&world.sim, "web");
    let spec = ImageSpec::named("web-7");
    let image = world.ec2.register(&uploaded, &spec).await.unwrap();
    let different = async |uploaded: &UploadedImage, spec: &ImageSpec| {
        let error = world.ec2.register(uploaded, spec).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
        assert!(error.message().contains(image.id.as_str()), "{error}");
        error.message().to_owned()
    };
    assert!(different(&upload(&world.sim, "db"), &spec).await.contains("content"));
    let uefi = ImageSpec { boot_mode: Some(BootMode::Uefi), ..spec.clone() };
    assert!(different(&uploaded, &uefi).await.contains("boot_mode"));
    let arm = ImageSpec { architecture: Architecture::Arm64, ..spec.clone() };
    assert!(different(&uploaded, &arm).await.contains("architecture"));
    let root = ImageSpec { root_device: "/dev/sda1".to_owned(), ..spec };
    assert!(different(&uploaded, &root).await.contains("root_device"));
    assert_eq!(world.sim.calls().count("ImportSnapshot"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_that_is_encrypted_otherwise_does_not_serve() {
    let world = World::new().await;
    let uploaded = upload(&world.sim, "web");
    let named = |name: &str, encryption| ImageSpec { encryption, ..ImageSpec::named(name) };
    world.ec2.register(&uploaded, &named("web-1", Encryption::DefaultKey)).await.unwrap();
    world.ec2.register(&uploaded, &named("web-2", Encryption::Off)).await.unwrap();
    let params = world.last_params("ImportSnapshot");
    assert_eq!(value(&params, "Encrypted"), Some("false"));
    world.ec2.register(&uploaded, &named("web-3", Encryption::Key(KEY.to_owned()))).await.unwrap();
    assert_eq!(value(&world.last_params("ImportSnapshot"), "KmsKeyId"), Some(KEY));
    world.ec2.register(&uploaded, &named("web-4", Encryption::Off)).await.unwrap();
    assert_eq!(world.sim.calls().count("ImportSnapshot"), 3);
}

#[tokio::test(start_paused = true)]
async fn an_import_whose_snapshot_was_deleted_is_made_anew() {
    let world = World::new().await;
    let (uploaded, spec) = (upload(&world.sim, "web"), ImageSpec::named("web-7"));
    for _ in 0..3 {
        let image = world.ec2.register(&uploaded, &spec).await.unwrap();
        world.ec2.deregister(&image.id).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_secs(10)).await;
        world.sim.assert_clean();
    }
    assert_eq!(world.sim.calls().count("ImportSnapshot"), 3);
}

#[tokio::test(start_paused = true)]
async fn a_location_that_is_none_is_refused() {
    let world = World::new().await;
    let uploaded = UploadedImage { location: "memory://x".to_owned(), ..upload(&world.sim, "web") };
    let error = world.ec2.register(&uploaded, &ImageSpec::named("web-7")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("uploaded.location"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_alias_is_refused_before_anything_is_done() {
    let world = World::new().await;
    let encryption = Encryption::Key("alias/shop".to_owned());
    let spec = ImageSpec { encryption, ..ImageSpec::named("web-7") };
    let calls = world.sim.calls().total();
    let error = world.ec2.register(&upload(&world.sim, "web"), &spec).await.unwrap_err();
    assert_eq!((error.kind(), error.resource()), (ErrorKind::Invalid, Some("image.encryption")), "{error}");
    assert!(error.message().contains("ARN or its id"), "{error}");
    assert_eq!(world.sim.calls().total(), calls);
}

#[tokio::test(start_paused = true)]
async fn an_image_that_fails_tells_why_and_gives_the_name_back() {
    let world = World::new().await;
    let (uploaded, spec) = (upload(&world.sim, "web"), ImageSpec::named("web-7"));
    let failure = || Fault::EndsInFailure("the key is disabled".to_owned());
    world.sim.faults().nth("RegisterImage", 1, failure());
    let error = world.ec2.register(&uploaded, &spec).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed, "{error}");
    assert!(error.to_string().contains("the key is disabled"), "{error}");

    // Who waited died before it failed.
    world.sim.faults().nth("RegisterImage", 1, failure());
    let registered = async {
        while world.sim.calls().count("RegisterImage") < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    tokio::select! {
        biased;
        () = registered => {}
        result = world.ec2.register(&uploaded, &spec) => panic!("it was not cut off: {result:?}"),
    }
    tokio::time::sleep(Duration::from_secs(600)).await;

    let other = upload(&world.sim, "db");
    let error = world.ec2.register(&other, &spec).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert!(error.message().contains("the key is disabled"), "{error}");

    let image = world.ec2.register(&uploaded, &spec).await.unwrap();
    assert_eq!(world.sim.calls().count("ImportSnapshot"), 1, "the snapshot served all of them");
    world.ec2.deregister(&image.id).await.unwrap();
    world.sim.assert_clean();
}
