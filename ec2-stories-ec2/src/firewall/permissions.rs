//! Rules to and from EC2's `IpPermission`, which bundles the peers of one protocol and port range.

use aws_sdk_ec2::types::{IpPermission, IpRange, Ipv6Range, PrefixListId, UserIdGroupPair};
use ipnet::IpNet;

use super::rule::{EcRule, Key, Peer};

/// One rule for each peer.
pub(super) fn read(permissions: &[IpPermission]) -> Vec<EcRule> {
    permissions.iter().flat_map(read_one).collect()
}

fn read_one(permission: &IpPermission) -> Vec<EcRule> {
    let protocol = permission.ip_protocol().unwrap_or("-1").to_owned();
    // For all protocols EC2 leaves the ports out, and other clouds say -1.
    let range = if protocol == "-1" { None } else { permission.from_port().zip(permission.to_port()) };
    let rule = |peer: Peer, description: Option<&str>| EcRule {
        key: Key { protocol: protocol.clone(), range, peer },
        description: description.filter(|text| !text.is_empty()).map(ToOwned::to_owned),
    };
    let net = |text: Option<&str>| text.and_then(|text| text.parse::<IpNet>().ok()).map(Peer::Net);
    let v4 = permission.ip_ranges().iter().filter_map(|r| Some(rule(net(r.cidr_ip())?, r.description())));
    let v6 = permission.ipv6_ranges().iter().filter_map(|r| Some(rule(net(r.cidr_ipv6())?, r.description())));
    let groups = permission
        .user_id_group_pairs()
        .iter()
        .filter_map(|pair| Some(rule(Peer::Group(pair.group_id()?.to_owned()), pair.description())));
    let lists = permission.prefix_list_ids().iter().filter_map(|list| {
        Some(rule(Peer::PrefixList(list.prefix_list_id()?.to_owned()), list.description()))
    });
    v4.chain(v6).chain(groups).chain(lists).collect()
}

/// Bundles rules for a call.
pub(super) fn write(rules: &[EcRule]) -> Vec<IpPermission> {
    let scope = |rule: &EcRule| (rule.key.protocol.clone(), rule.key.range);
    let mut sorted: Vec<&EcRule> = rules.iter().collect();
    sorted.sort_by_key(|rule| scope(rule));
    sorted.chunk_by(|a, b| scope(a) == scope(b)).map(bundle).collect()
}

/// Rules of one protocol and port range.
fn bundle(rules: &[&EcRule]) -> IpPermission {
    let first = rules.first().map(|rule| &rule.key);
    let range = first.and_then(|key| key.range);
    let mut permission = IpPermission::builder()
        .set_ip_protocol(first.map(|key| key.protocol.clone()))
        .set_from_port(range.map(|(from, _)| from))
        .set_to_port(range.map(|(_, to)| to));
    for EcRule { key, description } in rules {
        let text = description.clone();
        permission = match &key.peer {
            Peer::Net(IpNet::V4(net)) => permission
                .ip_ranges(IpRange::builder().cidr_ip(net.to_string()).set_description(text).build()),
            Peer::Net(IpNet::V6(net)) => permission
                .ipv6_ranges(Ipv6Range::builder().cidr_ipv6(net.to_string()).set_description(text).build()),
            Peer::Group(id) => permission
                .user_id_group_pairs(UserIdGroupPair::builder().group_id(id).set_description(text).build()),
            Peer::PrefixList(id) => permission
                .prefix_list_ids(PrefixListId::builder().prefix_list_id(id).set_description(text).build()),
        };
    }
    permission.build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_survive_their_bundles() {
        let rule = |protocol: &str, range, peer, description: Option<&str>| EcRule {
            key: Key { protocol: protocol.to_owned(), range, peer },
            description: description.map(ToOwned::to_owned),
        };
        let net = |text: &str| Peer::Net(text.parse().unwrap());
        let rules = [
            rule("-1", None, Peer::Group("sg-1".to_owned()), None),
            rule("icmpv6", Some((-1, -1)), net("::/0"), None),
            rule("tcp", Some((22, 22)), net("10.0.0.0/8"), Some("office")),
            rule("tcp", Some((22, 22)), net("fd00::/8"), None),
            rule("tcp", Some((80, 90)), Peer::PrefixList("pl-1".to_owned()), None),
        ];
        let bundles = write(&rules);
        assert_eq!(bundles.len(), 4);
        assert_eq!(read(&bundles), rules);
    }
}
