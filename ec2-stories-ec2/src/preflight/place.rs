//! The place: a subnet with room, a zone that is there.

use aws_sdk_ec2::types::SubnetState;
use ec2_stories_core::ErrorKind;
use ec2_stories_core::model::SubnetId;
use ec2_stories_core::provider::Finding;

use super::Checked;
use crate::api::Call;
use crate::tags::filter;

pub(super) async fn check(checked: &Checked<'_>) -> Vec<Finding> {
    match (&checked.request.placement.subnet, checked.zone()) {
        (Some(subnet), _) => check_subnet(checked, subnet).await,
        (None, zone) => check_default(checked, zone).await.into_iter().collect(),
    }
}

async fn check_subnet(checked: &Checked<'_>, id: &SubnetId) -> Vec<Finding> {
    let request = checked.api.client.describe_subnets().subnet_ids(id.as_str());
    let reply = match checked.api.call(Call::reading("DescribeSubnets"), request.send()).await {
        Ok(reply) => reply,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return vec![checked.error("subnets", format!("{id} does not exist"))];
        }
        Err(error) => return vec![checked.unchecked("subnets", &error)],
    };
    let Some(subnet) = reply.subnets().first() else {
        return vec![checked.error("subnets", format!("{id} does not exist"))];
    };
    let mut findings = Vec::new();
    if let Some(state) = subnet.state()
        && *state != SubnetState::Available
    {
        findings.push(checked.error("subnets", format!("{id} is {}, not available", state.as_str())));
    }
    if let Some(free) = subnet.available_ip_address_count()
        && i64::from(free) < i64::from(checked.request.count())
    {
        let message = format!("{id} has {free} free addresses, and {} are needed", checked.request.count());
        findings.push(checked.error("subnets", message));
    }
    findings
}

/// Without a subnet the nodes go to the default VPC, which must have one in the zone.
async fn check_default(checked: &Checked<'_>, zone: Option<&str>) -> Option<Finding> {
    let mut request = checked.api.client.describe_subnets().filters(filter("default-for-az", "true"));
    if let Some(zone) = zone {
        request = request.filters(filter("availability-zone", zone));
    }
    let field = if zone.is_some() { "zones" } else { "subnets" };
    match checked.api.call(Call::reading("DescribeSubnets"), request.send()).await {
        Ok(reply) if reply.subnets().is_empty() => Some(match zone {
            Some(zone) => {
                checked.error(field, format!("{zone} is no zone of the region with a default subnet"))
            }
            None => checked.error(field, "the region has no default VPC with subnets; name a subnet"),
        }),
        Ok(_) => None,
        Err(error) => Some(checked.unchecked(field, &error)),
    }
}
