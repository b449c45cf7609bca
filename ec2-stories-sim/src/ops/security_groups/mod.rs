//! Security groups and their rules.

mod authorize;
mod describe;
mod describe_rules;
mod descriptions;
mod groups;
mod revoke;
#[cfg(test)]
mod tests;

use crate::ctx::Ctx;
use crate::state::Cloud;
use crate::state::network::SecurityGroup;
use crate::wire::ApiError;
use crate::wire::generated::ec2::{IpPermission, IpRange, UserIdGroupPair};

pub(crate) use authorize::{authorize_security_group_egress, authorize_security_group_ingress};
pub(crate) use describe::describe_security_groups;
pub(crate) use describe_rules::describe_security_group_rules;
pub(crate) use descriptions::{
    update_security_group_rule_descriptions_egress, update_security_group_rule_descriptions_ingress,
};
pub(crate) use groups::{create_security_group, delete_security_group};
pub(crate) use revoke::{revoke_security_group_egress, revoke_security_group_ingress};

/// The group that a request names: by its id, or by its name in the default VPC.
fn named<'a>(cloud: &'a Cloud, id: Option<&str>, name: Option<&str>) -> Result<&'a SecurityGroup, ApiError> {
    match (id, name) {
        (Some(id), None) => cloud.network.security_group(id),
        (None, Some(name)) => cloud.network.security_group_named(name, &cloud.network.default_vpc()?.id),
        (Some(_), Some(_)) => Err(ApiError::invalid_combination(
            "The parameter groupName cannot be used with the parameter groupId",
        )),
        (None, None) => Err(ApiError::missing_parameter("groupName or groupId")),
    }
}

/// A single rule that a request gives by top-level parameters instead of `IpPermissions`.
struct Single {
    cidr: Option<String>,
    protocol: Option<String>,
    from_port: Option<i32>,
    to_port: Option<i32>,
    group_name: Option<String>,
    group_owner: Option<String>,
}

impl Single {
    /// `permissions`, or the single rule as one.
    ///
    /// Source: AuthorizeSecurityGroupIngress, parameters CidrIp and SourceSecurityGroupName ("Creates rules that grant
    /// full ICMP, UDP, and TCP access").
    fn or(self, permissions: Vec<IpPermission>) -> Result<Vec<IpPermission>, ApiError> {
        let given = self.cidr.is_some() || self.protocol.is_some() || self.group_name.is_some();
        match (&self.cidr, &self.group_name) {
            _ if given && !permissions.is_empty() => Err(ApiError::invalid_combination(
                "The parameter ipPermissions cannot be used with the parameter ipProtocol",
            )),
            (Some(_), Some(_)) => Err(ApiError::invalid_combination(
                "The parameter cidrIp cannot be used with the parameter sourceSecurityGroupName",
            )),
            (Some(cidr), None) => Ok(vec![IpPermission {
                ip_protocol: self.protocol,
                from_port: self.from_port,
                to_port: self.to_port,
                ip_ranges: vec![IpRange { cidr_ip: Some(cidr.clone()), description: None }],
                ..IpPermission::default()
            }]),
            (None, Some(name)) => {
                let full = |protocol: &str, from_port, to_port| IpPermission {
                    ip_protocol: Some(protocol.to_owned()),
                    from_port: Some(from_port),
                    to_port: Some(to_port),
                    user_id_group_pairs: vec![UserIdGroupPair {
                        group_name: Some(name.clone()),
                        user_id: self.group_owner.clone(),
                        ..UserIdGroupPair::default()
                    }],
                    ..IpPermission::default()
                };
                Ok(vec![full("icmp", -1, -1), full("tcp", 0, 65535), full("udp", 0, 65535)])
            }
            (None, None) => Ok(permissions),
        }
    }
}

/// The parameter that egress calls have and EC2 does not take.
fn refuse_source_group(name: Option<&String>, owner: Option<&String>) -> Result<(), ApiError> {
    match name.or(owner) {
        Some(_) => Err(ApiError::invalid_combination(
            "Use a set of IP permissions to specify a destination security group.",
        )),
        None => Ok(()),
    }
}

/// Permissions for nothing are an error, and so are groups of other accounts: nothing is peered here.
fn given(permissions: &[IpPermission], account: &str) -> Result<(), ApiError> {
    if permissions.is_empty() {
        return Err(ApiError::missing_parameter("ipPermissions"));
    }
    let pairs = permissions.iter().flat_map(|permission| &permission.user_id_group_pairs);
    for pair in pairs {
        if pair.user_id.as_deref().is_some_and(|owner| owner != account)
            || pair.vpc_peering_connection_id.is_some()
        {
            let group = pair.group_id.as_ref().or(pair.group_name.as_ref()).map_or("", String::as_str);
            let message = format!("The security group '{group}' does not exist");
            return Err(ApiError::new("InvalidGroup.NotFound", message));
        }
    }
    Ok(())
}

/// Ids for new rules.
fn rule_ids(ctx: &Ctx) -> impl Fn() -> String + '_ {
    || ctx.id("sgr")
}
