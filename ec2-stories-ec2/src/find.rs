//! Listing what a deployment owns.

use ec2_stories_core::Result;
use ec2_stories_core::model::{Instance, OwnedBy};

use crate::api::{Api, Call};
use crate::convert;
use crate::tags::{filter, owned_by};

/// Most instances in one page (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html>).
const PAGE: i32 = 1_000;

pub(crate) async fn find(api: &Api, owned: &OwnedBy) -> Result<Vec<Instance>> {
    let mut found = Vec::new();
    let mut next = None;
    loop {
        let mut request = api
            .client
            .describe_instances()
            .filters(owned_by(&owned.deployment))
            .max_results(PAGE)
            .set_next_token(next);
        if let Some(token) = &owned.token {
            request = request.filters(filter("client-token", token.as_str()));
        }
        let page = api.call(Call::reading("DescribeInstances"), request.send()).await?;
        found.extend(convert::instances(page.reservations()));
        next = page.next_token().filter(|token| !token.is_empty()).map(ToOwned::to_owned);
        if next.is_none() {
            return Ok(found);
        }
    }
}
