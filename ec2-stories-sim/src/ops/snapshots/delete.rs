//! DeleteSnapshot.

use crate::ctx::Ctx;
use crate::state::Cloud;
use crate::wire::ApiError;
use crate::wire::generated::ec2::{DeleteSnapshotRequest, DeleteSnapshotResponse};

pub(crate) fn delete_snapshot(
    cloud: &mut Cloud,
    ctx: &Ctx,
    req: DeleteSnapshotRequest,
) -> Result<DeleteSnapshotResponse, ApiError> {
    let id = req.snapshot_id.unwrap_or_default();
    cloud.snapshots.own(&id, &ctx.account, ctx.now)?;
    if let Some(image) = in_use(cloud, &id) {
        let message = format!("The snapshot {id} is currently in use by {image}");
        return Err(ApiError::new("InvalidSnapshot.InUse", message));
    }
    cloud.snapshots.remove(&id);
    cloud.tags.remove(&id);
    Ok(DeleteSnapshotResponse::default())
}

/// The image that holds a snapshot: "You cannot delete a snapshot of the root device of an EBS volume used by a
/// registered AMI" (DeleteSnapshot), which is so for its other volumes too.
pub(crate) fn in_use(cloud: &Cloud, snapshot: &str) -> Option<String> {
    let holder = cloud.images.live().find(|image| image.snapshots().any(|id| id == snapshot));
    holder.map(|image| image.id().to_owned())
}
