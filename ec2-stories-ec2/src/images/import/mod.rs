//! From an object in S3 to a snapshot, by ImportSnapshot.

mod failure;
mod location;
mod role;
mod task;

use std::time::Duration;

use aws_sdk_ec2::types::{ImportSnapshotTask, ResourceType, SnapshotDiskContainer, UserBucket};
use ec2_stories_core::image::{ImageSpec, image_tags};
use ec2_stories_core::model::SnapshotId;
use ec2_stories_core::provider::UploadedImage;
use ec2_stories_core::{Error, ErrorKind, Result};
use tokio::time::Instant;

use self::location::Object;
use self::task::{State, tasks_of};
use super::pace::Pace;
use super::snapshots::{self, Wanted};
use super::token;
use crate::api::{Api, Call};
use crate::tags::specification;

pub use self::role::ImportRole;
pub(super) use self::task::cancel;

/// For how long a task may stay as it is. EC2 tells of progress every few minutes.
const STALLED: Duration = Duration::from_secs(2 * 3600);

/// Whether EC2 would have to import this.
pub(super) fn is_object(uploaded: &UploadedImage) -> bool {
    uploaded.location.starts_with("s3://")
}

/// The snapshot of an object: the one that was imported, the one that is being imported, or a new one.
pub(super) async fn import(
    api: &Api,
    uploaded: &UploadedImage,
    spec: &ImageSpec,
    role: &ImportRole,
) -> Result<SnapshotId> {
    let object = Object::parse(&uploaded.location)?;
    let wanted = Wanted { content_hash: &uploaded.content_hash, encryption: &spec.encryption };
    let tasks = tasks_of(api, wanted).await?;
    let task = match usable(api, &tasks).await? {
        Some(task) => task.clone(),
        None => start(api, &object, uploaded, spec, role, &tasks).await?,
    };
    let id = imported(api, task, uploaded, role).await?;
    let snapshot = snapshots::wait_until_completed(api, &id).await?;
    let tags = spec.tags.clone().merged(&image_tags(&spec.name, &uploaded.content_hash));
    snapshots::tag(api, &snapshot, &tags).await?;
    Ok(id)
}

/// A task whose snapshot can be had: one that has made it, else one that still does.
async fn usable<'a>(api: &Api, tasks: &'a [ImportSnapshotTask]) -> Result<Option<&'a ImportSnapshotTask>> {
    for task in tasks {
        // The snapshot of an old import may have been deleted since.
        if let State::Completed(made) = State::of(task)
            && snapshots::by_id(api, &made).await?.is_some()
        {
            return Ok(Some(task));
        }
    }
    Ok(tasks.iter().find(|task| matches!(State::of(task), State::Active { .. })))
}

async fn start(
    api: &Api,
    object: &Object,
    uploaded: &UploadedImage,
    spec: &ImageSpec,
    role: &ImportRole,
    ended: &[ImportSnapshotTask],
) -> Result<ImportSnapshotTask> {
    let key = spec.encryption.key().unwrap_or_default();
    let mut words = vec![
        "import",
        &uploaded.content_hash,
        &object.bucket,
        &object.key,
        if spec.encryption.is_on() { "encrypted" } else { "" },
        key,
    ];
    // The token of an import that ended would lead to that one again.
    words.extend(ended.iter().filter_map(ImportSnapshotTask::import_task_id));
    let bucket = UserBucket::builder().s3_bucket(&object.bucket).s3_key(&object.key).build();
    let container = SnapshotDiskContainer::builder()
        .format(uploaded.format.as_str().to_uppercase())
        .user_bucket(bucket)
        .description(&spec.name)
        .build();
    let tags = spec.tags.clone().merged(&image_tags(&spec.name, &uploaded.content_hash));
    let request = api
        .client
        .import_snapshot()
        .client_token(token(&words))
        .description(format!("ec2-stories: {}", spec.name))
        .disk_container(container)
        .role_name(&role.name)
        .encrypted(spec.encryption.is_on())
        .set_kms_key_id(spec.encryption.key().map(ToOwned::to_owned))
        .tag_specifications(specification(ResourceType::ImportSnapshotTask, &tags));
    let reply = api
        .call(Call::changing("ImportSnapshot"), request.send())
        .await
        .map_err(|error| failure::of_call(error, object, role))?;
    Ok(ImportSnapshotTask::builder()
        .set_import_task_id(reply.import_task_id)
        .set_snapshot_task_detail(reply.snapshot_task_detail)
        .set_tags(reply.tags)
        .build())
}

/// Waits until the task has made its snapshot.
async fn imported(
    api: &Api,
    mut task: ImportSnapshotTask,
    uploaded: &UploadedImage,
    role: &ImportRole,
) -> Result<SnapshotId> {
    let id = task.import_task_id().unwrap_or_default().to_owned();
    let (pace, mut changed, mut last) = (Pace::new(), Instant::now(), None);
    loop {
        match State::of(&task) {
            State::Completed(snapshot) => return Ok(snapshot),
            State::Failed(message) => return Err(failure::of_task(&message, &id, uploaded, role)),
            State::Canceled => {
                let why = "the import was canceled; start it again";
                return Err(Error::new(ErrorKind::Canceled, why).during("import").on(&id));
            }
            State::Active { percent, message } => {
                tracing::debug!(task = %id, percent, message, "importing");
                let seen = Some((percent, message));
                if seen != last {
                    (last, changed) = (seen, Instant::now());
                }
                if changed.elapsed() > STALLED {
                    let why = format!("the import has not moved for {} h", STALLED.as_secs() / 3600);
                    return Err(Error::new(ErrorKind::Timeout, why).during("import").on(&id));
                }
                pace.pause(percent).await;
            }
        }
        // A task that was just made may be unknown for a while.
        if let Some(seen) = task::by_id(api, &id).await? {
            task = seen;
        }
    }
}
