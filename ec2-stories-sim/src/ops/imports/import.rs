//! ImportSnapshot.

use super::describe::shown;
use super::disk;
use crate::ctx::{Ctx, Work};
use crate::objects::{DiskImage, Lookup};
use crate::state::Cloud;
use crate::state::imports::Import;
use crate::state::snapshots::Snapshot;
use crate::wire::ApiError;
use crate::wire::generated::ec2::{ImportSnapshotRequest, ImportSnapshotResponse, SnapshotDiskContainer};

/// The role that an import takes on when it is not told another.
const ROLE: &str = "vmimport";

/// Everything that can be told at once is refused at once; what only the disk's content tells fails the task later.
pub(crate) fn import_snapshot(
    cloud: &mut Cloud,
    ctx: &Ctx,
    req: ImportSnapshotRequest,
) -> Result<ImportSnapshotResponse, ApiError> {
    let token = req.client_token.clone().unwrap_or_default();
    if !token.is_empty()
        && let Some(id) = cloud.import_tokens.replay("regional", &token, &ctx.fingerprint, ctx.now)?
        && let Some(import) = cloud.imports.get(&id)
    {
        return Ok(reply(cloud, ctx, import));
    }
    let tags = cloud.tags.from_specifications("import-snapshot-task", &req.tag_specifications)?;
    let import = checked(cloud, ctx, req)?;
    cloud.tags.set(&import.id, &tags)?;
    if !token.is_empty() {
        cloud.import_tokens.remember("regional", &token, &ctx.fingerprint, &import.id, ctx.now);
    }
    let reply = reply(cloud, ctx, &import);
    cloud.imports.insert(import);
    Ok(reply)
}

fn reply(cloud: &Cloud, ctx: &Ctx, import: &Import) -> ImportSnapshotResponse {
    let task = shown(cloud, ctx, import);
    ImportSnapshotResponse {
        import_task_id: task.import_task_id,
        description: task.description,
        snapshot_task_detail: task.snapshot_task_detail,
        tags: task.tags,
    }
}

fn checked(cloud: &mut Cloud, ctx: &Ctx, req: ImportSnapshotRequest) -> Result<Import, ApiError> {
    let container = req.disk_container.ok_or_else(|| ApiError::missing_parameter("DiskContainer"))?;
    let format = format(&container)?;
    let role = req.role_name.as_deref().unwrap_or(ROLE);
    if !ctx.iam.roles.contains(role) {
        let message = format!(
            "The service role {role} provided does not exist or does not have sufficient permissions"
        );
        return Err(invalid(message));
    }
    if req.kms_key_id.is_some() && req.encrypted != Some(true) {
        let message = "KmsKeyId cannot be specified unless Encrypted is true";
        return Err(ApiError::invalid_combination(message));
    }
    let object = object(ctx, &container)?;
    let active = cloud.imports.active(ctx.now).count();
    if active >= cloud.imports.limit {
        let limit = cloud.imports.limit;
        let message = format!("The number of active import tasks has reached its limit of {limit}.");
        return Err(ApiError::new("ResourceCountExceeded", message));
    }
    let (size_gib, failure) = match disk::virtual_gib(&format, object) {
        Ok(gib) => (gib, ctx.fate.failure.clone()),
        Err(message) => (0, Some(message)),
    };
    let encrypted = req.encrypted == Some(true) || cloud.encrypted_by_default;
    let ends = ctx.done_at(Work::Import, size_gib);
    let import = Import {
        id: ctx.id("import-snap"),
        description: req.description.or(container.description).unwrap_or_default(),
        bucket: container.user_bucket.and_then(|bucket| Some((bucket.s3_bucket?, bucket.s3_key?))),
        url: container.url,
        format,
        bytes: object.bytes,
        encrypted,
        kms_key: req.kms_key_id.clone(),
        started: ctx.now,
        ends,
        failure,
        canceled: None,
        snapshot: ctx.id("snap"),
        visible_at: ctx.visible_at(),
    };
    if import.failure.is_none() {
        // Source: VM Import/Export user guide: the description names the task.
        cloud.snapshots.insert(Snapshot {
            description: format!("Created by AWS-VMImport service for {}", import.id),
            encrypted,
            kms_key: req.kms_key_id,
            ends: Some(ends),
            visible_at: ends,
            ..Snapshot::completed(import.snapshot.clone(), &ctx.account, size_gib, ctx.now)
        });
    }
    Ok(import)
}

/// Source: ImportSnapshot, SnapshotDiskContainer, member Format.
fn format(container: &SnapshotDiskContainer) -> Result<String, ApiError> {
    let given = container.format.as_deref().ok_or_else(|| ApiError::missing_parameter("Format"))?;
    let known = given.to_ascii_uppercase();
    if matches!(known.as_str(), "RAW" | "VHD" | "VHDX" | "VMDK") {
        return Ok(known);
    }
    Err(invalid(format!(
        "Invalid disk container format: '{given}'. Valid formats are VHD, VHDX, VMDK and RAW."
    )))
}

fn object<'a>(ctx: &'a Ctx, container: &SnapshotDiskContainer) -> Result<&'a DiskImage, ApiError> {
    let bucket = container.user_bucket.as_ref();
    let place = match bucket.map(|bucket| (bucket.s3_bucket.as_deref(), bucket.s3_key.as_deref())) {
        Some((Some(bucket), Some(key))) => format!("{bucket}/{key}"),
        Some((None, _)) => return Err(ApiError::missing_parameter("S3Bucket")),
        Some((_, None)) => return Err(ApiError::missing_parameter("S3Key")),
        None => container
            .url
            .as_deref()
            .and_then(|url| url.strip_prefix("s3://"))
            .ok_or_else(|| invalid("No disk image: give a UserBucket or a URL that begins with s3://"))?
            .to_owned(),
    };
    match &ctx.object {
        Some(Lookup::Found(image)) => Ok(image),
        Some(Lookup::Elsewhere(_)) => Err(invalid(format!(
            "The given S3 object is not local to the region. The object must be located in {}.",
            ctx.region
        ))),
        Some(Lookup::NoBucket | Lookup::NoKey) | None => {
            Err(invalid(format!("User does not have access to the S3 object ({place}).")))
        }
    }
}

/// Code: "Error codes for the Amazon EC2 API", InvalidParameter, which imports use for everything that they refuse.
fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new("InvalidParameter", message.into())
}
