//! CopyImage.

use std::time::Duration;

use ec2_stories_sim::{Fault, Sim};
use tokio::time::sleep;

use super::{registered, sim};
use crate::form::{Reply, call, call_in, image};

const ELSEWHERE: &str = "eu-west-1";

async fn copy(sim: &Sim, id: &str, more: &[(&str, &str)]) -> Reply {
    let base = [("Name", "web-7"), ("SourceImageId", id), ("SourceRegion", "us-east-1")];
    call_in(sim, ELSEWHERE, "CopyImage", &[&base[..], more].concat()).await
}

async fn described(sim: &Sim, id: &str) -> Reply {
    call_in(sim, ELSEWHERE, "DescribeImages", &[("ImageId.1", id)]).await
}

#[tokio::test(start_paused = true)]
async fn a_copy_has_snapshots_of_its_own_and_the_tags_that_it_was_told_to_have() {
    let sim = sim();
    let (id, snapshot) = registered(&sim, "web-7").await;
    let tag = [("ResourceId.1", id.as_str()), ("Tag.1.Key", "content"), ("Tag.1.Value", "sha")];
    call(&sim, "CreateTags", &tag).await.ok();
    let more = [
        ("CopyImageTags", "true"),
        ("TagSpecification.1.ResourceType", "snapshot"),
        ("TagSpecification.1.Tag.1.Key", "owner"),
        ("TagSpecification.1.Tag.1.Value", "shop"),
    ];
    let copied = copy(&sim, &id, &more).await.ok().one("imageId");
    sleep(Duration::from_secs(2)).await;
    assert_eq!(described(&sim, &copied).await.ok().one("imageState"), "pending");
    let seen = sim.leaks().to_string();
    assert!(seen.contains("(1 GiB, pending) in eu-west-1 owner=shop"), "{seen}");
    sleep(Duration::from_secs(200)).await;
    let reply = described(&sim, &copied).await.ok();
    assert_eq!((reply.one("imageState"), reply.one("architecture")), ("available".into(), "x86_64".into()));
    assert_eq!(
        (reply.one("sourceImageId"), reply.one("sourceImageRegion")),
        (id.clone(), "us-east-1".into())
    );
    assert_eq!(reply.inside("item", "value"), ["sha"]);
    assert_ne!(reply.one("snapshotId"), snapshot);
    let fields = [("ImageId", copied.as_str()), ("DeleteAssociatedSnapshots", "true")];
    assert_eq!(call_in(&sim, ELSEWHERE, "DeregisterImage", &fields).await.ok().one("returnCode"), "success");
}

#[tokio::test(start_paused = true)]
async fn a_token_makes_one_copy() {
    let sim = sim();
    let (id, _) = registered(&sim, "web-7").await;
    let token = [("ClientToken", "copy-7")];
    let first = copy(&sim, &id, &token).await.ok().one("imageId");
    assert_eq!(copy(&sim, &id, &token).await.ok().one("imageId"), first);
    let changed = [token[0], ("Description", "other")];
    assert_eq!(copy(&sim, &id, &changed).await.code(), "IdempotentParameterMismatch");
    assert_eq!(copy(&sim, &id, &[]).await.code(), "InvalidAMIName.Duplicate");
}

#[tokio::test(start_paused = true)]
async fn a_copy_fails_late_with_a_reason() {
    let sim = sim();
    let (id, _) = registered(&sim, "web-7").await;
    sim.faults().nth("CopyImage", 1, Fault::EndsInFailure("Internal error".into()));
    let copied = copy(&sim, &id, &[]).await.ok().one("imageId");
    sleep(Duration::from_secs(200)).await;
    let reply = described(&sim, &copied).await.ok();
    assert_eq!(reply.one("imageState"), "failed");
    assert_eq!(reply.inside("stateReason", "message"), ["Internal error"]);
    call_in(&sim, ELSEWHERE, "DeregisterImage", &[("ImageId", &copied)]).await.ok();
}

#[tokio::test(start_paused = true)]
async fn public_images_are_copied_and_missing_ones_are_not() {
    let sim = sim();
    let public = image(&sim, "arm64").await;
    copy(&sim, &public, &[("Encrypted", "true")]).await.ok();
    assert_eq!(copy(&sim, "ami-0", &[("ClientToken", "a")]).await.code(), "InvalidAMIID.NotFound");
    let fields = [("Name", "web-8"), ("SourceImageId", public.as_str()), ("SourceRegion", "moon-1")];
    assert_eq!(call(&sim, "CopyImage", &fields).await.code(), "InvalidParameterValue");
    sleep(Duration::from_secs(2)).await;
    let own = call_in(&sim, ELSEWHERE, "DescribeSnapshots", &[("Owner.1", "self")]).await.ok();
    assert_eq!(own.one("encrypted"), "true");
}
