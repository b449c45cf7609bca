//! A fleet's security group: finding it, making it.

use std::time::Duration;

use aws_sdk_ec2::types::{ResourceType, SecurityGroup};
use ec2_stories_core::model::{Name, Ownership, SubnetId};
use ec2_stories_core::{Error, ErrorKind, Result};
use tokio::time::sleep;

use crate::Ec2;
use crate::api::{Api, Call};
use crate::tags::{filter, owned_by, shared_name, specification};

/// For how long a group that was just made may not be listed.
const VISIBLE_WITHIN: [u64; 5] = [1, 1, 2, 4, 8];

/// The VPC that the nodes go to.
pub(super) async fn vpc(ec2: &Ec2, subnet: Option<&SubnetId>) -> Result<String> {
    match subnet {
        Some(subnet) => vpc_of(ec2.api(), subnet).await,
        None => ec2.default_vpc_cell().get_or_try_init(|| default_vpc(ec2.api())).await.cloned(),
    }
}

async fn vpc_of(api: &Api, subnet: &SubnetId) -> Result<String> {
    let request = api.client.describe_subnets().subnet_ids(subnet.as_str());
    let reply = api.call(Call::reading("DescribeSubnets"), request.send()).await?;
    let vpc = reply.subnets().first().and_then(|subnet| subnet.vpc_id());
    vpc.map(ToOwned::to_owned)
        .ok_or_else(|| Error::new(ErrorKind::NotFound, "no such subnet").on(subnet.as_str()))
}

async fn default_vpc(api: &Api) -> Result<String> {
    let request = api.client.describe_vpcs().filters(filter("is-default", "true"));
    let reply = api.call(Call::reading("DescribeVpcs"), request.send()).await?;
    let vpc = reply.vpcs().first().and_then(|vpc| vpc.vpc_id());
    vpc.map(ToOwned::to_owned)
        .ok_or_else(|| Error::invalid("subnets", "the region has no default VPC; name a subnet"))
}

/// The deployment's own group of this name, if it is there.
pub(super) async fn find(
    api: &Api,
    deployment: &Name,
    name: &str,
    vpc: &str,
) -> Result<Option<SecurityGroup>> {
    let request = api
        .client
        .describe_security_groups()
        .filters(owned_by(deployment))
        .filters(filter("group-name", name))
        .filters(filter("vpc-id", vpc));
    let reply = api.call(Call::reading("DescribeSecurityGroups"), request.send()).await?;
    Ok(reply.security_groups().first().cloned())
}

/// The fleet's group with its rules, made where it is missing.
pub(super) async fn ensure(api: &Api, deployment: &Name, fleet: &Name, vpc: &str) -> Result<SecurityGroup> {
    let name = shared_name(deployment, fleet);
    if let Some(group) = find(api, deployment, &name, vpc).await? {
        return Ok(group);
    }
    match create(api, deployment, fleet, &name, vpc).await {
        Ok(id) => Ok(SecurityGroup::builder().group_id(id).build()),
        Err(error) if error.kind() == ErrorKind::Conflict || error.is_ambiguous() => {
            // The reply to an earlier call was lost, or another process was faster.
            appearing(api, deployment, &name, vpc).await?.ok_or(error)
        }
        Err(error) => Err(error.on(name)),
    }
}

async fn create(api: &Api, deployment: &Name, fleet: &Name, name: &str, vpc: &str) -> Result<String> {
    let tags = Ownership::shared_tags(deployment, Some(fleet));
    let request = api
        .client
        .create_security_group()
        .group_name(name)
        .description(format!("Nodes of {deployment}/{fleet}"))
        .vpc_id(vpc)
        .tag_specifications(specification(ResourceType::SecurityGroup, &tags));
    let reply = api.call(Call::changing("CreateSecurityGroup"), request.send()).await?;
    let id = reply.group_id().map(ToOwned::to_owned);
    id.ok_or_else(|| {
        Error::new(ErrorKind::Unexpected, "the reply names no group").during("CreateSecurityGroup")
    })
}

async fn appearing(api: &Api, deployment: &Name, name: &str, vpc: &str) -> Result<Option<SecurityGroup>> {
    for seconds in VISIBLE_WITHIN {
        if let Some(group) = find(api, deployment, name, vpc).await? {
            return Ok(Some(group));
        }
        sleep(Duration::from_secs(seconds)).await;
    }
    find(api, deployment, name, vpc).await
}
