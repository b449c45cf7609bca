//! Firewall policies: what may reach a fleet's nodes. What is not allowed is refused.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{Name, SecurityGroupId};
use crate::{Error, Result};

/// A protocol, in EC2's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP
    Tcp,
    /// UDP
    Udp,
    /// ICMP
    Icmp,
    /// ICMPv6
    Icmpv6,
    /// All protocols, all ports.
    All,
}

/// Ports, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PortRange {
    /// The lowest port.
    pub from: u16,
    /// The highest port.
    pub to: u16,
}

impl From<u16> for PortRange {
    fn from(port: u16) -> Self {
        Self { from: port, to: port }
    }
}

impl From<std::ops::RangeInclusive<u16>> for PortRange {
    fn from(ports: std::ops::RangeInclusive<u16>) -> Self {
        Self { from: *ports.start(), to: *ports.end() }
    }
}

/// From where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The whole world, over IPv4 and IPv6.
    Anywhere,
    /// The public address of the program that deploys, found when the policy is converged.
    MyAddress,
    /// A network, IPv4 or IPv6.
    Cidr(IpNet),
    /// The members of a security group.
    Group(SecurityGroupId),
    /// The nodes of a fleet of the same deployment, this one included.
    Fleet(Name),
}

/// One thing that may reach the nodes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The protocol.
    pub protocol: Protocol,
    /// The ports; `None` for protocols that have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ports: Option<PortRange>,
    /// From where.
    pub source: Source,
    /// What it is for, shown in the console: at most 255 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// The inbound rules of a fleet's own security group. Outbound, everything is allowed, as in EC2's default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FirewallPolicy {
    /// The rules, without order.
    #[serde(default)]
    pub rules: Vec<Rule>,
}

impl FirewallPolicy {
    /// Starts with nothing allowed.
    #[must_use]
    pub fn builder() -> FirewallPolicyBuilder {
        FirewallPolicyBuilder(Self::default())
    }

    /// The fleets that the rules refer to.
    pub fn fleets(&self) -> impl Iterator<Item = &Name> {
        self.rules.iter().filter_map(|rule| match &rule.source {
            Source::Fleet(name) => Some(name),
            _ => None,
        })
    }

    /// Checks ports against protocols, and descriptions
    /// (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpRange.html>).
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid), naming the rule.
    pub fn check(&self, field: &str) -> Result<()> {
        for (index, rule) in self.rules.iter().enumerate() {
            let at = |name: &str| format!("{field}.rules[{index}].{name}");
            match (rule.protocol, rule.ports) {
                (Protocol::Tcp | Protocol::Udp, None) => {
                    return Err(Error::invalid(at("ports"), "tcp and udp need ports"));
                }
                (Protocol::Icmp | Protocol::Icmpv6 | Protocol::All, Some(_)) => {
                    return Err(Error::invalid(at("ports"), "only tcp and udp have ports"));
                }
                (_, Some(PortRange { from, to })) if from > to => {
                    return Err(Error::invalid(at("ports"), format!("{from} is above {to}")));
                }
                _ => {}
            }
            let allowed = |c: char| c.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(c);
            if let Some(text) = &rule.description
                && (text.len() > 255 || !text.chars().all(allowed))
            {
                return Err(Error::invalid(
                    at("description"),
                    "at most 255 of a-z, A-Z, 0-9, space and ._-:/()#,@[]+=&;{}!$*",
                ));
            }
        }
        Ok(())
    }
}

/// Builds a [`FirewallPolicy`]; the values are checked with the fleet's.
#[derive(Clone, Debug)]
pub struct FirewallPolicyBuilder(FirewallPolicy);

impl FirewallPolicyBuilder {
    /// Allows TCP to a port or a range of ports.
    #[must_use]
    pub fn tcp(self, ports: impl Into<PortRange>, source: Source) -> Self {
        self.rule(Rule { protocol: Protocol::Tcp, ports: Some(ports.into()), source, description: None })
    }

    /// Allows UDP to a port or a range of ports.
    #[must_use]
    pub fn udp(self, ports: impl Into<PortRange>, source: Source) -> Self {
        self.rule(Rule { protocol: Protocol::Udp, ports: Some(ports.into()), source, description: None })
    }

    /// Allows ping and the other ICMP messages, of the source's own IP version or both.
    #[must_use]
    pub fn icmp(self, source: Source) -> Self {
        self.rule(Rule { protocol: Protocol::Icmp, ports: None, source, description: None })
    }

    /// Allows a rule.
    #[must_use]
    pub fn rule(mut self, rule: Rule) -> Self {
        self.0.rules.push(rule);
        self
    }

    /// Describes the rule that was added last.
    #[must_use]
    pub fn described(mut self, text: impl Into<String>) -> Self {
        if let Some(rule) = self.0.rules.last_mut() {
            rule.description = Some(text.into());
        }
        self
    }

    /// The policy.
    #[must_use]
    pub fn build(self) -> FirewallPolicy {
        self.0
    }
}
