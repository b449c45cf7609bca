//! Notices of the spot market.
//!
//! Source: EC2 user guide, "Spot Instance interruption notices" and "Get the status of a Spot Instance request".

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_ec2::types::{Filter, SpotInstanceRequest};
use ec2_stories_core::Result;
use ec2_stories_core::model::{InstanceId, Notice};
use futures::future::try_join_all;

use crate::api::{Api, Call};
use crate::convert::timestamp;

/// Between the notice and the end.
const NOTICE: Duration = Duration::from_secs(120);
/// Status codes of an instance that is about to go.
const MARKED: [&str; 2] = ["marked-for-termination", "marked-for-stop"];
/// EC2 takes 200 values in all filters of a call together, and two are [`MARKED`].
const BATCH: usize = 198;

/// One call for many, which only shows those that are about to go.
pub(super) async fn notices(api: &Api, ids: &[InstanceId]) -> Result<BTreeMap<InstanceId, Notice>> {
    let batches = try_join_all(ids.chunks(BATCH).map(|batch| of_batch(api, batch))).await?;
    Ok(batches.into_iter().flatten().collect())
}

async fn of_batch(api: &Api, ids: &[InstanceId]) -> Result<Vec<(InstanceId, Notice)>> {
    let filter =
        |name: &str, values: Vec<String>| Filter::builder().name(name).set_values(Some(values)).build();
    let mut marked = Vec::new();
    let mut next = None;
    loop {
        let request = api
            .client
            .describe_spot_instance_requests()
            .filters(filter("instance-id", ids.iter().map(ToString::to_string).collect()))
            .filters(filter("status-code", MARKED.map(ToOwned::to_owned).to_vec()))
            .set_next_token(next);
        let call = Call::reading("DescribeSpotInstanceRequests").of(ids.len());
        let page = api.call(call, request.send()).await?;
        marked.extend(page.spot_instance_requests().iter().filter_map(notice));
        next = page.next_token().filter(|token| !token.is_empty()).map(ToOwned::to_owned);
        if next.is_none() {
            return Ok(marked);
        }
    }
}

/// Codes are looked at here too: not every EC2 filters by them.
fn notice(request: &SpotInstanceRequest) -> Option<(InstanceId, Notice)> {
    let status =
        request.status().filter(|status| status.code().is_some_and(|code| MARKED.contains(&code)))?;
    let marked = status.update_time().and_then(timestamp)?;
    let notice = Notice { what: "spot-interruption".to_owned(), ends: true, at: marked + NOTICE };
    Some((request.instance_id()?.into(), notice))
}
