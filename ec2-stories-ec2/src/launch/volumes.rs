//! Volumes: always encrypted, always deleted with the instance.

use aws_sdk_ec2::types::{BlockDeviceMapping, EbsBlockDevice, VolumeType};
use ec2_stories_core::model::{LaunchRequest, Volume};
use ec2_stories_core::{Error, Result};

/// The root volume is named wherever its device is known, even when nothing about it is asked for: that is how it
/// gets encrypted when the image's snapshot is not.
pub(super) fn mappings(request: &LaunchRequest) -> Result<Option<Vec<BlockDeviceMapping>>> {
    let mut mappings = Vec::new();
    let root = request.root_device.as_deref();
    let describes_root = |volume: &Volume| volume.device.is_none() || volume.device.as_deref() == root;
    if let Some(root) = root
        && !request.volumes.iter().any(describes_root)
    {
        mappings.push(mapping(root, encrypted()));
    }
    for (index, volume) in request.volumes.iter().enumerate() {
        let device = volume.device.as_deref().or(root).ok_or_else(|| {
            Error::invalid(
                format!("volumes[{index}].device"),
                "the image names no root device; say which it is",
            )
        })?;
        mappings.push(mapping(device, described(volume)?));
    }
    Ok((!mappings.is_empty()).then_some(mappings))
}

fn described(volume: &Volume) -> Result<aws_sdk_ec2::types::builders::EbsBlockDeviceBuilder> {
    let number = |field: &str, value: Option<u32>| {
        let convert =
            |value| i32::try_from(value).map_err(|_| Error::invalid(field, format!("{value} is too large")));
        value.map(convert).transpose()
    };
    Ok(encrypted()
        .set_volume_size(number("gib", Some(volume.gib))?)
        .volume_type(VolumeType::from(volume.volume_type.as_str()))
        .set_iops(number("iops", volume.iops)?)
        .set_throughput(number("throughput", volume.throughput)?)
        .set_snapshot_id(volume.snapshot.as_ref().map(ToString::to_string))
        .set_kms_key_id(volume.kms_key.clone()))
}

fn encrypted() -> aws_sdk_ec2::types::builders::EbsBlockDeviceBuilder {
    EbsBlockDevice::builder().encrypted(true).delete_on_termination(true)
}

fn mapping(device: &str, ebs: aws_sdk_ec2::types::builders::EbsBlockDeviceBuilder) -> BlockDeviceMapping {
    BlockDeviceMapping::builder().device_name(device).ebs(ebs.build()).build()
}
