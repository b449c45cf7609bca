//! How instances are: states, status checks, scheduled events, notices of the spot market.
//!
//! Calls for N instances, each time: one DescribeInstanceStatus for 100. Once for each instance that no launch or
//! search has shown: its part of a describe of 500, which says whether it is spot; and for each that does not run, for the reason. For spot instances: one
//! DescribeSpotInstanceRequests for 198, whose answer is empty on most days.

mod lifecycles;
mod spot;
mod status;

use std::collections::{BTreeMap, BTreeSet};

use ec2_stories_core::model::{Instance, InstanceHealth, InstanceId, InstanceState, Notice};
use ec2_stories_core::{ErrorKind, Result};
use futures::future::{try_join, try_join_all};

pub(crate) use lifecycles::Lifecycles;

use crate::Ec2;
use crate::api::{Api, Call};
use crate::describe::{describe, drop_unknown};

/// "Maximum 100 explicitly specified instance IDs"
/// (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceStatus.html>).
const BATCH: usize = 100;

pub(crate) async fn health(ec2: &Ec2, ids: &[InstanceId]) -> Result<Vec<InstanceHealth>> {
    let ids: Vec<InstanceId> = ids.iter().collect::<BTreeSet<_>>().into_iter().cloned().collect();
    let statuses = try_join_all(ids.chunks(BATCH).map(|batch| statuses(ec2.api(), batch.to_vec())));
    let (statuses, mut notices) = try_join(statuses, notices(ec2, &ids)).await?;
    let mut found: Vec<InstanceHealth> = statuses.into_iter().flatten().collect();
    let mut reasons = reasons(ec2.api(), &found).await?;
    for health in &mut found {
        health.notices.extend(notices.remove(&health.id));
        health.state_reason = reasons.remove(&health.id).and_then(|instance| instance.state_reason);
    }
    Ok(found)
}

/// One unknown id fails the whole call, so the rest is asked for again without it.
async fn statuses(api: &Api, mut ids: Vec<InstanceId>) -> Result<Vec<InstanceHealth>> {
    while !ids.is_empty() {
        let request = api
            .client
            .describe_instance_status()
            .include_all_instances(true)
            .set_instance_ids(Some(ids.iter().map(ToString::to_string).collect()));
        match api.call(Call::reading("DescribeInstanceStatus").of(ids.len()), request.send()).await {
            Ok(reply) => return Ok(reply.instance_statuses().iter().filter_map(status::health).collect()),
            Err(error) if error.kind() == ErrorKind::NotFound => drop_unknown(&error, &mut ids)?,
            Err(error) => return Err(error),
        }
    }
    Ok(Vec::new())
}

/// What the spot market is about to take away.
async fn notices(ec2: &Ec2, ids: &[InstanceId]) -> Result<BTreeMap<InstanceId, Notice>> {
    let unknown = ec2.lifecycles().unknown(ids);
    if !unknown.is_empty() {
        ec2.lifecycles().learn(&describe(ec2.api(), &unknown).await?, ids);
    }
    spot::notices(ec2.api(), &ec2.lifecycles().spot(ids)).await
}

/// Why instances do not run: that a status does not say.
async fn reasons(api: &Api, found: &[InstanceHealth]) -> Result<BTreeMap<InstanceId, Instance>> {
    let fine = |state| matches!(state, InstanceState::Pending | InstanceState::Running);
    let ids: Vec<InstanceId> =
        found.iter().filter(|health| !fine(health.state)).map(|health| health.id.clone()).collect();
    Ok(describe(api, &ids).await?.into_iter().map(|instance| (instance.id.clone(), instance)).collect())
}
