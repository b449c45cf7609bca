//! A rule of a security group: one protocol, one range of ports, one peer.

use std::fmt;

use ipnet::{Ipv4Net, Ipv6Net};

use crate::wire::generated::ec2::{
    IpPermission, IpRange, Ipv6Range, ReferencedSecurityGroup, RevokedSecurityGroupRule, SecurityGroupRule,
    Tag, UserIdGroupPair,
};

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rule {
    pub(crate) id: String,
    pub(crate) egress: bool,
    pub(crate) traffic: Traffic,
    pub(crate) peer: Peer,
    pub(crate) description: Option<String>,
}

/// What may pass.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Traffic {
    /// `tcp`, `udp`, `icmp`, `icmpv6`, a number, or `-1` for everything.
    pub(crate) protocol: String,
    /// First and last port, or type and code; nothing for protocols without them.
    pub(crate) ports: Option<(i32, i32)>,
}

/// Where traffic comes from or goes to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Peer {
    Ipv4(Ipv4Net),
    Ipv6(Ipv6Net),
    /// A security group's id.
    Group(String),
}

impl Rule {
    /// Whether the two say the same; ids and descriptions do not count.
    pub(crate) fn same_as(&self, other: &Self) -> bool {
        (self.egress, &self.traffic, &self.peer) == (other.egress, &other.traffic, &other.peer)
    }

    /// As DescribeSecurityGroupRules shows it.
    pub(crate) fn describe(
        &self,
        region: &str,
        group_id: &str,
        owner: &str,
        tags: Vec<Tag>,
    ) -> SecurityGroupRule {
        let (from_port, to_port) = self.traffic.ports.unwrap_or((-1, -1));
        let mut shown = SecurityGroupRule {
            security_group_rule_id: Some(self.id.clone()),
            security_group_rule_arn: Some(format!(
                "arn:aws:ec2:{region}:{owner}:security-group-rule/{}",
                self.id
            )),
            group_id: Some(group_id.to_owned()),
            group_owner_id: Some(owner.to_owned()),
            is_egress: Some(self.egress),
            ip_protocol: Some(self.traffic.protocol.clone()),
            from_port: Some(from_port),
            to_port: Some(to_port),
            description: self.description.clone(),
            tags,
            ..SecurityGroupRule::default()
        };
        match &self.peer {
            Peer::Ipv4(block) => shown.cidr_ipv4 = Some(block.to_string()),
            Peer::Ipv6(block) => shown.cidr_ipv6 = Some(block.to_string()),
            Peer::Group(id) => {
                shown.referenced_group_info = Some(ReferencedSecurityGroup {
                    group_id: Some(id.clone()),
                    user_id: Some(owner.to_owned()),
                    ..ReferencedSecurityGroup::default()
                });
            }
        }
        shown
    }

    /// As RevokeSecurityGroupIngress shows what it took away.
    pub(crate) fn revoked(&self, group_id: &str) -> RevokedSecurityGroupRule {
        let (from_port, to_port) = self.traffic.ports.unwrap_or((-1, -1));
        let mut shown = RevokedSecurityGroupRule {
            security_group_rule_id: Some(self.id.clone()),
            group_id: Some(group_id.to_owned()),
            is_egress: Some(self.egress),
            ip_protocol: Some(self.traffic.protocol.clone()),
            from_port: Some(from_port),
            to_port: Some(to_port),
            description: self.description.clone(),
            ..RevokedSecurityGroupRule::default()
        };
        match &self.peer {
            Peer::Ipv4(block) => shown.cidr_ipv4 = Some(block.to_string()),
            Peer::Ipv6(block) => shown.cidr_ipv6 = Some(block.to_string()),
            Peer::Group(id) => shown.referenced_group_id = Some(id.clone()),
        }
        shown
    }
}

/// Rules as DescribeSecurityGroups shows them: one permission for each kind of traffic.
pub(crate) fn permissions<'a>(rules: impl Iterator<Item = &'a Rule>, owner: &str) -> Vec<IpPermission> {
    let mut shown: Vec<(&Traffic, IpPermission)> = Vec::new();
    for rule in rules {
        let at = shown.iter().position(|(traffic, _)| **traffic == rule.traffic).unwrap_or_else(|| {
            shown.push((&rule.traffic, rule.traffic.permission()));
            shown.len() - 1
        });
        rule.peer.add_to(&mut shown[at].1, owner, rule.description.clone());
    }
    shown.into_iter().map(|(_, permission)| permission).collect()
}

impl Traffic {
    fn permission(&self) -> IpPermission {
        IpPermission {
            ip_protocol: Some(self.protocol.clone()),
            from_port: self.ports.map(|(from, _)| from),
            to_port: self.ports.map(|(_, to)| to),
            ..IpPermission::default()
        }
    }
}

impl Peer {
    fn add_to(&self, permission: &mut IpPermission, owner: &str, description: Option<String>) {
        match self {
            Self::Ipv4(block) => {
                permission.ip_ranges.push(IpRange { cidr_ip: Some(block.to_string()), description });
            }
            Self::Ipv6(block) => {
                permission.ipv6_ranges.push(Ipv6Range { cidr_ipv6: Some(block.to_string()), description });
            }
            Self::Group(id) => permission.user_id_group_pairs.push(UserIdGroupPair {
                group_id: Some(id.clone()),
                user_id: Some(owner.to_owned()),
                description,
                ..UserIdGroupPair::default()
            }),
        }
    }
}

/// As in EC2's message about a rule that is there already: `peer: 0.0.0.0/0, TCP, from port: 22, to port: 22, ALLOW`.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "peer: {}, ", self.peer)?;
        match (self.traffic.protocol.as_str(), self.traffic.ports) {
            ("-1", _) => write!(f, "ALL")?,
            (protocol @ ("icmp" | "icmpv6"), Some((kind, code))) => {
                write!(f, "{}, type: {kind}, code: {code}", protocol.to_uppercase())?;
            }
            (protocol, Some((from, to))) => {
                write!(f, "{}, from port: {from}, to port: {to}", protocol.to_uppercase())?;
            }
            (protocol, None) => write!(f, "{protocol}")?,
        }
        write!(f, ", ALLOW")
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ipv4(block) => block.fmt(f),
            Self::Ipv6(block) => block.fmt(f),
            Self::Group(id) => id.fmt(f),
        }
    }
}
