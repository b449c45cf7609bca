//! Snapshots: found by their content, waited for, tagged, and deleted.

use std::time::Duration;

use aws_sdk_ec2::primitives::DateTime;
use aws_sdk_ec2::types as sdk;
use aws_sdk_ec2::types::{Snapshot, SnapshotState};
use ec2_stories_core::image::{CONTENT_TAG, Encryption};
use ec2_stories_core::model::{SnapshotId, Tags};
use ec2_stories_core::{Error, ErrorKind, Result};

use super::pace::Pace;
use crate::api::{Api, Call};
use crate::tags::{filter, tags};

/// For how long a snapshot that was just made may be unknown.
const UNSEEN: Duration = Duration::from_secs(60);
/// The last blocks of a snapshot of terabytes are stored within hours.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// Which snapshot of a content will do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) content_hash: &'a str,
    pub(crate) encryption: &'a Encryption,
}

impl Wanted<'_> {
    pub(super) fn is_met_by(&self, encrypted: Option<bool>, key: Option<&str>) -> bool {
        self.encryption.is_met_by(encrypted.unwrap_or(false), key)
    }
}

/// The newest completed own snapshot of the content.
pub(crate) async fn find(api: &Api, wanted: Wanted<'_>) -> Result<Option<SnapshotId>> {
    let mut found = of_content(api, wanted.content_hash).await?;
    found.retain(|snapshot| {
        snapshot.state() == Some(&SnapshotState::Completed)
            && wanted.is_met_by(snapshot.encrypted(), snapshot.kms_key_id())
    });
    let newest = found.iter().max_by_key(|snapshot| snapshot.start_time().map(DateTime::as_nanos));
    Ok(newest.and_then(Snapshot::snapshot_id).map(SnapshotId::new))
}

async fn of_content(api: &Api, content_hash: &str) -> Result<Vec<sdk::Snapshot>> {
    let (mut found, mut next) = (Vec::new(), None);
    loop {
        let request = api
            .client
            .describe_snapshots()
            .owner_ids("self")
            .filters(filter(format!("tag:{CONTENT_TAG}"), content_hash))
            .max_results(1_000)
            .set_next_token(next);
        let page = api.call(Call::reading("DescribeSnapshots"), request.send()).await?;
        next = page.next_token().filter(|token| !token.is_empty()).map(ToOwned::to_owned);
        found.extend(page.snapshots.unwrap_or_default());
        if next.is_none() {
            return Ok(found);
        }
    }
}

pub(crate) async fn by_id(api: &Api, id: &SnapshotId) -> Result<Option<sdk::Snapshot>> {
    let request = api.client.describe_snapshots().snapshot_ids(id.as_str());
    match api.call(Call::reading("DescribeSnapshots"), request.send()).await {
        Ok(reply) => Ok(reply.snapshots.unwrap_or_default().into_iter().next()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.on(id.as_str())),
    }
}

/// The snapshot, as soon as all of it is stored.
pub(crate) async fn wait_until_completed(api: &Api, id: &SnapshotId) -> Result<sdk::Snapshot> {
    let pace = Pace::new();
    loop {
        let failed =
            |kind, why: String| Err(Error::new(kind, why).during("wait for the snapshot").on(id.as_str()));
        let Some(snapshot) = by_id(api, id).await? else {
            if pace.elapsed() > UNSEEN {
                return failed(ErrorKind::NotFound, "does not exist".to_owned());
            }
            pace.pause(None).await;
            continue;
        };
        match snapshot.state() {
            Some(SnapshotState::Completed) => return Ok(snapshot),
            Some(SnapshotState::Error) => {
                let why = snapshot.state_message().unwrap_or("no reason is told");
                return failed(ErrorKind::Failed, format!("failed: {why}"));
            }
            _ if pace.elapsed() > PATIENCE => {
                let why = format!("is still pending after {} h", PATIENCE.as_secs() / 3600);
                return failed(ErrorKind::Timeout, why);
            }
            _ => pace.pause(percent(snapshot.progress())).await,
        }
    }
}

/// A share of a hundred in EC2's words: `42%`, or `42`.
pub(super) fn percent(progress: Option<&str>) -> Option<u32> {
    progress?.trim_end_matches('%').parse().ok()
}

/// Gives a snapshot its tags where EC2 gave it none: an import tags its task, not what it makes.
pub(super) async fn tag(api: &Api, snapshot: &sdk::Snapshot, wanted: &Tags) -> Result<()> {
    let there = tags(snapshot.tags());
    let Some(id) = snapshot.snapshot_id() else { return Ok(()) };
    if wanted.iter().all(|(key, value)| there.get(key) == Some(value)) {
        return Ok(());
    }
    let tags = wanted.iter().map(|(key, value)| sdk::Tag::builder().key(key).value(value).build()).collect();
    let request = api.client.create_tags().resources(id).set_tags(Some(tags));
    api.call(Call::changing("CreateTags"), request.send()).await.map(drop)
}

/// Pauses before a snapshot that is not there is taken for gone: one that was just made can stay unknown for seconds.
pub(crate) const SETTLING: [Duration; 3] =
    [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// As [`by_id`], of a snapshot that may have been made a moment ago.
pub(crate) async fn by_id_when_settled(api: &Api, id: &SnapshotId) -> Result<Option<sdk::Snapshot>> {
    for pause in SETTLING {
        let found = by_id(api, id).await?;
        if found.is_some() {
            return Ok(found);
        }
        tokio::time::sleep(pause).await;
    }
    by_id(api, id).await
}

/// Deletes a snapshot. One that is gone is a success, and so is one that an image uses, which keeps it.
pub(crate) async fn delete(api: &Api, id: &SnapshotId) -> Result<()> {
    let request = api.client.delete_snapshot().snapshot_id(id.as_str());
    match api.call(Call::changing("DeleteSnapshot"), request.send()).await {
        Err(error) if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InUse) => {
            Err(error.on(id.as_str()))
        }
        _ => Ok(()),
    }
}

/// Deletes the snapshots of a content that no image uses.
pub(super) async fn delete_unused(api: &Api, content_hash: &str) -> Result<()> {
    for snapshot in of_content(api, content_hash).await? {
        if let Some(id) = snapshot.snapshot_id() {
            delete(api, &id.into()).await?;
        }
    }
    Ok(())
}
