//! DescribeSubnets.

use crate::ctx::Ctx;
use crate::filter::{Field, Filterable, matching, value};
use crate::page;
use crate::state::Cloud;
use crate::state::network;
use crate::wire::ApiError;
use crate::wire::generated::ec2::{DescribeSubnetsRequest, DescribeSubnetsResponse, Subnet, Tag};

pub(crate) fn describe_subnets(
    cloud: &mut Cloud,
    ctx: &Ctx,
    request: DescribeSubnetsRequest,
) -> Result<DescribeSubnetsResponse, ApiError> {
    let found: Vec<&network::Subnet> = match request.subnet_ids.as_slice() {
        [] => cloud.network.subnets().collect(),
        ids => ids.iter().map(|id| cloud.network.subnet(id)).collect::<Result<_, _>>()?,
    };
    let shown = found.into_iter().map(|subnet| show(cloud, ctx, subnet));
    let found = matching(shown, &request.filters)?;
    let key = |subnet: &Subnet| subnet.subnet_id.clone().unwrap_or_default();
    let (subnets, next_token) = page::cut(found, key, request.max_results, request.next_token.as_deref())?;
    Ok(DescribeSubnetsResponse { subnets, next_token })
}

fn show(cloud: &Cloud, ctx: &Ctx, subnet: &network::Subnet) -> Subnet {
    Subnet {
        subnet_id: Some(subnet.id.clone()),
        subnet_arn: Some(format!("arn:aws:ec2:{}:{}:subnet/{}", ctx.region, ctx.account, subnet.id)),
        vpc_id: Some(subnet.vpc_id.clone()),
        availability_zone: Some(subnet.zone.clone()),
        availability_zone_id: Some(subnet.zone_id.clone()),
        available_ip_address_count: i32::try_from(subnet.available_addresses()).ok(),
        cidr_block: Some(subnet.cidr().to_string()),
        default_for_az: Some(subnet.default_for_zone),
        map_public_ip_on_launch: Some(subnet.map_public_ip),
        assign_ipv6_address_on_creation: Some(false),
        ipv6_native: Some(false),
        owner_id: Some(ctx.account.clone()),
        state: Some("available".to_owned()),
        tags: cloud.tags.get(&subnet.id),
        ..Subnet::default()
    }
}

impl Filterable for Subnet {
    /// Source: DescribeSubnets, parameter Filter.N; the alternative names are the documented ones.
    const FIELDS: &'static [Field<Self>] = &[
        ("availability-zone", |subnet| value(&subnet.availability_zone)),
        ("availabilityZone", |subnet| value(&subnet.availability_zone)),
        ("availability-zone-id", |subnet| value(&subnet.availability_zone_id)),
        ("availabilityZoneId", |subnet| value(&subnet.availability_zone_id)),
        ("available-ip-address-count", |subnet| value(&subnet.available_ip_address_count)),
        ("cidr-block", |subnet| value(&subnet.cidr_block)),
        ("cidr", |subnet| value(&subnet.cidr_block)),
        ("cidrBlock", |subnet| value(&subnet.cidr_block)),
        ("default-for-az", |subnet| value(&subnet.default_for_az)),
        ("defaultForAz", |subnet| value(&subnet.default_for_az)),
        ("ipv6-native", |subnet| value(&subnet.ipv6_native)),
        ("map-public-ip-on-launch", |subnet| value(&subnet.map_public_ip_on_launch)),
        ("owner-id", |subnet| value(&subnet.owner_id)),
        ("state", |subnet| value(&subnet.state)),
        ("subnet-arn", |subnet| value(&subnet.subnet_arn)),
        ("subnet-id", |subnet| value(&subnet.subnet_id)),
        ("vpc-id", |subnet| value(&subnet.vpc_id)),
    ];

    fn tags(&self) -> Option<&[Tag]> {
        Some(&self.tags)
    }
}
