//! DeregisterImage.

use std::collections::BTreeSet;

use crate::ctx::Ctx;
use crate::ops::snapshots::in_use;
use crate::state::Cloud;
use crate::state::images::Deregistered;
use crate::wire::ApiError;
use crate::wire::generated::ec2::{
    DeleteSnapshotReturnCode, DeregisterImageRequest, DeregisterImageResponse,
};

pub(crate) fn deregister_image(
    cloud: &mut Cloud,
    ctx: &Ctx,
    req: DeregisterImageRequest,
) -> Result<DeregisterImageResponse, ApiError> {
    let id = req.image_id.unwrap_or_default();
    let image = cloud.images.own(&id, &ctx.account, ctx.now)?;
    let snapshots: BTreeSet<String> = image.snapshots().map(str::to_owned).collect();
    if let Some(image) = cloud.images.get_mut(&id) {
        image.deregistered =
            Some(Deregistered { shown_until: ctx.now + ctx.up_to(ctx.latencies.visibility) });
    }
    cloud.tags.remove(&id);
    let results = match req.delete_associated_snapshots {
        Some(true) => snapshots.iter().map(|snapshot| delete(cloud, ctx, snapshot)).collect(),
        _ => Vec::new(),
    };
    Ok(DeregisterImageResponse { r#return: Some(true), delete_snapshot_results: results })
}

/// Source: DeregisterImage, parameter DeleteAssociatedSnapshots: a snapshot of several images is skipped; API reference,
/// DeleteSnapshotReturnCode.
fn delete(cloud: &mut Cloud, ctx: &Ctx, snapshot: &str) -> DeleteSnapshotReturnCode {
    let code = if in_use(cloud, snapshot).is_some() {
        "skipped"
    } else if cloud.snapshots.own(snapshot, &ctx.account, ctx.now).is_err() {
        "client-error"
    } else {
        cloud.snapshots.remove(snapshot);
        cloud.tags.remove(snapshot);
        "success"
    };
    DeleteSnapshotReturnCode { snapshot_id: Some(snapshot.to_owned()), return_code: Some(code.to_owned()) }
}
