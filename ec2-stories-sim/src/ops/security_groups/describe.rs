//! DescribeSecurityGroups.

use super::groups::arn;
use crate::ctx::Ctx;
use crate::filter::{Field, Filterable, matching, value, values};
use crate::page;
use crate::state::Cloud;
use crate::state::network::{self, permissions};
use crate::wire::ApiError;
use crate::wire::generated::ec2::{
    DescribeSecurityGroupsRequest, DescribeSecurityGroupsResponse, IpPermission, SecurityGroup, Tag,
};

/// Names are looked up in the default VPC only. Source: DescribeSecurityGroups, parameter GroupName.N.
pub(crate) fn describe_security_groups(
    cloud: &mut Cloud,
    ctx: &Ctx,
    request: DescribeSecurityGroupsRequest,
) -> Result<DescribeSecurityGroupsResponse, ApiError> {
    let network = &cloud.network;
    let mut found: Vec<&network::SecurityGroup> = Vec::new();
    for id in &request.group_ids {
        found.push(network.security_group(id)?);
    }
    for name in &request.group_names {
        found.push(network.security_group_named(name, &network.default_vpc()?.id)?);
    }
    if request.group_ids.is_empty() && request.group_names.is_empty() {
        found.extend(network.security_groups());
    }
    let shown = found.into_iter().map(|group| show(cloud, ctx, group));
    let found = matching(shown, &request.filters)?;
    let key = |group: &SecurityGroup| group.group_id.clone().unwrap_or_default();
    let (security_groups, next_token) =
        page::cut(found, key, request.max_results, request.next_token.as_deref())?;
    Ok(DescribeSecurityGroupsResponse { security_groups, next_token })
}

fn show(cloud: &Cloud, ctx: &Ctx, group: &network::SecurityGroup) -> SecurityGroup {
    SecurityGroup {
        group_id: Some(group.id.clone()),
        group_name: Some(group.name.clone()),
        description: Some(group.description.clone()),
        security_group_arn: Some(arn(ctx, &group.id)),
        owner_id: Some(ctx.account.clone()),
        vpc_id: Some(group.vpc_id.clone()),
        ip_permissions: permissions(group.rules(false), &ctx.account),
        ip_permissions_egress: permissions(group.rules(true), &ctx.account),
        tags: cloud.tags.get(&group.id),
    }
}

/// The filters on permissions, once for each direction.
macro_rules! permission_fields {
    ($($prefix:literal $permissions:ident)*) => {
        &[
            ("description", |group| value(&group.description)),
            ("group-id", |group| value(&group.group_id)),
            ("group-name", |group| value(&group.group_name)),
            ("owner-id", |group| value(&group.owner_id)),
            ("vpc-id", |group| value(&group.vpc_id)),
            $(
                (concat!($prefix, "ip-permission.cidr"), |group| {
                    each(&group.$permissions, |permission| values(&permission.ip_ranges, |range| &range.cidr_ip))
                }),
                (concat!($prefix, "ip-permission.from-port"), |group| {
                    each(&group.$permissions, |permission| value(&permission.from_port))
                }),
                (concat!($prefix, "ip-permission.group-id"), |group| {
                    each(&group.$permissions, |permission| {
                        values(&permission.user_id_group_pairs, |pair| &pair.group_id)
                    })
                }),
                (concat!($prefix, "ip-permission.ipv6-cidr"), |group| {
                    each(&group.$permissions, |permission| values(&permission.ipv6_ranges, |range| &range.cidr_ipv6))
                }),
                (concat!($prefix, "ip-permission.protocol"), |group| {
                    each(&group.$permissions, |permission| value(&permission.ip_protocol))
                }),
                (concat!($prefix, "ip-permission.to-port"), |group| {
                    each(&group.$permissions, |permission| value(&permission.to_port))
                }),
                (concat!($prefix, "ip-permission.user-id"), |group| {
                    each(&group.$permissions, |permission| {
                        values(&permission.user_id_group_pairs, |pair| &pair.user_id)
                    })
                }),
            )*
        ]
    };
}

fn each(permissions: &[IpPermission], values: fn(&IpPermission) -> Vec<String>) -> Vec<String> {
    permissions.iter().flat_map(values).collect()
}

impl Filterable for SecurityGroup {
    /// Source: DescribeSecurityGroups, parameter Filter.N.
    const FIELDS: &'static [Field<Self>] =
        permission_fields!("" ip_permissions "egress." ip_permissions_egress);

    fn tags(&self) -> Option<&[Tag]> {
        Some(&self.tags)
    }
}
