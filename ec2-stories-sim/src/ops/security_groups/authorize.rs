//! AuthorizeSecurityGroupIngress and AuthorizeSecurityGroupEgress.

use super::{Single, given, named, refuse_source_group, rule_ids};
use crate::ctx::Ctx;
use crate::state::Cloud;
use crate::wire::ApiError;
use crate::wire::generated::ec2::{
    AuthorizeSecurityGroupEgressRequest, AuthorizeSecurityGroupEgressResponse,
    AuthorizeSecurityGroupIngressRequest, AuthorizeSecurityGroupIngressResponse, IpPermission,
    SecurityGroupRule, TagSpecification,
};

pub(crate) fn authorize_security_group_ingress(
    cloud: &mut Cloud,
    ctx: &Ctx,
    request: AuthorizeSecurityGroupIngressRequest,
) -> Result<AuthorizeSecurityGroupIngressResponse, ApiError> {
    let group = named(cloud, request.group_id.as_deref(), request.group_name.as_deref())?.id.clone();
    let single = Single {
        cidr: request.cidr_ip,
        protocol: request.ip_protocol,
        from_port: request.from_port,
        to_port: request.to_port,
        group_name: request.source_security_group_name,
        group_owner: request.source_security_group_owner_id,
    };
    let permissions = single.or(request.ip_permissions)?;
    let security_group_rules = add(cloud, ctx, &group, false, &permissions, &request.tag_specifications)?;
    Ok(AuthorizeSecurityGroupIngressResponse { r#return: Some(true), security_group_rules })
}

pub(crate) fn authorize_security_group_egress(
    cloud: &mut Cloud,
    ctx: &Ctx,
    request: AuthorizeSecurityGroupEgressRequest,
) -> Result<AuthorizeSecurityGroupEgressResponse, ApiError> {
    let group = named(cloud, request.group_id.as_deref(), None)?.id.clone();
    refuse_source_group(
        request.source_security_group_name.as_ref(),
        request.source_security_group_owner_id.as_ref(),
    )?;
    let single = Single {
        cidr: request.cidr_ip,
        protocol: request.ip_protocol,
        from_port: request.from_port,
        to_port: request.to_port,
        group_name: None,
        group_owner: None,
    };
    let permissions = single.or(request.ip_permissions)?;
    let security_group_rules = add(cloud, ctx, &group, true, &permissions, &request.tag_specifications)?;
    Ok(AuthorizeSecurityGroupEgressResponse { r#return: Some(true), security_group_rules })
}

fn add(
    cloud: &mut Cloud,
    ctx: &Ctx,
    group_id: &str,
    egress: bool,
    permissions: &[IpPermission],
    tags: &[TagSpecification],
) -> Result<Vec<SecurityGroupRule>, ApiError> {
    given(permissions, &ctx.account)?;
    let tags = cloud.tags.from_specifications("security-group-rule", tags)?;
    let rules =
        cloud.network.rules(cloud.network.security_group(group_id)?, egress, permissions, rule_ids(ctx))?;
    cloud.network.security_group_mut(group_id)?.authorize(&rules)?;
    for rule in &rules {
        cloud.tags.set(&rule.id, &tags)?;
    }
    Ok(rules.iter().map(|rule| rule.describe(&ctx.region, group_id, &ctx.account, tags.clone())).collect())
}
