//! CreateImage: of an instance's volumes.

use super::check::{check_description, check_name};
use super::copy::like;
use super::register::add;
use crate::ctx::{Ctx, Work};
use crate::state::Cloud;
use crate::state::snapshots::Snapshot;
use crate::state::tags::{only, tags_for};
use crate::state::timeline::State;
use crate::wire::ApiError;
use crate::wire::generated::ec2::{
    BlockDeviceMapping, CreateImageRequest, CreateImageResponse, EbsBlockDevice, Image,
};

pub(crate) fn create_image(
    cloud: &mut Cloud,
    ctx: &Ctx,
    req: CreateImageRequest,
) -> Result<CreateImageResponse, ApiError> {
    if !req.block_device_mappings.is_empty() {
        return Err(ApiError::unsimulated("BlockDeviceMapping"));
    }
    if req.snapshot_location.as_deref() == Some("local") {
        return Err(ApiError::unsimulated("SnapshotLocation"));
    }
    check_description(req.description.as_deref())?;
    only(&["image", "snapshot"], &req.tag_specifications)?;
    let tags = tags_for("image", &req.tag_specifications)?;
    let snapshot_tags = tags_for("snapshot", &req.tag_specifications)?;
    let name = req.name.unwrap_or_default();
    check_name(cloud, ctx, &name)?;
    let id = req.instance_id.unwrap_or_default();
    let launched_of = source(cloud, ctx, &id)?;

    let base = like(ctx, &launched_of, name, req.description);
    let target = base.image_id.clone().unwrap_or_default();
    let mut ready_at = ctx.now;
    let mut mappings = Vec::new();
    for (device, snapshot, disk) in snapshots(cloud, ctx, &id, &target) {
        ready_at = ready_at.max(snapshot.ends.unwrap_or(ctx.now));
        cloud.tags.set(&snapshot.id, &snapshot_tags)?;
        cloud.snapshots.insert(snapshot);
        mappings.push(BlockDeviceMapping {
            device_name: Some(device),
            ebs: Some(disk),
            ..BlockDeviceMapping::default()
        });
    }
    if req.no_reboot != Some(true)
        && let Some(instance) = cloud.instances.get_mut(&id)
        && instance.state(ctx.now) == State::Running
    {
        instance.reboot();
    }
    let boot_mode = req.boot_mode_override.or(base.boot_mode);
    let image = Image { block_device_mappings: mappings, source_instance_id: Some(id), boot_mode, ..base };
    cloud.tags.set(&target, &tags)?;
    let id = add(cloud, ctx, image, ready_at, ctx.fate.failure.clone());
    Ok(CreateImageResponse { image_id: Some(id) })
}

/// The image that the instance was launched of, deregistered or not.
fn source(cloud: &Cloud, ctx: &Ctx, id: &str) -> Result<Image, ApiError> {
    cloud.instances.known(&[id.to_owned()], ctx.now)?;
    let instance = cloud.instances.get(id).ok_or_else(|| ApiError::missing_parameter("InstanceId"))?;
    let state = instance.state(ctx.now);
    if !matches!(state, State::Running | State::Stopping | State::Stopped) {
        let message = format!(
            "Instance '{id}' is not in a state from which an image can be made: it is '{}'.",
            state.name()
        );
        return Err(ApiError::new("IncorrectInstanceState", message));
    }
    Ok(cloud.images.get(&instance.image.id).map(|image| image.image.clone()).unwrap_or_default())
}

/// A snapshot of each volume, and the disk that the image makes of it.
fn snapshots(cloud: &Cloud, ctx: &Ctx, id: &str, target: &str) -> Vec<(String, Snapshot, EbsBlockDevice)> {
    let attached = cloud.instances.get(id).into_iter().flat_map(|instance| &instance.volumes);
    let volumes = attached.filter_map(|attached| {
        let volume = cloud.volumes.all().find(|volume| volume.id == attached.volume)?;
        Some((attached, volume))
    });
    let made = volumes.map(|(attached, volume)| {
        let snapshot = Snapshot {
            description: format!("Created by CreateImage({id}) for {target}"),
            encrypted: volume.encrypted,
            kms_key: volume.kms_key.clone(),
            volume: volume.id.clone(),
            ends: Some(ctx.done_at(Work::Snapshot, volume.size_gib)),
            failure: ctx.fate.failure.clone(),
            visible_at: ctx.visible_at(),
            ..Snapshot::completed(ctx.id("snap"), &ctx.account, volume.size_gib, ctx.now)
        };
        let disk = EbsBlockDevice {
            delete_on_termination: Some(attached.delete_on_termination),
            encrypted: Some(volume.encrypted),
            iops: volume.iops,
            snapshot_id: Some(snapshot.id.clone()),
            throughput: volume.throughput,
            volume_size: Some(volume.size_gib),
            volume_type: Some(volume.kind.clone()),
            ..EbsBlockDevice::default()
        };
        (attached.device.clone(), snapshot, disk)
    });
    made.collect()
}
