//! The volumes of an instance: the image's, as changed and added to by the launch.

use super::volume_limits;
use crate::ctx::Ctx;
use crate::state::Cloud;
use crate::state::snapshots::Snapshot;
use crate::wire::ApiError;
use crate::wire::generated::ec2::{BlockDeviceMapping, EbsBlockDevice, Image};

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

pub(super) fn of(
    cloud: &Cloud,
    ctx: &Ctx,
    image: &Image,
    mappings: &[BlockDeviceMapping],
) -> Result<Vec<Disk>, ApiError> {
    let mut disks = Vec::new();
    for mapping in &image.block_device_mappings {
        let device = mapping.device_name.clone().unwrap_or_default();
        if let Some(ebs) = &mapping.ebs {
            disks.push(Disk::over(device, ebs, None)?);
        }
    }
    for mapping in mappings {
        let device = check_mapping(mapping)?;
        let at = disks.iter().position(|disk: &Disk| disk.device == device);
        let base = at.map(|at| disks.remove(at));
        if mapping.no_device.is_none()
            && let Some(ebs) = &mapping.ebs
        {
            let same = |base: &&Disk| ebs.snapshot_id.is_none() || base.snapshot == ebs.snapshot_id;
            let disk = match base.as_ref().filter(same) {
                Some(base) => Disk::over(device.to_owned(), ebs, Some(base))?,
                None => {
                    let id = ebs.snapshot_id.as_deref();
                    let usable = |id| cloud.snapshots.usable(id, &ctx.account, ctx.now);
                    Disk::of(device.to_owned(), ebs, id.map(usable).transpose()?)?
                }
            };
            disks.push(disk);
        }
    }
    for disk in &mut disks {
        disk.encrypted |= cloud.encrypted_by_default;
    }
    Ok(disks)
}

/// The device that a mapping names.
pub(crate) fn check_mapping(mapping: &BlockDeviceMapping) -> Result<&str, ApiError> {
    let device = mapping.device_name.as_deref().ok_or_else(|| ApiError::missing_parameter("deviceName"))?;
    if is_device(device) {
        return Ok(device);
    }
    Err(ApiError::new("InvalidBlockDeviceMapping", format!("Invalid device name {device}")))
}

/// `/dev/sda1`, `/dev/xvdba`, `sdh`: one letter or, after `xvd`, two, and a number up to 15.
///
/// Source: EC2 user guide, "Device names for volumes on Amazon EC2 instances".
fn is_device(name: &str) -> bool {
    let name = name.strip_prefix("/dev/").unwrap_or(name);
    let (rest, letters) = match name.strip_prefix("xvd") {
        Some(rest) => (rest, 2),
        None => (name.strip_prefix("sd").or_else(|| name.strip_prefix("hd")).unwrap_or_default(), 1),
    };
    let number = rest.trim_start_matches(|char: char| char.is_ascii_lowercase());
    let found = rest.len() - number.len();
    let numbered =
        number.parse::<u8>().is_ok_and(|n| (1..=15).contains(&n) && !number.starts_with(['0', '+']));
    (1..=letters).contains(&found) && (number.is_empty() || numbered)
}

impl Disk {
    /// A disk of a snapshot, or an empty one.
    pub(crate) fn of(
        device: String,
        ebs: &EbsBlockDevice,
        snapshot: Option<&Snapshot>,
    ) -> Result<Self, ApiError> {
        let base = snapshot.map(|snapshot| Self {
            device: device.clone(),
            size_gib: snapshot.size_gib,
            kind: "gp3".to_owned(),
            iops: None,
            throughput: None,
            encrypted: snapshot.encrypted,
            kms_key: snapshot.kms_key.clone(),
            snapshot: Some(snapshot.id.clone()),
            delete_on_termination: true,
        });
        Self::over(device, ebs, base.as_ref())
    }

    /// What `ebs` says, and what it leaves out from `base`.
    fn over(device: String, ebs: &EbsBlockDevice, base: Option<&Self>) -> Result<Self, ApiError> {
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
        let disk = Self {
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
            kms_key: ebs.kms_key_id.clone().or_else(|| base.and_then(|b| b.kms_key.clone())),
            snapshot: ebs.snapshot_id.clone().or_else(|| base.and_then(|b| b.snapshot.clone())),
            delete_on_termination: ebs
                .delete_on_termination
                .or_else(|| base.map(|b| b.delete_on_termination))
                .unwrap_or(true),
        };
        volume_limits::check(&disk)?;
        Ok(disk)
    }
}

#[cfg(test)]
mod tests {
    use super::is_device;

    #[test]
    fn device_names_are_those_of_the_guide() {
        for name in
            ["/dev/sda1", "/dev/xvda", "/dev/sdh", "sdf", "/dev/xvdba", "xvdcz", "/dev/sdb15", "/dev/hda"]
        {
            assert!(is_device(name), "{name}");
        }
        for name in [
            "",
            "/dev/",
            "/dev/foo",
            "sd",
            "/dev/sdA",
            "/dev/sda0",
            "/dev/sda16",
            "/dev/sdaa",
            "/dev/nvme0n1",
            "/dev/sda+1",
        ] {
            assert!(!is_device(name), "{name}");
        }
    }
}
