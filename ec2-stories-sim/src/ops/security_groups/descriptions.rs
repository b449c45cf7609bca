//! UpdateSecurityGroupRuleDescriptionsIngress and …Egress.

use super::{given, named, rule_ids};
use crate::ctx::Ctx;
use crate::state::Cloud;
use crate::wire::ApiError;
use crate::wire::generated::ec2::{
    IpPermission, SecurityGroupRuleDescription, UpdateSecurityGroupRuleDescriptionsEgressRequest,
    UpdateSecurityGroupRuleDescriptionsEgressResponse, UpdateSecurityGroupRuleDescriptionsIngressRequest,
    UpdateSecurityGroupRuleDescriptionsIngressResponse,
};

pub(crate) fn update_security_group_rule_descriptions_ingress(
    cloud: &mut Cloud,
    ctx: &Ctx,
    request: UpdateSecurityGroupRuleDescriptionsIngressRequest,
) -> Result<UpdateSecurityGroupRuleDescriptionsIngressResponse, ApiError> {
    let group = named(cloud, request.group_id.as_deref(), request.group_name.as_deref())?.id.clone();
    update(cloud, ctx, &group, false, &request.ip_permissions, request.security_group_rule_descriptions)?;
    Ok(UpdateSecurityGroupRuleDescriptionsIngressResponse { r#return: Some(true) })
}

pub(crate) fn update_security_group_rule_descriptions_egress(
    cloud: &mut Cloud,
    ctx: &Ctx,
    request: UpdateSecurityGroupRuleDescriptionsEgressRequest,
) -> Result<UpdateSecurityGroupRuleDescriptionsEgressResponse, ApiError> {
    let group = named(cloud, request.group_id.as_deref(), request.group_name.as_deref())?.id.clone();
    update(cloud, ctx, &group, true, &request.ip_permissions, request.security_group_rule_descriptions)?;
    Ok(UpdateSecurityGroupRuleDescriptionsEgressResponse { r#return: Some(true) })
}

/// All descriptions are set or, on an error, none.
fn update(
    cloud: &mut Cloud,
    ctx: &Ctx,
    group_id: &str,
    egress: bool,
    permissions: &[IpPermission],
    by_id: Vec<SecurityGroupRuleDescription>,
) -> Result<(), ApiError> {
    if by_id.is_empty() || !permissions.is_empty() {
        given(permissions, &ctx.account)?;
    }
    let before = cloud.network.security_group(group_id)?;
    let mut after = before.clone();
    for rule in cloud.network.rules(before, egress, permissions, rule_ids(ctx))? {
        after.describe_rule(&rule)?;
    }
    for rule in by_id {
        after
            .describe_rule_id(rule.security_group_rule_id.as_deref().unwrap_or_default(), rule.description)?;
    }
    *cloud.network.security_group_mut(group_id)? = after;
    Ok(())
}
