//! From a request's permissions to rules, checked.
//!
//! Sources: API type IpPermission; "Security group rules", VPC user guide. Messages are EC2's where they are known.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

use super::rule::Traffic;
use super::{Network, Peer, Rule, SecurityGroup};
use crate::wire::ApiError;
use crate::wire::generated::ec2::{IpPermission, UserIdGroupPair};

impl Network {
    /// The rules that permissions stand for, one a peer, under ids of `id`.
    pub(crate) fn rules(
        &self,
        group: &SecurityGroup,
        egress: bool,
        permissions: &[IpPermission],
        id: impl Fn() -> String,
    ) -> Result<Vec<Rule>, ApiError> {
        let mut rules: Vec<Rule> = Vec::new();
        for permission in permissions {
            let traffic = traffic(permission)?;
            let peers = self.peers(group, permission)?;
            if peers.is_empty() {
                let message =
                    "Missing source specification: include source security group or CIDR information";
                return Err(ApiError::new("MissingParameter", message));
            }
            for (peer, description) in peers {
                check_description(description.as_deref())?;
                let rule = Rule { id: id(), egress, traffic: traffic.clone(), peer, description };
                if rules.iter().any(|other| other.same_as(&rule)) {
                    return Err(ApiError::invalid_parameter(
                        "The same permission must not appear multiple times",
                    ));
                }
                rules.push(rule);
            }
        }
        Ok(rules)
    }

    fn peers(
        &self,
        group: &SecurityGroup,
        permission: &IpPermission,
    ) -> Result<Vec<(Peer, Option<String>)>, ApiError> {
        let mut peers = Vec::new();
        for range in &permission.ip_ranges {
            let block = ipv4_block(range.cidr_ip.as_deref().unwrap_or_default())?;
            peers.push((Peer::Ipv4(block), range.description.clone()));
        }
        for range in &permission.ipv6_ranges {
            let block = ipv6_block(range.cidr_ipv6.as_deref().unwrap_or_default())?;
            peers.push((Peer::Ipv6(block), range.description.clone()));
        }
        for pair in &permission.user_id_group_pairs {
            peers.push((Peer::Group(self.peer_group(group, pair)?), pair.description.clone()));
        }
        if let Some(list) = permission.prefix_list_ids.first() {
            let id = list.prefix_list_id.as_deref().unwrap_or_default();
            let message = format!("The prefix list ID '{id}' does not exist");
            return Err(ApiError::new("InvalidPrefixListID.NotFound", message));
        }
        Ok(peers)
    }

    fn peer_group(&self, group: &SecurityGroup, pair: &UserIdGroupPair) -> Result<String, ApiError> {
        let peer = match (&pair.group_id, &pair.group_name) {
            (Some(id), _) => self.security_group(id)?,
            (None, Some(name)) => self.security_group_named(name, &group.vpc_id)?,
            (None, None) => return Err(ApiError::missing_parameter("groupId")),
        };
        if peer.vpc_id != group.vpc_id {
            let message = "You have specified two resources that belong to different networks.";
            return Err(ApiError::new("InvalidGroup.NotFound", message));
        }
        Ok(peer.id.clone())
    }
}

fn traffic(permission: &IpPermission) -> Result<Traffic, ApiError> {
    let name = permission.ip_protocol.as_deref().ok_or_else(|| ApiError::missing_parameter("ipProtocol"))?;
    let protocol = protocol(name)?;
    let given = permission.from_port.zip(permission.to_port);
    let ports = match protocol.as_str() {
        "tcp" | "udp" => Some(port_range(given)?),
        "icmp" => Some(icmp_type(given.ok_or_else(|| {
            ApiError::invalid_parameter(
                "Invalid value 'Must specify both type and code with ICMP.' for portRange.",
            )
        })?)?),
        "icmpv6" => Some(icmp_type(given.unwrap_or((-1, -1)))?),
        _ => None,
    };
    Ok(Traffic { protocol, ports })
}

/// IANA's numbers for the protocols that have names here.
fn protocol(name: &str) -> Result<String, ApiError> {
    let name = name.to_ascii_lowercase();
    let known = match name.as_str() {
        "tcp" | "6" => "tcp",
        "udp" | "17" => "udp",
        "icmp" | "1" => "icmp",
        "icmpv6" | "58" => "icmpv6",
        "-1" | "all" => "-1",
        number if number.parse::<u8>().is_ok() => number,
        _ => {
            let message = format!("Invalid value '{name}' for IP protocol. Unknown protocol.");
            return Err(ApiError::invalid_parameter(message));
        }
    };
    Ok(known.to_owned())
}

fn port_range(given: Option<(i32, i32)>) -> Result<(i32, i32), ApiError> {
    let (from, to) = given.ok_or_else(|| {
        ApiError::invalid_parameter(
            "Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.",
        )
    })?;
    // -1 stands for every port.
    let (from, to) = if (from, to) == (-1, -1) { (0, 65535) } else { (from, to) };
    if let Some(port) = [from, to].into_iter().find(|port| !(0..=65535).contains(port)) {
        return Err(ApiError::invalid_parameter(format!("TCP/UDP port ({port}) out of range")));
    }
    if from > to {
        return Err(ApiError::invalid_parameter(format!("Invalid TCP/UDP port range ({from}:{to})")));
    }
    Ok((from, to))
}

fn icmp_type((kind, code): (i32, i32)) -> Result<(i32, i32), ApiError> {
    if !(-1..=255).contains(&kind) || !(-1..=255).contains(&code) {
        return Err(ApiError::invalid_parameter(format!("ICMP type ({kind}) or code ({code}) out of range")));
    }
    if kind == -1 && code != -1 {
        let message = format!("ICMP code ({code}) not allowed with ICMP type -1");
        return Err(ApiError::invalid_parameter(message));
    }
    Ok((kind, code))
}

/// EC2 stores a block in its canonical form, without the bits of a host.
fn ipv4_block(text: &str) -> Result<Ipv4Net, ApiError> {
    let block = text.parse::<Ipv4Net>();
    block.map(|block| block.trunc()).map_err(|_| malformed_block(text, text.parse::<Ipv4Addr>().is_ok()))
}

fn ipv6_block(text: &str) -> Result<Ipv6Net, ApiError> {
    let block = text.parse::<Ipv6Net>();
    block.map(|block| block.trunc()).map_err(|_| malformed_block(text, text.parse::<Ipv6Addr>().is_ok()))
}

fn malformed_block(text: &str, is_address: bool) -> ApiError {
    let hint = if is_address { "; a prefix length is missing" } else { "" };
    ApiError::invalid_parameter(format!("CIDR block {text} is malformed{hint}"))
}

pub(super) fn check_description(description: Option<&str>) -> Result<(), ApiError> {
    let allowed = |char: char| char.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(char);
    match description {
        Some(text) if text.chars().count() > 255 || !text.chars().all(allowed) => {
            Err(ApiError::invalid_parameter(
                "Invalid rule description. Valid descriptions are strings less than 256 characters from the following \
                 set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*",
            ))
        }
        _ => Ok(()),
    }
}
