//! One inbound rule as EC2 knows it: a protocol, ports and one peer.

use std::fmt;

use ec2_stories_core::model::{PortRange, Protocol, Rule};
use ec2_stories_core::{Error, Result};
use ipnet::IpNet;

/// Who may send.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Peer {
    Net(IpNet),
    Group(String),
    /// A prefix list, or whatever else somebody put there: it is not ours to express, only to revoke.
    PrefixList(String),
}

/// What makes a rule the same as another; its description does not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    /// In EC2's words: `tcp`, `udp`, `icmp`, `icmpv6`, `-1` for all, or a number.
    pub(super) protocol: String,
    /// Ports, or type and code of ICMP.
    pub(super) range: Option<(i32, i32)>,
    pub(super) peer: Peer,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EcRule {
    pub(super) key: Key,
    pub(super) description: Option<String>,
}

/// All types and codes of ICMP.
const ANY_ICMP: (i32, i32) = (-1, -1);

/// The rules for one of the policy, whose source was resolved to these peers. `icmp` stands for both versions of IP,
/// each where the peer has it.
pub(super) fn expand(rule: &Rule, peers: &[Peer], field: &str) -> Result<Vec<EcRule>> {
    let mut rules = Vec::new();
    for peer in peers {
        let v4 = !matches!(peer, Peer::Net(IpNet::V6(_)));
        let v6 = !matches!(peer, Peer::Net(IpNet::V4(_)));
        let ports = rule.ports.map(|PortRange { from, to }| (i32::from(from), i32::from(to)));
        let meant: Vec<(&str, Option<(i32, i32)>)> = match rule.protocol {
            Protocol::Tcp => vec![("tcp", ports)],
            Protocol::Udp => vec![("udp", ports)],
            Protocol::All => vec![("-1", None)],
            Protocol::Icmp => {
                let versions = [(v4, "icmp"), (v6, "icmpv6")];
                versions.into_iter().filter(|(has, _)| *has).map(|(_, name)| (name, Some(ANY_ICMP))).collect()
            }
            Protocol::Icmpv6 if v6 => vec![("icmpv6", Some(ANY_ICMP))],
            Protocol::Icmpv6 => vec![],
        };
        rules.extend(meant.into_iter().map(|(protocol, range)| EcRule {
            key: Key { protocol: protocol.to_owned(), range, peer: peer.clone() },
            description: rule.description.clone(),
        }));
    }
    if rules.is_empty() {
        return Err(Error::invalid(field, "icmpv6 does not come from an IPv4 network"));
    }
    Ok(rules)
}

impl fmt::Display for EcRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Key { protocol, range, peer } = &self.key;
        f.write_str(if protocol == "-1" { "all" } else { protocol })?;
        match range {
            Some((from, to)) if from == to && *from >= 0 => write!(f, " {from}")?,
            Some((from, to)) if *from >= 0 => write!(f, " {from}-{to}")?,
            _ => {}
        }
        match peer {
            Peer::Net(net) => write!(f, " from {net}")?,
            Peer::Group(id) | Peer::PrefixList(id) => write!(f, " from {id}")?,
        }
        match &self.description {
            Some(text) => write!(f, " ({text})"),
            None => Ok(()),
        }
    }
}
