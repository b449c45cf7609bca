//! Moving the time after which instances end themselves.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::Tag;
use ec2_stories_core::model::{Expires, InstanceId};
use ec2_stories_core::{ErrorKind, Result, Status};
use futures::future::try_join_all;
use jiff::Timestamp;

use crate::api::{Api, Call};
use crate::describe::drop_unknown;

/// "You may specify up to 1000 resource IDs"
/// (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTags.html>).
const BATCH: usize = 1_000;

pub(crate) async fn extend(api: &Api, ids: &[InstanceId], until: Timestamp) -> Result<()> {
    let ids: Vec<InstanceId> = ids.iter().collect::<BTreeSet<_>>().into_iter().cloned().collect();
    try_join_all(ids.chunks(BATCH).map(|batch| extend_batch(api, batch.to_vec(), until))).await.map(drop)
}

/// One unknown id fails the whole call, so the rest is extended without it.
async fn extend_batch(api: &Api, mut ids: Vec<InstanceId>, until: Timestamp) -> Result<()> {
    let (key, value) = Expires::at(until).tag();
    while !ids.is_empty() {
        let request = api
            .client
            .create_tags()
            .set_resources(Some(ids.iter().map(ToString::to_string).collect()))
            .tags(Tag::builder().key(key).value(&value).build());
        match api.call(Call::changing("CreateTags").of(ids.len()), request.send()).await {
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => drop_unknown(&error, &mut ids)?,
            // Repeating it does no harm, so a lost reply is no mystery, only a reason to repeat.
            Err(error) if error.is_ambiguous() => return Err(error.status(Status::Temporary)),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
