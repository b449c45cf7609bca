//! The place: a subnet with room, a zone that is there.

use aws_sdk_ec2::types::{Subnet, SubnetState};
use ec2_stories_core::ErrorKind;
use ec2_stories_core::model::SubnetId;
use ec2_stories_core::provider::Finding;

use super::Checked;
use crate::api::Call;
use crate::tags::filter;

/// Where the launch goes.
#[derive(Default)]
pub(super) struct Place {
    /// The zone, where it is settled.
    pub(super) zone: Option<String>,
    pub(super) findings: Vec<Finding>,
}

pub(super) async fn check(checked: &Checked<'_>) -> Place {
    if let Some(subnet) = &checked.request.placement.subnet {
        return match look_up(checked, subnet).await {
            Ok(found) => Place {
                zone: found.availability_zone().map(ToOwned::to_owned),
                findings: judge(checked, subnet, &found),
            },
            Err(finding) => Place { zone: None, findings: vec![finding] },
        };
    }
    let zone = checked.request.placement.zone.as_ref().map(ToString::to_string);
    let findings = check_default(checked, zone.as_deref()).await.into_iter().collect();
    Place { zone, findings }
}

async fn look_up(checked: &Checked<'_>, id: &SubnetId) -> Result<Subnet, Finding> {
    let missing = || checked.error("subnets", format!("{id} does not exist"));
    let request = checked.api.client.describe_subnets().subnet_ids(id.as_str());
    match checked.api.call(Call::reading("DescribeSubnets"), request.send()).await {
        Ok(reply) => reply.subnets().first().cloned().ok_or_else(missing),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(missing()),
        Err(error) => Err(checked.unchecked("subnets", &error)),
    }
}

fn judge(checked: &Checked<'_>, id: &SubnetId, subnet: &Subnet) -> Vec<Finding> {
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
