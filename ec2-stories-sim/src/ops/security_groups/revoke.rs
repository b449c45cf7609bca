//! RevokeSecurityGroupIngress and RevokeSecurityGroupEgress.

use super::{Single, given, named, refuse_source_group, rule_ids};
use crate::ctx::Ctx;
use crate::state::Cloud;
use crate::state::network::{Rule, permission_not_found, permissions};
use crate::wire::ApiError;
use crate::wire::generated::ec2::{
    IpPermission, RevokeSecurityGroupEgressRequest, RevokeSecurityGroupEgressResponse,
    RevokeSecurityGroupIngressRequest, RevokeSecurityGroupIngressResponse, RevokedSecurityGroupRule,
};

pub(crate) fn revoke_security_group_ingress(
    cloud: &mut Cloud,
    ctx: &Ctx,
    request: RevokeSecurityGroupIngressRequest,
) -> Result<RevokeSecurityGroupIngressResponse, ApiError> {
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
    let (revoked, unknown) =
        Revocation { group, egress: false, permissions, ids: request.security_group_rule_ids }
            .apply(cloud, ctx)?;
    Ok(RevokeSecurityGroupIngressResponse {
        r#return: Some(true),
        revoked_security_group_rules: revoked,
        unknown_ip_permissions: unknown,
    })
}

pub(crate) fn revoke_security_group_egress(
    cloud: &mut Cloud,
    ctx: &Ctx,
    request: RevokeSecurityGroupEgressRequest,
) -> Result<RevokeSecurityGroupEgressResponse, ApiError> {
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
    let (revoked, unknown) =
        Revocation { group, egress: true, permissions, ids: request.security_group_rule_ids }
            .apply(cloud, ctx)?;
    Ok(RevokeSecurityGroupEgressResponse {
        r#return: Some(true),
        revoked_security_group_rules: revoked,
        unknown_ip_permissions: unknown,
    })
}

/// Which rules are to go.
struct Revocation {
    group: String,
    egress: bool,
    permissions: Vec<IpPermission>,
    ids: Vec<String>,
}

impl Revocation {
    /// Takes all rules away or, on an error, none. What the default VPC's groups do not have is no error but told.
    ///
    /// Source: RevokeSecurityGroupIngress, "For a default VPC, if the values you specify do not match the existing
    /// rule's values, no error is returned, and the output describes the security group rules that were not revoked."
    fn apply(
        self,
        cloud: &mut Cloud,
        ctx: &Ctx,
    ) -> Result<(Vec<RevokedSecurityGroupRule>, Vec<IpPermission>), ApiError> {
        if self.ids.is_empty() || !self.permissions.is_empty() {
            given(&self.permissions, &ctx.account)?;
        }
        let before = cloud.network.security_group(&self.group)?;
        let in_default_vpc = cloud.network.vpc(&before.vpc_id)?.is_default;
        let mut wanted = cloud.network.rules(before, self.egress, &self.permissions, rule_ids(ctx))?;
        let mut after = before.clone();
        let mut revoked = Vec::new();
        for id in &self.ids {
            revoked.push(after.revoke_id(id, self.egress)?);
        }
        wanted.retain(|rule| match after.revoke(rule) {
            Some(rule) => {
                revoked.push(rule);
                false
            }
            None => true,
        });
        if !wanted.is_empty() && !in_default_vpc {
            return Err(permission_not_found());
        }
        *cloud.network.security_group_mut(&self.group)? = after;
        for rule in &revoked {
            cloud.tags.remove(&rule.id);
        }
        let shown = |rule: &Rule| rule.revoked(&self.group);
        Ok((revoked.iter().map(shown).collect(), permissions(wanted.iter(), &ctx.account)))
    }
}
