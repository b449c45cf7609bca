//! Import tasks: what state they are in, and which are of a content.

use aws_sdk_ec2::types::{ImportSnapshotTask, SnapshotTaskDetail};
use ec2_stories_core::image::CONTENT_TAG;
use ec2_stories_core::model::SnapshotId;
use ec2_stories_core::{ErrorKind, Result};

use crate::api::{Api, Call};
use crate::images::snapshots::{Wanted, percent};
use crate::tags::tags;

/// A task's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    Active { percent: Option<u32>, message: Option<String> },
    Completed(SnapshotId),
    Failed(String),
    Canceled,
}

impl State {
    pub(super) fn of(task: &ImportSnapshotTask) -> Self {
        let Some(detail) = task.snapshot_task_detail() else {
            return Self::Active { percent: None, message: None };
        };
        let message = detail.status_message().filter(|message| !message.is_empty()).map(ToOwned::to_owned);
        match (detail.status().unwrap_or("active"), message) {
            // The id is there, and empty, while the task is active.
            ("completed", _) if detail.snapshot_id().is_some_and(|id| !id.is_empty()) => {
                Self::Completed(detail.snapshot_id().unwrap_or_default().into())
            }
            ("error", message) => Self::Failed(message.unwrap_or_else(|| "no reason is told".to_owned())),
            // A task that failed is deleted with the reason.
            ("deleted" | "deleting", Some(message)) if message.contains("Error") => Self::Failed(message),
            ("deleted" | "deleting", _) => Self::Canceled,
            (_, message) => Self::Active { percent: percent(detail.progress()), message },
        }
    }
}

/// The tasks of a content, encrypted as is wanted. EC2 documents no filter by tag for them, so all are listed; it forgets
/// them after some days.
pub(super) async fn tasks_of(api: &Api, wanted: Wanted<'_>) -> Result<Vec<ImportSnapshotTask>> {
    let mut tasks = with_content(api, wanted.content_hash).await?;
    tasks.retain(|task| {
        let detail = task.snapshot_task_detail();
        wanted.is_met_by(
            detail.and_then(SnapshotTaskDetail::encrypted),
            detail.and_then(SnapshotTaskDetail::kms_key_id),
        )
    });
    Ok(tasks)
}

async fn with_content(api: &Api, content_hash: &str) -> Result<Vec<ImportSnapshotTask>> {
    let (mut found, mut next) = (Vec::new(), None);
    loop {
        let request = api.client.describe_import_snapshot_tasks().max_results(500).set_next_token(next);
        let page = api.call(Call::reading("DescribeImportSnapshotTasks"), request.send()).await?;
        next = page.next_token().filter(|token| !token.is_empty()).map(ToOwned::to_owned);
        found.extend(page.import_snapshot_tasks.unwrap_or_default());
        if next.is_none() {
            break;
        }
    }
    found.retain(|task| tags(task.tags()).get(CONTENT_TAG) == Some(content_hash));
    // Of several, everyone takes the same.
    found.sort_by(|a, b| a.import_task_id().cmp(&b.import_task_id()));
    Ok(found)
}

pub(super) async fn by_id(api: &Api, id: &str) -> Result<Option<ImportSnapshotTask>> {
    let request = api.client.describe_import_snapshot_tasks().import_task_ids(id);
    match api.call(Call::reading("DescribeImportSnapshotTasks"), request.send()).await {
        Ok(reply) => Ok(reply.import_snapshot_tasks.unwrap_or_default().into_iter().next()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.on(id)),
    }
}

/// Cancels what still imports this content, and says which snapshots were made: they have no tags as long as nobody gave
/// them any.
pub(in crate::images) async fn cancel(api: &Api, content_hash: &str) -> Result<Vec<SnapshotId>> {
    let mut made = Vec::new();
    for mut task in with_content(api, content_hash).await? {
        if let (State::Active { .. }, Some(id)) =
            (State::of(&task), task.import_task_id().map(ToOwned::to_owned))
        {
            let request =
                api.client.cancel_import_task().import_task_id(&id).cancel_reason("ec2-stories: abandoned");
            if let Err(error) = api.call(Call::changing("CancelImportTask"), request.send()).await {
                // It may have ended meanwhile.
                match by_id(api, &id).await? {
                    Some(now) if matches!(State::of(&now), State::Active { .. }) => return Err(error.on(id)),
                    Some(now) => task = now,
                    None => {}
                }
            }
        }
        if let State::Completed(snapshot) = State::of(&task) {
            made.push(snapshot);
        }
    }
    Ok(made)
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::SnapshotTaskDetail;

    use super::*;

    fn state(status: &str, snapshot: &str, message: &str) -> State {
        let detail = SnapshotTaskDetail::builder()
            .status(status)
            .snapshot_id(snapshot)
            .status_message(message)
            .progress("42")
            .build();
        State::of(&ImportSnapshotTask::builder().snapshot_task_detail(detail).build())
    }

    #[test]
    fn every_state_is_told_apart() {
        let converting = State::Active { percent: Some(42), message: Some("converting".to_owned()) };
        assert_eq!(state("active", "", "converting"), converting);
        assert_eq!(state("completed", "snap-1", ""), State::Completed("snap-1".into()));
        assert!(matches!(state("completed", "", ""), State::Active { .. }), "it has no snapshot yet");
        let why = "ClientError: Disk validation failed";
        assert_eq!(state("error", "", why), State::Failed(why.to_owned()));
        assert_eq!(state("deleted", "", why), State::Failed(why.to_owned()));
        assert_eq!(state("deleted", "", ""), State::Canceled);
        assert!(matches!(State::of(&ImportSnapshotTask::builder().build()), State::Active { .. }));
    }
}
