//! Snapshots: of volumes, shared, copied, deleted.

use std::time::Duration;

use ec2_stories_sim::{Fault, Latencies, Sim};
use tokio::time::sleep;

use crate::form::{Reply, call, call_in, launch, until_running};

fn sim() -> Sim {
    Sim::builder().latency(Latencies::builder().jitter(0.0).build()).build()
}

/// A snapshot of the root volume of a new instance, still pending.
async fn snapshot(sim: &Sim, more: &[(&str, &str)]) -> Reply {
    launch(sim, "1", &[]).await.ok();
    until_running().await;
    let volume = call(sim, "DescribeVolumes", &[]).await.ok().one("volumeId");
    call(sim, "CreateSnapshot", &[&[("VolumeId", volume.as_str())], more].concat()).await
}

async fn described(sim: &Sim, id: &str) -> Reply {
    call(sim, "DescribeSnapshots", &[("SnapshotId.1", id)]).await.ok()
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_of_a_volume_takes_its_time() {
    let sim = sim();
    let tags = [
        ("Description", "before the change"),
        ("TagSpecification.1.ResourceType", "snapshot"),
        ("TagSpecification.1.Tag.1.Key", "role"),
        ("TagSpecification.1.Tag.1.Value", "db"),
    ];
    let reply = snapshot(&sim, &tags).await.ok();
    let id = reply.one("snapshotId");
    assert_eq!(reply.one("status"), "pending");
    sleep(Duration::from_secs(22)).await;
    assert_eq!(described(&sim, &id).await.one("progress"), "50%");
    sleep(Duration::from_secs(22)).await;
    let filters = [
        ("Owner.1", "self"),
        ("Filter.1.Name", "tag:role"),
        ("Filter.1.Value.1", "db"),
        ("Filter.2.Name", "status"),
        ("Filter.2.Value.1", "completed"),
    ];
    let reply = call(&sim, "DescribeSnapshots", &filters).await.ok();
    assert_eq!(reply.all("snapshotId"), [id.as_str()]);
    assert_eq!((reply.one("progress"), reply.one("volumeSize")), ("100%".into(), "8".into()));
    call(&sim, "DeleteSnapshot", &[("SnapshotId", &id)]).await.ok();
    assert_eq!(call(&sim, "DeleteSnapshot", &[("SnapshotId", &id)]).await.code(), "InvalidSnapshot.NotFound");
    assert!(
        call(&sim, "DescribeTags", &[("Filter.1.Name", "key"), ("Filter.1.Value.1", "role")])
            .await
            .ok()
            .all("key")
            .is_empty()
    );
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_fails_when_told_to() {
    let sim = sim();
    sim.faults().nth("CreateSnapshot", 1, Fault::EndsInFailure("The volume could not be read".into()));
    let id = snapshot(&sim, &[]).await.ok().one("snapshotId");
    sleep(Duration::from_secs(60)).await;
    let reply = described(&sim, &id).await;
    assert_eq!(
        (reply.one("status"), reply.one("statusMessage")),
        ("error".into(), "The volume could not be read".into())
    );
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_is_shared_with_accounts_by_either_way_of_saying_so() {
    let sim = sim();
    let id = snapshot(&sim, &[]).await.ok().one("snapshotId");
    sleep(Duration::from_secs(1)).await;
    let modify = async |more: &[(&str, &str)]| {
        let base = [("SnapshotId", id.as_str()), ("Attribute", "createVolumePermission")];
        call(&sim, "ModifySnapshotAttribute", &[&base[..], more].concat()).await
    };
    let accounts = async || {
        let fields = [("SnapshotId", id.as_str()), ("Attribute", "createVolumePermission")];
        call(&sim, "DescribeSnapshotAttribute", &fields).await.ok().all("userId")
    };
    modify(&[("CreateVolumePermission.Add.1.UserId", "111111111111")]).await.ok();
    modify(&[("OperationType", "add"), ("UserId.1", "222222222222")]).await.ok();
    assert_eq!(accounts().await, ["111111111111", "222222222222"]);
    modify(&[("OperationType", "remove"), ("UserId.1", "111111111111")]).await.ok();
    assert_eq!(accounts().await, ["222222222222"]);
    let shared = call(&sim, "DescribeSnapshots", &[("RestorableBy.1", "222222222222")]).await.ok();
    assert_eq!(shared.all("snapshotId"), [id.as_str()]);
    assert_eq!(
        modify(&[("OperationType", "add"), ("UserId.1", "me")]).await.code(),
        "InvalidUserID.Malformed"
    );
}

#[tokio::test(start_paused = true)]
async fn a_copy_in_another_region_has_an_id_and_a_time_of_its_own() {
    let sim = sim();
    let id = snapshot(&sim, &[]).await.ok().one("snapshotId");
    sleep(Duration::from_secs(1)).await;
    let copy = async || {
        let fields = [("SourceRegion", "us-east-1"), ("SourceSnapshotId", id.as_str())];
        call_in(&sim, "eu-west-1", "CopySnapshot", &fields).await
    };
    assert_eq!(copy().await.code(), "IncorrectState");
    sleep(Duration::from_secs(60)).await;
    let copied = copy().await.ok().one("snapshotId");
    assert_ne!(copied, id);
    sleep(Duration::from_secs(1)).await;
    let state = async || {
        call_in(&sim, "eu-west-1", "DescribeSnapshots", &[("SnapshotId.1", &copied)]).await.ok().one("status")
    };
    assert_eq!(state().await, "pending");
    sleep(Duration::from_secs(200)).await;
    assert_eq!(state().await, "completed");
    let fields = [("SourceRegion", "moon-1"), ("SourceSnapshotId", id.as_str())];
    assert_eq!(call(&sim, "CopySnapshot", &fields).await.code(), "InvalidParameterValue");
}

#[tokio::test(start_paused = true)]
async fn ids_are_told_malformed_from_missing() {
    let sim = sim();
    for (id, code) in [
        ("vol-1", "InvalidSnapshotID.Malformed"),
        ("snap-x", "InvalidSnapshotID.Malformed"),
        ("snap-0", "InvalidSnapshot.NotFound"),
    ] {
        assert_eq!(call(&sim, "DescribeSnapshots", &[("SnapshotId.1", id)]).await.code(), code);
    }
}
