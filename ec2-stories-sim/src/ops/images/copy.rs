//! CopyImage, called in the region that gets the copy.

use super::check::{check_description, check_name};
use super::register::{add, new_image};
use crate::ctx::Ctx;
use crate::ops::snapshots::copied;
use crate::state::images::Registered;
use crate::state::snapshots::Snapshot;
use crate::state::tags::{only, tags_for};
use crate::state::{Cloud, Library};
use crate::wire::ApiError;
use crate::wire::generated::ec2::{CopyImageRequest, CopyImageResponse, Image, Tag};

pub(crate) fn copy_image(
    cloud: &mut Cloud,
    ctx: &Ctx,
    req: CopyImageRequest,
) -> Result<CopyImageResponse, ApiError> {
    let token = req.client_token.clone().unwrap_or_default();
    if !token.is_empty()
        && let Some(id) = cloud.copy_tokens.replay("regional", &token, &ctx.fingerprint, ctx.now)?
    {
        return Ok(CopyImageResponse { image_id: Some(id) });
    }
    let id = copy(cloud, ctx, req)?;
    if !token.is_empty() {
        cloud.copy_tokens.remember("regional", &token, &ctx.fingerprint, &id, ctx.now);
    }
    Ok(CopyImageResponse { image_id: Some(id) })
}

fn copy(cloud: &mut Cloud, ctx: &Ctx, req: CopyImageRequest) -> Result<String, ApiError> {
    refuse_unsimulated(&req)?;
    check_description(req.description.as_deref())?;
    only(&["image", "snapshot"], &req.tag_specifications)?;
    let from = req.source_region.as_deref().unwrap_or_default();
    let library = ctx.source.as_ref().ok_or_else(|| ApiError::invalid_value(from, "sourceRegion"))?;
    let id = req.source_image_id.as_deref().unwrap_or_default();
    let source = library.images.available(id, &ctx.account, ctx.now)?;
    let name = req.name.clone().unwrap_or_default();
    check_name(cloud, ctx, &name)?;
    let mut tags =
        if req.copy_image_tags == Some(true) { own_tags(library, ctx, source) } else { Vec::new() };
    let given = tags_for("image", &req.tag_specifications)?;
    // What the call says wins over what the source has.
    tags.retain(|tag| given.iter().all(|other| other.key != tag.key));
    tags.extend(given);
    let snapshot_tags = tags_for("snapshot", &req.tag_specifications)?;

    let mut image = Image {
        source_image_id: Some(id.to_owned()),
        source_image_region: Some(from.to_owned()),
        ..like(ctx, &source.image, name, req.description)
    };
    let target = image.image_id.clone().unwrap_or_default();
    let mut ready_at = ctx.now;
    for disk in image.block_device_mappings.iter_mut().filter_map(|mapping| mapping.ebs.as_mut()) {
        let Some(from) = disk.snapshot_id.take() else { continue };
        let original = original(library, ctx, source, &from, disk.volume_size);
        let encrypt = req.encrypted == Some(true);
        let snapshot = Snapshot {
            description: format!(
                "Copied for DestinationAmi {target} from SourceAmi {id} for SourceSnapshot {from}."
            ),
            ..copied(cloud, ctx, &original, encrypt, req.kms_key_id.clone())
        };
        disk.snapshot_id = Some(snapshot.id.clone());
        disk.encrypted = Some(snapshot.encrypted);
        ready_at = ready_at.max(snapshot.ends.unwrap_or(ctx.now));
        cloud.tags.set(&snapshot.id, &snapshot_tags)?;
        cloud.snapshots.insert(snapshot);
    }
    cloud.tags.set(&target, &tags)?;
    Ok(add(cloud, ctx, image, ready_at, ctx.fate.failure.clone()))
}

/// The same machine under another name; nothing of who may use it, nor until when, is copied.
pub(super) fn like(ctx: &Ctx, source: &Image, name: String, description: Option<String>) -> Image {
    Image {
        architecture: source.architecture.clone(),
        block_device_mappings: source.block_device_mappings.clone(),
        boot_mode: source.boot_mode.clone(),
        ena_support: source.ena_support,
        imds_support: source.imds_support.clone(),
        platform: source.platform.clone(),
        platform_details: source.platform_details.clone(),
        root_device_name: source.root_device_name.clone(),
        sriov_net_support: source.sriov_net_support.clone(),
        tpm_support: source.tpm_support.clone(),
        usage_operation: source.usage_operation.clone(),
        virtualization_type: source.virtualization_type.clone(),
        ..new_image(ctx, name, description)
    }
}

/// Source: CopyImage, parameter CopyImageTags: "Your user-defined AMI tags"; those of other accounts are not copied.
fn own_tags(library: &Library, ctx: &Ctx, source: &Registered) -> Vec<Tag> {
    if source.owner() == ctx.account { library.tags.get(source.id()) } else { Vec::new() }
}

/// The snapshot of a disk. Those below another account's images cannot be seen, yet are copied.
fn original(library: &Library, ctx: &Ctx, source: &Registered, id: &str, gib: Option<i32>) -> Snapshot {
    let known = library.snapshots.known(id, &ctx.account, ctx.now).cloned();
    known.unwrap_or_else(|_| Snapshot::completed(id.to_owned(), source.owner(), gib.unwrap_or(1), ctx.now))
}

fn refuse_unsimulated(req: &CopyImageRequest) -> Result<(), ApiError> {
    let asked = [
        (req.destination_outpost_arn.is_some(), "DestinationOutpostArn"),
        (req.destination_availability_zone.is_some(), "DestinationAvailabilityZone"),
        (req.destination_availability_zone_id.is_some(), "DestinationAvailabilityZoneId"),
        (req.snapshot_copy_completion_duration_minutes.is_some(), "SnapshotCopyCompletionDurationMinutes"),
    ];
    match asked.iter().find(|(asked, _)| *asked) {
        Some((_, name)) => Err(ApiError::unsimulated(name)),
        None => Ok(()),
    }
}
