//! RegisterImage.

use super::check::{check_description, check_name};
use super::virtualization;
use crate::ctx::Ctx;
use crate::ops::launch::{Disk, check_mapping};
use crate::state::Cloud;
use crate::state::images::Registered;
use crate::wire::ApiError;
use crate::wire::generated::ec2::{
    BlockDeviceMapping, EbsBlockDevice, Image, RegisterImageRequest, RegisterImageResponse,
};
use crate::wire::time_text;

/// What an image is when it is not said. A trap: no instance type of today runs it.
///
/// Source: RegisterImage, parameters Architecture ("For Amazon EBS-backed AMIs, i386") and VirtualizationType
/// ("Default: paravirtual").
const ARCHITECTURE: &str = "i386";
const VIRTUALIZATION: &str = "paravirtual";
/// Source: EC2 user guide, "Device names for volumes on Amazon EC2 instances".
const ROOT_DEVICE: &str = "/dev/sda1";

pub(crate) fn register_image(
    cloud: &mut Cloud,
    ctx: &Ctx,
    req: RegisterImageRequest,
) -> Result<RegisterImageResponse, ApiError> {
    refuse_unsimulated(&req)?;
    check_description(req.description.as_deref())?;
    let tags = cloud.tags.from_specifications("image", &req.tag_specifications)?;
    let architecture = req.architecture.unwrap_or_else(|| ARCHITECTURE.to_owned());
    let kind = req.virtualization_type.unwrap_or_else(|| VIRTUALIZATION.to_owned());
    let name = req.name.unwrap_or_default();
    check_name(cloud, ctx, &name)?;
    let root = req.root_device_name.unwrap_or_else(|| ROOT_DEVICE.to_owned());
    let image = Image {
        block_device_mappings: mappings(cloud, ctx, &root, &req.block_device_mappings)?,
        architecture: Some(architecture),
        virtualization_type: Some(kind),
        root_device_name: Some(root),
        boot_mode: req.boot_mode,
        ena_support: Some(req.ena_support == Some(true)),
        sriov_net_support: req.sriov_net_support,
        imds_support: req.imds_support,
        tpm_support: req.tpm_support,
        ..new_image(ctx, name, req.description)
    };
    virtualization::check(&image)?;
    let ready_at = ctx.now + ctx.jitter(ctx.latencies.register, ctx.latencies.jitter);
    let id = add(cloud, ctx, image, ready_at, ctx.fate.failure.clone());
    cloud.tags.set(&id, &tags)?;
    Ok(RegisterImageResponse { image_id: Some(id) })
}

/// An image of the caller's own, without anything that tells what it can run on.
pub(super) fn new_image(ctx: &Ctx, name: String, description: Option<String>) -> Image {
    Image {
        image_id: Some(ctx.id("ami")),
        image_location: Some(format!("{}/{name}", ctx.account)),
        owner_id: Some(ctx.account.clone()),
        name: Some(name),
        description,
        creation_date: Some(time_text(ctx.now)),
        root_device_type: Some("ebs".to_owned()),
        hypervisor: Some("xen".to_owned()),
        image_type: Some("machine".to_owned()),
        platform_details: Some("Linux/UNIX".to_owned()),
        usage_operation: Some("RunInstances".to_owned()),
        ..Image::default()
    }
}

/// Adds an image of the caller's that is ready, or fails, at a time; gives its id.
pub(super) fn add(
    cloud: &mut Cloud,
    ctx: &Ctx,
    image: Image,
    ready_at: jiff::Timestamp,
    failure: Option<String>,
) -> String {
    let id = image.image_id.clone().unwrap_or_default();
    cloud.images.insert(Registered {
        image,
        visible_at: ctx.visible_at(),
        ready_at,
        failure,
        deregistered: None,
        permissions: Vec::new(),
        seeded: false,
    });
    id
}

/// The volumes of an image, as it is described.
fn mappings(
    cloud: &Cloud,
    ctx: &Ctx,
    root: &str,
    asked: &[BlockDeviceMapping],
) -> Result<Vec<BlockDeviceMapping>, ApiError> {
    let mut found = Vec::new();
    for mapping in asked {
        let device = check_mapping(mapping)?;
        if found.iter().any(|other: &BlockDeviceMapping| other.device_name.as_deref() == Some(device)) {
            return Err(invalid(format!(
                "The device '{device}' is used in more than one block-device mapping"
            )));
        }
        let Some(ebs) = mapping.ebs.as_ref().filter(|_| mapping.no_device.is_none()) else {
            if mapping.virtual_name.is_some() {
                found.push(mapping.clone());
            }
            continue;
        };
        let ebs = volume(cloud, ctx, device, ebs)?;
        found.push(BlockDeviceMapping {
            device_name: Some(device.to_owned()),
            ebs: Some(ebs),
            ..BlockDeviceMapping::default()
        });
    }
    let of_root = found.iter().find(|mapping| mapping.device_name.as_deref() == Some(root));
    let ebs = of_root.and_then(|mapping| mapping.ebs.as_ref());
    match ebs.map(|ebs| ebs.snapshot_id.is_some()) {
        Some(true) => Ok(found),
        Some(false) => Err(invalid(format!("The root device '{root}' needs a snapshot"))),
        None => Err(invalid(format!("The root device '{root}' is not in the block device mappings"))),
    }
}

fn volume(cloud: &Cloud, ctx: &Ctx, device: &str, ebs: &EbsBlockDevice) -> Result<EbsBlockDevice, ApiError> {
    let snapshot = ebs.snapshot_id.as_deref();
    let snapshot = snapshot.map(|id| cloud.snapshots.usable(id, &ctx.account, ctx.now)).transpose()?;
    if let (Some(snapshot), Some(encrypted)) = (snapshot, ebs.encrypted)
        && snapshot.encrypted != encrypted
    {
        let message =
            format!("The encryption of '{device}' is that of its snapshot and cannot be changed here");
        return Err(invalid(message));
    }
    let disk = Disk::of(device.to_owned(), ebs, snapshot)?;
    Ok(EbsBlockDevice {
        delete_on_termination: Some(disk.delete_on_termination),
        encrypted: Some(disk.encrypted),
        iops: disk.iops,
        snapshot_id: disk.snapshot,
        throughput: disk.throughput,
        volume_size: Some(disk.size_gib),
        volume_type: Some(disk.kind),
        ..EbsBlockDevice::default()
    })
}

fn invalid(message: String) -> ApiError {
    ApiError::new("InvalidBlockDeviceMapping", message)
}

fn refuse_unsimulated(req: &RegisterImageRequest) -> Result<(), ApiError> {
    let asked = [
        (req.image_location.is_some(), "ImageLocation"),
        (req.kernel_id.is_some(), "KernelId"),
        (req.ramdisk_id.is_some(), "RamdiskId"),
        (req.uefi_data.is_some(), "UefiData"),
        (!req.billing_products.is_empty(), "BillingProduct"),
    ];
    match asked.iter().find(|(asked, _)| *asked) {
        Some((_, name)) => Err(ApiError::unsimulated(name)),
        None => Ok(()),
    }
}
