//! Disks as qemu-img writes them, imported.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use ec2_stories_sim::{DiskImageSeed, Sim};
use tokio::time::sleep;

use crate::form::call;

/// A disk of five GiB and something in it, in one of qemu-img's formats.
fn disk(folder: &Path, format: &str, options: &str) -> Vec<u8> {
    let raw = folder.join("raw");
    let file = std::fs::File::create(&raw).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, b"something", 1 << 20).unwrap();
    file.set_len(5 << 30).unwrap();
    let made = folder.join(format!("{format}{options}"));
    let mut qemu_img = Command::new("qemu-img");
    qemu_img.args(["convert", "-f", "raw", "-O", format]);
    if !options.is_empty() {
        qemu_img.args(["-o", options]);
    }
    let ended = qemu_img.args([&raw, &made]).output().expect("qemu-img is installed (package qemu-utils)");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    std::fs::read(made).unwrap()
}

/// The size in GiB of the snapshot that an import makes, or why it fails.
async fn imported(format: &str, content: Vec<u8>) -> Result<String, String> {
    let sim = Sim::builder().build();
    sim.add_disk_image(DiskImageSeed::builder().bucket("images").key("disk").content(content).build());
    let fields = [("DiskContainer.Format", format), ("DiskContainer.Url", "s3://images/disk")];
    let task = call(&sim, "ImportSnapshot", &fields).await.ok().one("importTaskId");
    sleep(Duration::from_secs(600)).await;
    let task = call(&sim, "DescribeImportSnapshotTasks", &[("ImportTaskId.1", &task)]).await.ok();
    if task.one("status") == "error" {
        return Err(task.one("statusMessage"));
    }
    let snapshot = task.one("snapshotId");
    Ok(call(&sim, "DescribeSnapshots", &[("SnapshotId.1", &snapshot)]).await.ok().one("volumeSize"))
}

#[tokio::test(start_paused = true)]
async fn each_format_is_told_by_its_content() {
    let folder = tempfile::tempdir().unwrap();
    let stream = disk(folder.path(), "vmdk", "subformat=streamOptimized");
    let sparse = disk(folder.path(), "vmdk", "subformat=monolithicSparse");
    let vhd = disk(folder.path(), "vpc", "");
    let vhdx = disk(folder.path(), "vhdx", "");
    let failed = |why: &str| Err(format!("ClientError: Disk validation failed [{why}]"));
    let unknown = || Err("ClientError: Unknown disk image format".to_owned());
    let five = || Ok("5".to_owned());

    assert_eq!(imported("VMDK", stream.clone()).await, five());
    assert_eq!(imported("VMDK", sparse).await, failed("Unsupported VMDK File Format"));
    let mut tables_at_end = stream.clone();
    tables_at_end[56..64].fill(0xff);
    assert_eq!(imported("VMDK", tables_at_end).await, failed("Incomplete VMDK: footer not found"));
    let short = stream[..stream.len() - (64 << 10)].to_vec();
    assert_eq!(imported("VMDK", short).await, failed("Incomplete VMDK: grains are missing"));
    assert_eq!(imported("VMDK", vhd.clone()).await, unknown());
    // A dynamic VHD is rounded up to a whole cylinder.
    assert!(matches!(imported("VHD", vhd.clone()).await.as_deref(), Ok("5" | "6")));
    assert_eq!(imported("VHD", vhd[..vhd.len() - 512].to_vec()).await, failed("Invalid VHD footer"));
    assert_eq!(imported("VHD", vhdx.clone()).await, unknown());
    assert_eq!(imported("VHDX", vhdx.clone()).await, five());
    assert_eq!(imported("VHDX", vhdx[..1 << 20].to_vec()).await, failed("Invalid VHDX metadata"));
    assert_eq!(imported("RAW", stream).await, Ok("1".to_owned()), "any content makes a raw disk");
    assert_eq!(imported("RAW", Vec::new()).await, failed("The disk image is empty"));
}
