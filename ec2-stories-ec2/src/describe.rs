//! Describing instances by id.

use std::collections::BTreeSet;

use ec2_stories_core::model::{Instance, InstanceId};
use ec2_stories_core::{Error, ErrorKind, Result};
use futures::future::try_join_all;

use crate::api::{Api, Call};
use crate::convert;
use crate::error::named_in;

/// Most ids in one call: what EC2 takes without turning slow, and what its own guides recommend.
pub(crate) const BATCH: usize = 500;

/// Describes these instances; unknown ids are left out.
pub(crate) async fn describe(api: &Api, ids: &[InstanceId]) -> Result<Vec<Instance>> {
    let ids: Vec<InstanceId> = ids.iter().collect::<BTreeSet<_>>().into_iter().cloned().collect();
    let batches = try_join_all(ids.chunks(BATCH).map(|batch| describe_batch(api, batch.to_vec()))).await?;
    Ok(batches.into_iter().flatten().collect())
}

/// One unknown id fails the whole call, so the rest is asked for again without it.
async fn describe_batch(api: &Api, mut ids: Vec<InstanceId>) -> Result<Vec<Instance>> {
    while !ids.is_empty() {
        let request = api
            .client
            .describe_instances()
            .set_instance_ids(Some(ids.iter().map(ToString::to_string).collect()));
        match api.call(Call::reading("DescribeInstances").of(ids.len()), request.send()).await {
            Ok(reply) => return Ok(convert::instances(reply.reservations())),
            Err(error) if error.kind() == ErrorKind::NotFound => drop_unknown(&error, &mut ids)?,
            Err(error) => return Err(error),
        }
    }
    Ok(Vec::new())
}

/// Takes those out that the error names.
pub(crate) fn drop_unknown(error: &Error, ids: &mut Vec<InstanceId>) -> Result<()> {
    let unknown = match ids.as_slice() {
        [only] => vec![only.clone()],
        many => named_in(error, many),
    };
    if unknown.is_empty() {
        return Err(crate::error::again(error));
    }
    ids.retain(|id| !unknown.contains(id));
    Ok(())
}
