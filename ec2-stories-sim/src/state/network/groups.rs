//! Security groups.

use ipnet::Ipv4Net;

use super::permission::check_description;
use super::rule::Traffic;
use super::{Network, Peer, Rule, stable_id};
use crate::wire::ApiError;

/// "Amazon VPC quotas": inbound or outbound rules per security group, for IPv4 and IPv6 each; a reference to a group
/// counts in both.
const MAX_RULES: usize = 60;
/// "Amazon VPC quotas": security groups per region.
const MAX_GROUPS: usize = 2500;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SecurityGroup {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) vpc_id: String,
    rules: Vec<Rule>,
}

impl SecurityGroup {
    /// "Default security groups for your VPCs", VPC user guide: everything from its own members, everything out.
    pub(super) fn default_of(id: String, vpc_id: &str) -> Self {
        let inbound = Rule {
            id: stable_id("sgr", &id),
            egress: false,
            traffic: Traffic::all(),
            peer: Peer::Group(id.clone()),
            description: None,
        };
        let outbound = Rule::everything_out(stable_id("sgr", &format!("{id} out")));
        Self {
            id,
            name: "default".to_owned(),
            description: "default VPC security group".to_owned(),
            vpc_id: vpc_id.to_owned(),
            rules: vec![inbound, outbound],
        }
    }

    /// A group as CreateSecurityGroup makes it: nothing in, everything out.
    pub(crate) fn new(id: String, name: &str, description: &str, vpc_id: &str, rule_id: String) -> Self {
        Self {
            id,
            name: name.to_owned(),
            description: description.to_owned(),
            vpc_id: vpc_id.to_owned(),
            rules: vec![Rule::everything_out(rule_id)],
        }
    }

    pub(crate) fn is_default(&self) -> bool {
        self.name == "default"
    }

    pub(crate) fn all_rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter()
    }

    pub(crate) fn rules(&self, egress: bool) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(move |rule| rule.egress == egress)
    }

    /// Adds all rules or none.
    pub(crate) fn authorize(&mut self, rules: &[Rule]) -> Result<(), ApiError> {
        if let Some(rule) = rules.iter().find(|rule| self.rules.iter().any(|there| there.same_as(rule))) {
            let message = format!("the specified rule \"{rule}\" already exists");
            return Err(ApiError::new("InvalidPermission.Duplicate", message));
        }
        for egress in [false, true] {
            let together =
                || self.rules(egress).chain(rules.iter().filter(move |rule| rule.egress == egress));
            let v4 = together().filter(|rule| !matches!(rule.peer, Peer::Ipv6(_))).count();
            let v6 = together().filter(|rule| !matches!(rule.peer, Peer::Ipv4(_))).count();
            if v4.max(v6) > MAX_RULES {
                let message = "The maximum number of rules per security group has been reached.";
                return Err(ApiError::new("RulesPerSecurityGroupLimitExceeded", message));
            }
        }
        self.rules.extend_from_slice(rules);
        Ok(())
    }

    /// Takes away the rule that says the same as `rule`.
    pub(crate) fn revoke(&mut self, rule: &Rule) -> Option<Rule> {
        let at = self.rules.iter().position(|there| there.same_as(rule))?;
        Some(self.rules.remove(at))
    }

    pub(crate) fn revoke_id(&mut self, id: &str, egress: bool) -> Result<Rule, ApiError> {
        let at = self.rules.iter().position(|rule| rule.id == id && rule.egress == egress);
        Ok(self.rules.remove(at.ok_or_else(|| rule_not_found(id))?))
    }

    /// Gives the rule that says the same as `new` its description.
    pub(crate) fn describe_rule(&mut self, new: &Rule) -> Result<(), ApiError> {
        let rule = self.rules.iter_mut().find(|rule| rule.same_as(new)).ok_or_else(permission_not_found)?;
        rule.description.clone_from(&new.description);
        Ok(())
    }

    pub(crate) fn describe_rule_id(&mut self, id: &str, text: Option<String>) -> Result<(), ApiError> {
        check_description(text.as_deref())?;
        let rule = self.rules.iter_mut().find(|rule| rule.id == id).ok_or_else(|| rule_not_found(id))?;
        rule.description = text;
        Ok(())
    }

    fn refers_to(&self, id: &str) -> bool {
        self.rules.iter().any(|rule| rule.peer == Peer::Group(id.to_owned()))
    }
}

impl Rule {
    fn everything_out(id: String) -> Self {
        Self {
            id,
            egress: true,
            traffic: Traffic::all(),
            peer: Peer::Ipv4(Ipv4Net::default()),
            description: None,
        }
    }
}

impl Traffic {
    pub(super) fn all() -> Self {
        Self { protocol: "-1".to_owned(), ports: None }
    }
}

impl Network {
    pub(crate) fn security_groups(&self) -> impl Iterator<Item = &SecurityGroup> {
        self.groups.values()
    }

    pub(crate) fn security_group(&self, id: &str) -> Result<&SecurityGroup, ApiError> {
        if !id.starts_with("sg-") {
            return Err(ApiError::malformed_id("InvalidGroupId.Malformed", id, "sg"));
        }
        self.groups.get(id).ok_or_else(|| {
            ApiError::new("InvalidGroup.NotFound", format!("The security group '{id}' does not exist"))
        })
    }

    pub(crate) fn security_group_mut(&mut self, id: &str) -> Result<&mut SecurityGroup, ApiError> {
        self.security_group(id)?;
        Ok(self.groups.get_mut(id).expect("looked up above"))
    }

    /// A rule of any group.
    pub(crate) fn rule(&self, id: &str) -> Result<&Rule, ApiError> {
        self.groups
            .values()
            .flat_map(SecurityGroup::all_rules)
            .find(|rule| rule.id == id)
            .ok_or_else(|| rule_not_found(id))
    }

    pub(crate) fn security_group_named(&self, name: &str, vpc_id: &str) -> Result<&SecurityGroup, ApiError> {
        self.groups.values().find(|group| group.vpc_id == vpc_id && group.name == name).ok_or_else(|| {
            let message = format!("The security group '{name}' does not exist in VPC '{vpc_id}'");
            ApiError::new("InvalidGroup.NotFound", message)
        })
    }

    pub(crate) fn add_security_group(&mut self, group: SecurityGroup) -> Result<(), ApiError> {
        // CreateSecurityGroup: "Names are case-insensitive and must be unique within the VPC."
        let taken = |other: &&SecurityGroup| {
            other.vpc_id == group.vpc_id && other.name.eq_ignore_ascii_case(&group.name)
        };
        if self.groups.values().find(taken).is_some() {
            let (name, vpc) = (&group.name, &group.vpc_id);
            let message = format!("The security group '{name}' already exists for VPC '{vpc}'");
            return Err(ApiError::new("InvalidGroup.Duplicate", message));
        }
        if self.groups.len() >= MAX_GROUPS {
            let message =
                format!("The maximum number of security groups for VPC '{}' has been reached.", group.vpc_id);
            return Err(ApiError::new("SecurityGroupLimitExceeded", message));
        }
        self.groups.insert(group.id.clone(), group);
        Ok(())
    }

    /// Removes a group that nothing uses and no other group refers to.
    ///
    /// Source: DeleteSecurityGroup (DependencyViolation), error codes page (CannotDelete).
    pub(crate) fn remove_security_group(&mut self, id: &str) -> Result<SecurityGroup, ApiError> {
        let group = self.security_group(id)?;
        if group.is_default() {
            let message =
                format!("the specified group: \"{id}\" name: \"default\" cannot be deleted by a user");
            return Err(ApiError::new("CannotDelete", message));
        }
        let referred_to = self.groups.values().any(|other| other.id != id && other.refers_to(id));
        if referred_to || self.group_in_use(id) {
            return Err(ApiError::new(
                "DependencyViolation",
                format!("resource {id} has a dependent object"),
            ));
        }
        Ok(self.groups.remove(id).expect("looked up above"))
    }
}

pub(crate) fn permission_not_found() -> ApiError {
    ApiError::new("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
}

pub(crate) fn rule_not_found(id: &str) -> ApiError {
    ApiError::new(
        "InvalidSecurityGroupRuleId.NotFound",
        format!("The security group rule ID '{id}' does not exist"),
    )
}
