//! From an object in S3 to a snapshot.

use std::time::Duration;

use ec2_stories_sim::{DiskImageSeed, Fault, Latencies, Sim};
use tokio::time::sleep;

use crate::form::{Reply, call, call_in, try_call};

const GIB: u64 = 1 << 30;

/// A simulation whose imports take 60 s and 20 s a GiB, with a raw disk of 2 GiB and a byte in S3.
fn sim() -> Sim {
    let sim = Sim::builder().latency(Latencies::builder().jitter(0.0).build()).build();
    let seed = DiskImageSeed::builder().bucket("images").key("web.raw").content(b"disk".to_vec());
    sim.add_disk_image(seed.size(2 * GIB + 1).build());
    sim
}

async fn import(sim: &Sim, key: &str, format: &str, more: &[(&str, &str)]) -> Reply {
    let base = [
        ("DiskContainer.Format", format),
        ("DiskContainer.UserBucket.S3Bucket", "images"),
        ("DiskContainer.UserBucket.S3Key", key),
    ];
    call(sim, "ImportSnapshot", &[&base[..], more].concat()).await
}

async fn task(sim: &Sim, id: &str) -> Reply {
    call(sim, "DescribeImportSnapshotTasks", &[("ImportTaskId.1", id)]).await.ok()
}

async fn settled() {
    sleep(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_task_is_active_without_a_snapshot_until_it_is_completed() {
    let sim = sim();
    let tags = [
        ("TagSpecification.1.ResourceType", "import-snapshot-task"),
        ("TagSpecification.1.Tag.1.Key", "deployment"),
        ("TagSpecification.1.Tag.1.Value", "shop"),
    ];
    let id = import(&sim, "web.raw", "raw", &tags).await.ok().one("importTaskId");
    assert!(
        sim.leaks().to_string().starts_with(&format!("import-snapshot-task {id} (RAW)")),
        "{}",
        sim.leaks()
    );
    settled().await;
    let reply = task(&sim, &id).await;
    assert_eq!(reply.one("status"), "active");
    assert_eq!(reply.all("snapshotId"), [""]);
    assert_eq!(reply.one("statusMessage"), "pending");
    assert_eq!(reply.one("diskImageSize").parse::<f64>().unwrap() as u64, 2 * GIB + 1);
    assert_eq!(reply.inside("item", "value"), ["shop"]);

    sleep(Duration::from_secs(60)).await;
    let reply = task(&sim, &id).await;
    let progress: u32 = reply.one("progress").parse().unwrap();
    assert!((45..60).contains(&progress), "{progress}");
    assert_eq!(reply.one("statusMessage"), "downloading/converting");

    sleep(Duration::from_secs(60)).await;
    let reply = task(&sim, &id).await;
    assert_eq!(reply.one("status"), "completed");
    let snapshot = reply.one("snapshotId");
    let shown = call(&sim, "DescribeSnapshots", &[("SnapshotId.1", &snapshot)]).await.ok();
    assert_eq!(shown.one("volumeSize"), "3", "a part of a GiB counts as one");
    assert_eq!(shown.one("status"), "completed");
    // The task's tags are not the snapshot's: CreateTags must follow.
    assert_eq!(shown.inside("item", "value"), Vec::<String>::new());
    assert!(sim.leaks().to_string().starts_with(&format!("snapshot {snapshot} (3 GiB, completed)")));
    call(&sim, "DeleteSnapshot", &[("SnapshotId", &snapshot)]).await.ok();
    sim.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn what_can_be_told_at_once_is_refused_at_once() {
    let sim = sim();
    let refused = async |key, format, more: &[(&str, &str)], text: &str| {
        let reply = import(&sim, key, format, more).await;
        assert_eq!(reply.code(), "InvalidParameter");
        assert!(reply.one("Message").contains(text), "{}", reply.xml);
    };
    refused("none.raw", "RAW", &[], "User does not have access to the S3 object (images/none.raw)").await;
    refused("web.raw", "QCOW2", &[], "QCOW2").await;
    refused("web.raw", "RAW", &[("RoleName", "other")], "The service role other provided does not exist")
        .await;
    sim.remove_role("vmimport");
    refused("web.raw", "RAW", &[], "The service role vmimport provided does not exist").await;
    sim.add_role("vmimport");
    let fields = [("DiskContainer.Format", "RAW"), ("DiskContainer.Url", "s3://images/web.raw")];
    let reply = call_in(&sim, "eu-west-1", "ImportSnapshot", &fields).await;
    assert!(reply.one("Message").contains("not local to the region"), "{}", reply.xml);
    call(&sim, "ImportSnapshot", &fields).await.ok();
    assert_eq!(call(&sim, "ImportSnapshot", &[]).await.code(), "MissingParameter");
    assert_eq!(
        call(&sim, "DescribeImportSnapshotTasks", &[("ImportTaskId.1", "x")]).await.code(),
        "InvalidConversionTaskId.Malformed"
    );
}

#[tokio::test(start_paused = true)]
async fn a_task_fails_with_the_reason_and_leaves_nothing() {
    let sim = sim();
    sim.fail_next_import("ClientError: Disk validation failed [told to]");
    let told = import(&sim, "web.raw", "RAW", &[]).await.ok().one("importTaskId");
    let foreign = import(&sim, "web.raw", "VMDK", &[]).await.ok().one("importTaskId");
    sleep(Duration::from_secs(200)).await;
    for (id, message) in [
        (told, "ClientError: Disk validation failed [told to]"),
        (foreign, "ClientError: Unknown disk image format"),
    ] {
        let reply = task(&sim, &id).await;
        assert_eq!(reply.one("status"), "error");
        assert_eq!(reply.one("statusMessage"), message);
        assert_eq!(reply.one("snapshotId"), "");
    }
    sim.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn a_canceled_task_leaves_nothing() {
    let sim = sim();
    let id = import(&sim, "web.raw", "RAW", &[]).await.ok().one("importTaskId");
    settled().await;
    let reply = call(&sim, "CancelImportTask", &[("ImportTaskId", &id)]).await.ok();
    assert_eq!((reply.one("previousState"), reply.one("state")), ("active".into(), "deleting".into()));
    sim.assert_clean();
    assert_eq!(call(&sim, "CancelImportTask", &[("ImportTaskId", &id)]).await.code(), "IncorrectState");
    sleep(Duration::from_secs(200)).await;
    assert_eq!(task(&sim, &id).await.one("status"), "deleted");
    assert!(call(&sim, "DescribeSnapshots", &[("Owner.1", "self")]).await.ok().all("snapshotId").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_token_finds_its_task_after_a_lost_reply() {
    let sim = sim();
    let token = [("ClientToken", "content-7")];
    sim.faults().nth("ImportSnapshot", 1, Fault::ReplyLostAfter);
    let base = [
        ("DiskContainer.Format", "RAW"),
        ("DiskContainer.UserBucket.S3Bucket", "images"),
        ("DiskContainer.UserBucket.S3Key", "web.raw"),
        token[0],
    ];
    try_call(&sim, "ImportSnapshot", &base).await.expect_err("lost");
    let first = import(&sim, "web.raw", "RAW", &token).await.ok().one("importTaskId");
    assert_eq!(import(&sim, "web.raw", "RAW", &token).await.ok().one("importTaskId"), first);
    assert_eq!(import(&sim, "web.raw", "VHD", &token).await.code(), "IdempotentParameterMismatch");
    assert_eq!(sim.leaks().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn so_many_tasks_are_active_at_a_time() {
    let sim = sim();
    sim.set_import_limit("us-east-1", 2);
    for _ in 0..2 {
        import(&sim, "web.raw", "RAW", &[]).await.ok();
    }
    assert_eq!(import(&sim, "web.raw", "RAW", &[]).await.code(), "ResourceCountExceeded");
    sleep(Duration::from_secs(200)).await;
    import(&sim, "web.raw", "RAW", &[]).await.ok();
}

#[tokio::test(start_paused = true)]
async fn encryption_by_default_reaches_imports() {
    let sim = sim();
    sim.set_encryption_by_default("us-east-1", true);
    let shown = call(&sim, "GetEbsEncryptionByDefault", &[]).await.ok();
    assert_eq!(shown.one("ebsEncryptionByDefault"), "true");
    assert_eq!(import(&sim, "web.raw", "RAW", &[]).await.ok().one("encrypted"), "true");
}

#[tokio::test(start_paused = true)]
async fn what_s3_holds_is_what_is_imported() {
    let sim = sim();
    let s3 = aws_sdk_s3::Client::new(&sim.sdk_config());
    s3.create_bucket().bucket("uploads").send().await.unwrap();
    let footer = [&b"conectix"[..], &[0; 40], &(5 * GIB).to_be_bytes(), &[0; 456]].concat();
    let disk = [footer.as_slice(), &[7; 70_000], &footer].concat();
    for (key, body) in [("whole", disk.clone()), ("short", disk[..1000].to_vec())] {
        s3.put_object().bucket("uploads").key(key).body(body.into()).send().await.unwrap();
    }
    let mut tasks = Vec::new();
    for url in ["s3://uploads/whole", "s3://uploads/short"] {
        let fields = [("DiskContainer.Format", "VHD"), ("DiskContainer.Url", url)];
        tasks.push(call(&sim, "ImportSnapshot", &fields).await.ok().one("importTaskId"));
    }
    let fields = [("DiskContainer.Format", "VHD"), ("DiskContainer.Url", "s3://uploads/none")];
    assert_eq!(call(&sim, "ImportSnapshot", &fields).await.code(), "InvalidParameter");
    let elsewhere = call_in(&sim, "eu-west-1", "ImportSnapshot", &fields).await;
    assert!(elsewhere.one("Message").contains("not local to the region"), "{}", elsewhere.xml);
    sleep(Duration::from_secs(300)).await;
    let snapshot = task(&sim, &tasks[0]).await.one("snapshotId");
    let shown = call(&sim, "DescribeSnapshots", &[("SnapshotId.1", &snapshot)]).await.ok();
    assert_eq!(shown.one("volumeSize"), "5");
    assert_eq!(
        task(&sim, &tasks[1]).await.one("statusMessage"),
        "ClientError: Disk validation failed [Invalid VHD footer]"
    );
}
