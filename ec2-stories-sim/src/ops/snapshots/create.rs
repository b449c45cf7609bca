//! CreateSnapshot, CopySnapshot, GetEbsEncryptionByDefault.

use super::describe::shown;
use crate::ctx::{Ctx, Work};
use crate::ops::images::check_description;
use crate::state::Cloud;
use crate::state::snapshots::Snapshot;
use crate::wire::ApiError;
use crate::wire::generated::ec2::{
    CopySnapshotRequest, CopySnapshotResponse, CreateSnapshotRequest, CreateSnapshotResponse,
    GetEbsEncryptionByDefaultRequest, GetEbsEncryptionByDefaultResponse,
};

pub(crate) fn create_snapshot(
    cloud: &mut Cloud,
    ctx: &Ctx,
    req: CreateSnapshotRequest,
) -> Result<CreateSnapshotResponse, ApiError> {
    if req.location.as_deref() == Some("local") || req.outpost_arn.is_some() {
        return Err(ApiError::unsimulated("OutpostArn"));
    }
    check_description(req.description.as_deref())?;
    let tags = cloud.tags.from_specifications("snapshot", &req.tag_specifications)?;
    let volume = cloud.volumes.known(req.volume_id.as_deref().unwrap_or_default(), ctx.now)?;
    let snapshot = Snapshot {
        description: req.description.unwrap_or_default(),
        encrypted: volume.encrypted,
        kms_key: volume.kms_key.clone(),
        volume: volume.id.clone(),
        ends: Some(ctx.done_at(Work::Snapshot, volume.size_gib)),
        failure: ctx.fate.failure.clone(),
        visible_at: ctx.visible_at(),
        ..Snapshot::completed(ctx.id("snap"), &ctx.account, volume.size_gib, ctx.now)
    };
    cloud.tags.set(&snapshot.id, &tags)?;
    let reply = shown(cloud, ctx, &snapshot);
    cloud.snapshots.insert(snapshot);
    Ok(CreateSnapshotResponse {
        snapshot_id: reply.snapshot_id,
        owner_id: reply.owner_id,
        description: reply.description,
        volume_id: reply.volume_id,
        volume_size: reply.volume_size,
        encrypted: reply.encrypted,
        kms_key_id: reply.kms_key_id,
        start_time: reply.start_time,
        state: reply.state,
        // A reply to CreateSnapshot has no percentage yet. Source: CreateSnapshot, the example's reply.
        progress: Some(String::new()),
        tags: reply.tags,
        ..CreateSnapshotResponse::default()
    })
}

/// Called in the region that gets the copy.
pub(crate) fn copy_snapshot(
    cloud: &mut Cloud,
    ctx: &Ctx,
    req: CopySnapshotRequest,
) -> Result<CopySnapshotResponse, ApiError> {
    if req.destination_outpost_arn.is_some() || req.destination_availability_zone.is_some() {
        return Err(ApiError::unsimulated("DestinationOutpostArn"));
    }
    if let Some(region) = req.destination_region.as_ref().filter(|region| **region != ctx.region) {
        return Err(ApiError::invalid_value(region, "destinationRegion"));
    }
    check_description(req.description.as_deref())?;
    let tags = cloud.tags.from_specifications("snapshot", &req.tag_specifications)?;
    let from = req.source_region.as_deref().unwrap_or_default();
    let library = ctx.source.as_ref().ok_or_else(|| ApiError::invalid_value(from, "sourceRegion"))?;
    let id = req.source_snapshot_id.as_deref().unwrap_or_default();
    let source = library.snapshots.usable(id, &ctx.account, ctx.now)?;
    let description = format!("[Copied {} from {from}] {}", source.id, source.description);
    let copy = Snapshot {
        description: req.description.unwrap_or_else(|| description.trim_end().to_owned()),
        ..copied(cloud, ctx, source, req.encrypted == Some(true), req.kms_key_id)
    };
    cloud.tags.set(&copy.id, &tags)?;
    let reply = CopySnapshotResponse { snapshot_id: Some(copy.id.clone()), tags: cloud.tags.get(&copy.id) };
    cloud.snapshots.insert(copy);
    Ok(reply)
}

/// A copy that is still to be described, tagged and added.
pub(crate) fn copied(
    cloud: &Cloud,
    ctx: &Ctx,
    source: &Snapshot,
    encrypt: bool,
    kms_key: Option<String>,
) -> Snapshot {
    Snapshot {
        encrypted: source.encrypted || encrypt || cloud.encrypted_by_default,
        kms_key,
        ends: Some(ctx.done_at(Work::Copy, source.size_gib)),
        failure: ctx.fate.failure.clone(),
        visible_at: ctx.visible_at(),
        ..Snapshot::completed(ctx.id("snap"), &ctx.account, source.size_gib, ctx.now)
    }
}

pub(crate) fn get_ebs_encryption_by_default(
    cloud: &mut Cloud,
    _: &Ctx,
    _: GetEbsEncryptionByDefaultRequest,
) -> Result<GetEbsEncryptionByDefaultResponse, ApiError> {
    let sse_type = if cloud.encrypted_by_default { "sse-ebs" } else { "none" };
    Ok(GetEbsEncryptionByDefaultResponse {
        ebs_encryption_by_default: Some(cloud.encrypted_by_default),
        sse_type: Some(sse_type.to_owned()),
    })
}
