//! Sharing, deprecating, and copies in other regions.

use ec2_stories_core::ErrorKind;
use ec2_stories_core::image::{Encryption, ImageSpec};
use ec2_stories_core::model::{Region, RegisteredImage};
use ec2_stories_core::provider::ImageRegistry;
use ec2_stories_sim::Fault;

use super::upload;
use crate::support::{World, value};

async fn image(world: &World, encryption: Encryption) -> RegisteredImage {
    let spec = ImageSpec { encryption, ..ImageSpec::named("web-7") };
    world.ec2.register(&upload(&world.sim, "web"), &spec).await.unwrap()
}

fn there() -> Region {
    Region::new("eu-west-1")
}

#[tokio::test(start_paused = true)]
async fn the_snapshots_are_shared_with_the_image() {
    let world = World::new().await;
    let image = image(&world, Encryption::Off).await;
    world.ec2.share(&image.id, &["210987654321".to_owned(), "123412341234".to_owned()]).await.unwrap();
    let params = world.last_params("ModifySnapshotAttribute");
    assert_eq!(value(&params, "CreateVolumePermission.Add.1.UserId"), Some("210987654321"));
    assert_eq!(value(&params, "SnapshotId"), Some(image.snapshots[0].as_str()));
    let params = world.last_params("ModifyImageAttribute");
    assert_eq!(value(&params, "LaunchPermission.Add.2.UserId"), Some("123412341234"));
    let error = world.ec2.share(&image.id, &["everyone".to_owned()]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[tokio::test(start_paused = true)]
async fn an_image_encrypted_with_the_default_key_cannot_be_shared_and_the_error_says_what_can() {
    let world = World::new().await;
    let image = image(&world, Encryption::DefaultKey).await;
    let error = world.ec2.share(&image.id, &["210987654321".to_owned()]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(error.message().contains("Encryption::Key"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_copy_carries_the_tags_and_is_made_once() {
    let world = World::new().await;
    let image = image(&world, Encryption::DefaultKey).await;
    let copy = world.ec2.copy(&image.id, &there()).await.unwrap();
    assert_eq!(copy.content_hash(), image.content_hash());
    assert_eq!(copy.tags.get("ec2-stories:copy-of"), Some(format!("us-east-1/{}", image.id).as_str()));
    assert_eq!(world.ec2.copy(&image.id, &there()).await.unwrap().id, copy.id);
    assert_eq!(world.sim.calls().count("CopyImage"), 1);
    let ec2 = world.ec2.in_region(&there());
    assert_eq!(ec2.find_content(copy.content_hash().unwrap()).await.unwrap().unwrap().id, copy.id);
    ec2.deregister(&copy.id).await.unwrap();
    world.ec2.deregister(&image.id).await.unwrap();
    world.sim.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn a_copy_takes_a_key_of_its_own_region() {
    const KEY: &str = "arn:aws:kms:eu-west-1:123456789012:key/0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";
    let world = World::new().await;
    let image = image(&world, Encryption::Off).await;
    let error = world.ec2.copy_encrypted(&image.id, &there(), "alias/shop").await.unwrap_err();
    assert_eq!((error.kind(), error.resource()), (ErrorKind::Invalid, Some("key")), "{error}");
    let copy = world.ec2.copy_encrypted(&image.id, &there(), KEY).await.unwrap();
    let params = world.last_params("CopyImage");
    assert_eq!((value(&params, "Encrypted"), value(&params, "KmsKeyId")), (Some("true"), Some(KEY)));
    let (_, id) = KEY.rsplit_once('/').unwrap();
    assert_eq!(world.ec2.copy_encrypted(&image.id, &there(), id).await.unwrap().id, copy.id);
    let other = id.replace("0f1e", "0f1f");
    let error = world.ec2.copy_encrypted(&image.id, &there(), &other).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    world.ec2.in_region(&there()).deregister(&copy.id).await.unwrap();
    world.ec2.deregister(&image.id).await.unwrap();
    world.sim.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_was_deregistered_is_made_anew() {
    let world = World::new().await;
    let image = image(&world, Encryption::DefaultKey).await;
    let ec2 = world.ec2.in_region(&there());
    for _ in 0..3 {
        let copy = world.ec2.copy(&image.id, &there()).await.unwrap();
        ec2.deregister(&copy.id).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_secs(10)).await;
    }
    world.ec2.deregister(&image.id).await.unwrap();
    world.sim.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_fails_tells_the_reason_and_leaves_nothing() {
    let world = World::new().await;
    let image = image(&world, Encryption::DefaultKey).await;
    let failure = Fault::EndsInFailure("Given key ID is not accessible".to_owned());
    world.sim.faults().nth("CopyImage", 1, failure);
    let error = world.ec2.copy(&image.id, &there()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed, "{error}");
    assert!(error.to_string().contains("Given key ID is not accessible"), "{error}");
    let copy = world.ec2.copy(&image.id, &there()).await.unwrap();
    world.ec2.in_region(&there()).deregister(&copy.id).await.unwrap();
    world.ec2.deregister(&image.id).await.unwrap();
    world.sim.assert_clean();
}
