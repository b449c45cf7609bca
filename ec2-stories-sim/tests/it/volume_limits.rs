//! What a launch may say about its volumes.

use ec2_stories_sim::Sim;

use crate::form::launch;

async fn refusal(disk: &[(&str, &str)]) -> String {
    let sim = Sim::builder().build();
    let fields: Vec<(String, &str)> =
        disk.iter().map(|(name, value)| (format!("BlockDeviceMapping.1.{name}"), *value)).collect();
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    let reply = launch(&sim, "1", &fields).await;
    sim.assert_clean();
    reply.code()
}

#[tokio::test(start_paused = true)]
async fn devices_snapshots_and_performance_are_checked() {
    let device = ("DeviceName", "/dev/sdf");
    for (disk, code) in [
        (vec![("DeviceName", "/dev/foo"), ("Ebs.VolumeSize", "8")], "InvalidBlockDeviceMapping"),
        (vec![("DeviceName", ""), ("Ebs.VolumeSize", "8")], "InvalidBlockDeviceMapping"),
        (vec![device, ("Ebs.SnapshotId", "snap-0")], "InvalidSnapshot.NotFound"),
        (vec![device, ("Ebs.SnapshotId", "0")], "InvalidSnapshotID.Malformed"),
        (vec![device, ("Ebs.Throughput", "99999")], "InvalidParameterValue"),
        (vec![device, ("Ebs.Iops", "5")], "InvalidParameterValue"),
        (vec![device, ("Ebs.VolumeType", "gp2"), ("Ebs.Iops", "3000")], "InvalidParameterCombination"),
        (vec![device, ("Ebs.VolumeType", "gp2"), ("Ebs.Throughput", "125")], "InvalidParameterCombination"),
        (vec![device, ("Ebs.VolumeType", "io2")], "MissingParameter"),
        (vec![device, ("Ebs.VolumeType", "st1")], "InvalidParameterValue"),
        (vec![device, ("Ebs.VolumeSize", "70000")], "InvalidParameterValue"),
    ] {
        assert_eq!(refusal(&disk).await, code, "{disk:?}");
    }
}
