//! DescribeImportSnapshotTasks, CancelImportTask.

use crate::ctx::Ctx;
use crate::filter::{Field, Filterable, matching, value};
use crate::page;
use crate::state::Cloud;
use crate::state::imports::{Canceled, Import, ImportState};
use crate::wire::ApiError;
use crate::wire::generated::ec2::{
    CancelImportTaskRequest, CancelImportTaskResponse, DescribeImportSnapshotTasksRequest,
    DescribeImportSnapshotTasksResponse, ImportSnapshotTask, SnapshotTaskDetail, Tag, UserBucketDetails,
};

pub(crate) fn describe_import_snapshot_tasks(
    cloud: &mut Cloud,
    ctx: &Ctx,
    req: DescribeImportSnapshotTasksRequest,
) -> Result<DescribeImportSnapshotTasksResponse, ApiError> {
    page::check_size(req.max_results, 1, 1000)?;
    for id in &req.import_task_ids {
        cloud.imports.known(id, ctx.now)?;
    }
    let wanted = cloud.imports.all().filter(|import| {
        import.visible_at <= ctx.now
            && (req.import_task_ids.is_empty() || req.import_task_ids.contains(&import.id))
    });
    let found = matching(wanted.map(|import| shown(cloud, ctx, import)), &req.filters)?;
    let key = |task: &ImportSnapshotTask| task.import_task_id.clone().unwrap_or_default();
    let (import_snapshot_tasks, next_token) =
        page::cut(found, key, req.max_results, req.next_token.as_deref())?;
    Ok(DescribeImportSnapshotTasksResponse { import_snapshot_tasks, next_token })
}

pub(super) fn shown(cloud: &Cloud, ctx: &Ctx, import: &Import) -> ImportSnapshotTask {
    let state = import.state(ctx.now);
    let active = state == ImportState::Active;
    // The member is there from the start, and empty until there is a snapshot.
    let snapshot = if state == ImportState::Completed { import.snapshot.clone() } else { String::new() };
    let kms_key = import.kms_key.clone().unwrap_or_else(|| "alias/aws/ebs".to_owned());
    let user_bucket = import
        .bucket
        .clone()
        .map(|(bucket, key)| UserBucketDetails { s3_bucket: Some(bucket), s3_key: Some(key) });
    // A size of a file fits exactly.
    #[allow(clippy::cast_precision_loss)]
    let bytes = import.bytes as f64;
    let detail = SnapshotTaskDetail {
        description: Some(import.description.clone()),
        disk_image_size: Some(bytes),
        encrypted: Some(import.encrypted),
        format: Some(import.format.clone()),
        kms_key_id: import.encrypted.then_some(kms_key),
        progress: active.then(|| import.progress(ctx.now).to_string()),
        snapshot_id: Some(snapshot),
        status: Some(state.name().to_owned()),
        status_message: import.message(ctx.now),
        url: import.url.clone(),
        user_bucket,
    };
    ImportSnapshotTask {
        import_task_id: Some(import.id.clone()),
        description: Some(import.description.clone()),
        snapshot_task_detail: Some(detail),
        tags: cloud.tags.get(&import.id),
    }
}

/// Source: CancelImportTask: "Cancels an in-process import virtual machine or import snapshot task."
pub(crate) fn cancel_import_task(
    cloud: &mut Cloud,
    ctx: &Ctx,
    req: CancelImportTaskRequest,
) -> Result<CancelImportTaskResponse, ApiError> {
    let id = req.import_task_id.ok_or_else(|| ApiError::missing_parameter("ImportTaskId"))?;
    let import = cloud.imports.known(&id, ctx.now)?;
    let (state, snapshot) = (import.state(ctx.now), import.snapshot.clone());
    if state != ImportState::Active {
        // Code: "Error codes for the Amazon EC2 API", IncorrectState.
        let message =
            format!("The import task '{id}' is in the state '{}' and cannot be canceled.", state.name());
        return Err(ApiError::new("IncorrectState", message));
    }
    let deleted_at = ctx.now + ctx.up_to(ctx.latencies.import);
    if let Some(import) = cloud.imports.get_mut(&id) {
        import.canceled = Some(Canceled { deleted_at });
    }
    cloud.snapshots.remove(&snapshot);
    Ok(CancelImportTaskResponse {
        import_task_id: Some(id),
        previous_state: Some(state.name().to_owned()),
        state: Some(ImportState::Deleting.name().to_owned()),
    })
}

/// Source: DescribeImportSnapshotTasks, parameter Filters.N, names no filter; `task-state` is that of
/// DescribeImportImageTasks.
impl Filterable for ImportSnapshotTask {
    const FIELDS: &'static [Field<Self>] = &[("task-state", |task| {
        task.snapshot_task_detail.iter().flat_map(|detail| value(&detail.status)).collect()
    })];

    fn tags(&self) -> Option<&[Tag]> {
        Some(&self.tags)
    }
}
