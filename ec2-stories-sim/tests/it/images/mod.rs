//! Images that calls make.

mod copy;
mod create;
mod launch;
mod register;
mod share;

use std::time::Duration;

use ec2_stories_sim::{DiskImageSeed, Latencies, Sim};
use tokio::time::sleep;

use crate::form::{Reply, call};

fn sim() -> Sim {
    Sim::builder().latency(Latencies::builder().jitter(0.0).build()).build()
}

/// A completed snapshot of one GiB, by way of an import.
async fn snapshot(sim: &Sim) -> String {
    let seed = DiskImageSeed::builder().bucket("images").key("web.raw").content(b"disk".to_vec());
    sim.add_disk_image(seed.build());
    let fields = [("DiskContainer.Format", "RAW"), ("DiskContainer.Url", "s3://images/web.raw")];
    let task = call(sim, "ImportSnapshot", &fields).await.ok().one("importTaskId");
    sleep(Duration::from_secs(100)).await;
    call(sim, "DescribeImportSnapshotTasks", &[("ImportTaskId.1", &task)]).await.ok().one("snapshotId")
}

/// What runs on today's instances.
const MODERN: [(&str, &str); 5] = [
    ("Architecture", "x86_64"),
    ("VirtualizationType", "hvm"),
    ("EnaSupport", "true"),
    ("SriovNetSupport", "simple"),
    ("ImdsSupport", "v2.0"),
];

async fn register(sim: &Sim, name: &str, snapshot: &str, more: &[(&str, &str)]) -> Reply {
    let base = [
        ("Name", name),
        ("RootDeviceName", "/dev/xvda"),
        ("BlockDeviceMapping.1.DeviceName", "/dev/xvda"),
        ("BlockDeviceMapping.1.Ebs.SnapshotId", snapshot),
    ];
    call(sim, "RegisterImage", &[&base[..], more].concat()).await
}

/// An available image of today and its snapshot.
async fn registered(sim: &Sim, name: &str) -> (String, String) {
    let snapshot = snapshot(sim).await;
    let id = register(sim, name, &snapshot, &MODERN).await.ok().one("imageId");
    sleep(Duration::from_secs(10)).await;
    (id, snapshot)
}

async fn described(sim: &Sim, id: &str) -> Reply {
    call(sim, "DescribeImages", &[("ImageId.1", id)]).await
}
