//! The volumes of an instance: the image's, as changed and added to by the launch.

use crate::wire::ApiError;
use crate::wire::generated::ec2::{BlockDeviceMapping, EbsBlockDevice, Image};

/// Sizes by "Amazon EBS volume types": 1 GiB to 64 TiB for gp3.
const MAX_GIB: i32 = 65_536;
const DEFAULT_GIB: i32 = 8;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Disk {
    pub(crate) device: String,
    pub(crate) size_gib: i32,
    pub(crate) kind: String,
    pub(crate) iops: Option<i32>,
    pub(crate) throughput: Option<i32>,
    pub(crate) encrypted: bool,
    pub(crate) kms_key: Option<String>,
    pub(crate) snapshot: Option<String>,
    pub(crate) delete_on_termination: bool,
}

pub(super) fn of(image: &Image, mappings: &[BlockDeviceMapping]) -> Result<Vec<Disk>, ApiError> {
    let mut disks = Vec::new();
    for mapping in &image.block_device_mappings {
        let device = mapping.device_name.clone().unwrap_or_default();
        if let Some(ebs) = &mapping.ebs {
            disks.push(disk(device, ebs, None)?);
        }
    }
    for mapping in mappings {
        let device = mapping.device_name.clone().ok_or_else(|| {
            ApiError::new("MissingParameter", "The request must contain the parameter deviceName")
        })?;
        let at = disks.iter().position(|disk: &Disk| disk.device == device);
        let base = at.map(|at| disks.remove(at));
        if mapping.no_device.is_none()
            && let Some(ebs) = &mapping.ebs
        {
            disks.push(disk(device, ebs, base.as_ref())?);
        }
    }
    Ok(disks)
}

fn disk(device: String, ebs: &EbsBlockDevice, base: Option<&Disk>) -> Result<Disk, ApiError> {
    let least = base.map_or(1, |base| base.size_gib);
    let size_gib = ebs.volume_size.unwrap_or_else(|| base.map_or(DEFAULT_GIB, |base| base.size_gib));
    if size_gib < least {
        let snapshot = base.and_then(|base| base.snapshot.as_deref()).unwrap_or_default();
        return Err(ApiError::new(
            "InvalidBlockDeviceMapping",
            format!(
                "Volume of size {size_gib}GB is smaller than snapshot '{snapshot}', expect size>= {least}GB"
            ),
        ));
    }
    if size_gib > MAX_GIB {
        let message = format!("Volume size must be between 1 and {MAX_GIB} GiB");
        return Err(ApiError::new("InvalidParameterValue", message));
    }
    Ok(Disk {
        device,
        size_gib,
        kind: ebs
            .volume_type
            .clone()
            .or_else(|| base.map(|b| b.kind.clone()))
            .unwrap_or_else(|| "gp3".to_owned()),
        iops: ebs.iops,
        throughput: ebs.throughput,
        encrypted: ebs.encrypted.or_else(|| base.map(|b| b.encrypted)).unwrap_or(false),
        kms_key: ebs.kms_key_id.clone(),
        snapshot: ebs.snapshot_id.clone().or_else(|| base.and_then(|b| b.snapshot.clone())),
        delete_on_termination: ebs
            .delete_on_termination
            .or_else(|| base.map(|b| b.delete_on_termination))
            .unwrap_or(true),
    })
}
