use super::*;
use crate::ops::testing::Bench;
use crate::state::network::NewInterface;

fn create(bench: &mut Bench, name: &str) -> String {
    let form = format!("GroupName={name}&GroupDescription=d");
    bench.call(create_security_group, &form).unwrap().group_id.unwrap()
}

fn ssh(group: &str, cidr: &str) -> String {
    format!(
        "GroupId={group}&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=22&IpPermissions.1.ToPort=22\
         &IpPermissions.1.IpRanges.1.CidrIp={cidr}&IpPermissions.1.IpRanges.1.Description=ssh"
    )
}

#[test]
fn a_new_group_lets_nothing_in_and_everything_out() {
    let mut bench = Bench::new();
    let id = create(&mut bench, "web");
    let groups = bench.call(describe_security_groups, &format!("GroupId.1={id}")).unwrap().security_groups;
    assert_eq!(groups[0].group_name.as_deref(), Some("web"));
    assert!(groups[0].ip_permissions.is_empty());
    let out = &groups[0].ip_permissions_egress[0];
    assert_eq!((out.ip_protocol.as_deref(), out.from_port), (Some("-1"), None));
    assert_eq!(out.ip_ranges[0].cidr_ip.as_deref(), Some("0.0.0.0/0"));
}

#[test]
fn names_are_unique_in_a_vpc_whatever_their_case() {
    let mut bench = Bench::new();
    create(&mut bench, "web");
    assert_eq!(
        bench.refusal(create_security_group, "GroupName=WEB&GroupDescription=d"),
        "InvalidGroup.Duplicate"
    );
    let vpc = bench.cloud.network.add_vpc("10.0.0.0/16".parse().unwrap());
    assert!(
        bench.call(create_security_group, &format!("GroupName=web&GroupDescription=d&VpcId={vpc}")).is_ok()
    );
}

#[test]
fn names_and_descriptions_are_checked() {
    let mut bench = Bench::new();
    for form in [
        "GroupName=sg-1&GroupDescription=d",
        "GroupName=default&GroupDescription=d",
        "GroupName=web&GroupDescription=%C3%A9",
        "GroupName=a%7Cb&GroupDescription=d",
    ] {
        assert_eq!(bench.refusal(create_security_group, form), "InvalidParameterValue", "{form}");
    }
    assert_eq!(bench.refusal(create_security_group, "GroupName=web"), "MissingParameter");
    assert_eq!(
        bench.refusal(create_security_group, "GroupName=w&GroupDescription=d&VpcId=vpc-1"),
        "InvalidVpcID.NotFound"
    );
}

#[test]
fn rules_of_one_kind_of_traffic_are_shown_as_one_permission() {
    let mut bench = Bench::new();
    let id = create(&mut bench, "web");
    bench.call(authorize_security_group_ingress, &ssh(&id, "10.0.0.0/8")).unwrap();
    // Host bits are cut off.
    let reply = bench.call(authorize_security_group_ingress, &ssh(&id, "192.168.7.9/16")).unwrap();
    assert_eq!(reply.security_group_rules[0].cidr_ipv4.as_deref(), Some("192.168.0.0/16"));
    let all = "&IpPermissions.1.IpProtocol=-1&IpPermissions.1.Groups.1.GroupId=";
    bench.call(authorize_security_group_ingress, &format!("GroupId={id}{all}{id}")).unwrap();
    let v6 = format!(
        "GroupId={id}&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=22&IpPermissions.1.ToPort=22\
         &IpPermissions.1.Ipv6Ranges.1.CidrIpv6=2001:db8::/32"
    );
    bench.call(authorize_security_group_ingress, &v6).unwrap();
    let group =
        bench.call(describe_security_groups, &format!("GroupId.1={id}")).unwrap().security_groups.remove(0);
    let [tcp, everything] = &group.ip_permissions[..] else {
        panic!("two permissions: {:?}", group.ip_permissions)
    };
    assert_eq!((tcp.ip_ranges.len(), tcp.ipv6_ranges.len()), (2, 1));
    assert_eq!(tcp.ip_ranges[0].description.as_deref(), Some("ssh"));
    assert_eq!(everything.user_id_group_pairs[0].group_id.as_ref(), Some(&id));
    let filter = "Filter.1.Name=ip-permission.cidr&Filter.1.Value.1=10.0.0.0/8";
    assert_eq!(bench.call(describe_security_groups, filter).unwrap().security_groups.len(), 1);
}

#[test]
fn a_duplicate_refuses_the_whole_call() {
    let mut bench = Bench::new();
    let id = create(&mut bench, "web");
    bench.call(authorize_security_group_ingress, &ssh(&id, "10.0.0.0/8")).unwrap();
    let both = ssh(&id, "10.1.0.0/16") + "&IpPermissions.1.IpRanges.2.CidrIp=10.0.0.0/8";
    let error = bench.call(authorize_security_group_ingress, &both).unwrap_err();
    assert_eq!(error.code, "InvalidPermission.Duplicate");
    assert_eq!(
        error.message,
        "the specified rule \"peer: 10.0.0.0/8, TCP, from port: 22, to port: 22, ALLOW\" already exists"
    );
    let rules = bench
        .call(describe_security_group_rules, &format!("Filter.1.Name=group-id&Filter.1.Value.1={id}"))
        .unwrap();
    assert_eq!(rules.security_group_rules.len(), 2);
}

#[test]
fn permissions_are_checked() {
    let mut bench = Bench::new();
    let id = create(&mut bench, "web");
    for (permission, code) in [
        ("IpProtocol=tcp&IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0/0", "InvalidParameterValue"),
        (
            "IpProtocol=tcp&IpPermissions.1.FromPort=9&IpPermissions.1.ToPort=8&IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0/0",
            "InvalidParameterValue",
        ),
        (
            "IpProtocol=udp&IpPermissions.1.FromPort=1&IpPermissions.1.ToPort=65536&IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0/0",
            "InvalidParameterValue",
        ),
        ("IpProtocol=teleport&IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0/0", "InvalidParameterValue"),
        ("IpProtocol=-1&IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0/33", "InvalidParameterValue"),
        ("IpProtocol=-1&IpPermissions.1.IpRanges.1.CidrIp=10.0.0.1", "InvalidParameterValue"),
        ("IpProtocol=-1", "MissingParameter"),
        ("IpProtocol=-1&IpPermissions.1.Groups.1.GroupId=sg-1", "InvalidGroup.NotFound"),
        (
            "IpProtocol=-1&IpPermissions.1.Groups.1.GroupId=sg-1&IpPermissions.1.Groups.1.UserId=210987654321",
            "InvalidGroup.NotFound",
        ),
        ("IpProtocol=-1&IpPermissions.1.Groups.1.GroupId=web", "InvalidGroupId.Malformed"),
        ("IpProtocol=-1&IpPermissions.1.PrefixListIds.1.PrefixListId=pl-1", "InvalidPrefixListID.NotFound"),
        ("IpRanges.1.CidrIp=10.0.0.0/8", "MissingParameter"),
    ] {
        let form = format!("GroupId={id}&IpPermissions.1.{permission}");
        assert_eq!(bench.refusal(authorize_security_group_ingress, &form), code, "{permission}");
    }
    assert_eq!(bench.refusal(authorize_security_group_ingress, &format!("GroupId={id}")), "MissingParameter");
}

#[test]
fn sixty_rules_a_direction_are_the_limit_for_each_ip_version() {
    let mut bench = Bench::new();
    let id = create(&mut bench, "web");
    for host in 0..60 {
        bench.call(authorize_security_group_ingress, &ssh(&id, &format!("10.0.0.{host}/32"))).unwrap();
    }
    let one_more = ssh(&id, "10.0.1.0/32");
    assert_eq!(
        bench.refusal(authorize_security_group_ingress, &one_more),
        "RulesPerSecurityGroupLimitExceeded"
    );
    let v6 = format!("GroupId={id}&IpPermissions.1.IpProtocol=-1&IpPermissions.1.Ipv6Ranges.1.CidrIpv6=::/0");
    assert!(bench.call(authorize_security_group_ingress, &v6).is_ok());
}

#[test]
fn a_rule_that_is_not_there_is_told_in_the_default_vpc_and_an_error_elsewhere() {
    let mut bench = Bench::new();
    let id = create(&mut bench, "web");
    bench.call(authorize_security_group_ingress, &ssh(&id, "10.0.0.0/8")).unwrap();
    let both = ssh(&id, "10.0.0.0/8") + "&IpPermissions.1.IpRanges.2.CidrIp=10.9.0.0/16";
    let reply = bench.call(revoke_security_group_ingress, &both).unwrap();
    assert_eq!(reply.revoked_security_group_rules.len(), 1);
    assert_eq!(reply.unknown_ip_permissions[0].ip_ranges[0].cidr_ip.as_deref(), Some("10.9.0.0/16"));

    let vpc = bench.cloud.network.add_vpc("10.0.0.0/16".parse().unwrap());
    let form = format!("GroupName=web&GroupDescription=d&VpcId={vpc}");
    let other = bench.call(create_security_group, &form).unwrap().group_id.unwrap();
    let form = ssh(&other, "10.0.0.0/8");
    assert_eq!(bench.refusal(revoke_security_group_ingress, &form), "InvalidPermission.NotFound");
}

#[test]
fn rules_are_revoked_by_id_and_described_anew() {
    let mut bench = Bench::new();
    let id = create(&mut bench, "web");
    let reply = bench.call(authorize_security_group_ingress, &ssh(&id, "10.0.0.0/8")).unwrap();
    let rule = reply.security_group_rules[0].security_group_rule_id.clone().unwrap();
    let form = format!(
        "GroupId={id}&SecurityGroupRuleDescription.1.SecurityGroupRuleId={rule}&SecurityGroupRuleDescription.1.Description=new"
    );
    bench.call(update_security_group_rule_descriptions_ingress, &form).unwrap();
    let by_id = format!("SecurityGroupRuleId.1={rule}");
    let rules = bench.call(describe_security_group_rules, &by_id).unwrap().security_group_rules;
    assert_eq!(rules[0].description.as_deref(), Some("new"));
    bench.call(revoke_security_group_ingress, &format!("GroupId={id}&{by_id}")).unwrap();
    assert_eq!(bench.refusal(describe_security_group_rules, &by_id), "InvalidSecurityGroupRuleId.NotFound");
}

#[test]
fn a_single_rule_needs_no_permissions() {
    let mut bench = Bench::new();
    let id = create(&mut bench, "web");
    let single = format!("GroupId={id}&IpProtocol=tcp&FromPort=80&ToPort=80&CidrIp=0.0.0.0/0");
    assert_eq!(bench.call(authorize_security_group_ingress, &single).unwrap().security_group_rules.len(), 1);
    assert_eq!(
        bench.call(revoke_security_group_ingress, &single).unwrap().revoked_security_group_rules.len(),
        1
    );
    let group = format!("GroupId={id}&SourceSecurityGroupName=default");
    assert_eq!(bench.call(authorize_security_group_ingress, &group).unwrap().security_group_rules.len(), 3);
    let both = format!("{single}&SourceSecurityGroupName=default");
    assert_eq!(bench.refusal(authorize_security_group_ingress, &both), "InvalidParameterCombination");
}

#[test]
fn a_group_in_use_or_referred_to_stays() {
    let mut bench = Bench::new();
    let (web, db) = (create(&mut bench, "web"), create(&mut bench, "db"));
    let form = format!("GroupId={db}&IpPermissions.1.IpProtocol=-1&IpPermissions.1.Groups.1.GroupId={web}");
    bench.call(authorize_security_group_ingress, &form).unwrap();
    let delete = format!("GroupId={web}");
    assert_eq!(bench.refusal(delete_security_group, &delete), "DependencyViolation");
    bench.call(revoke_security_group_ingress, &form).unwrap();

    let subnet_id = bench.cloud.network.default_subnet("eu-west-1a").unwrap().id.clone();
    let interface = NewInterface {
        id: "eni-1".into(),
        attachment_id: "eni-attach-1".into(),
        instance_id: "i-1".into(),
        subnet_id,
        private_ip: None,
        public_ip: None,
        groups: vec![web.clone()],
        description: String::new(),
        attached: bench.ctx.now,
    };
    bench.cloud.network.create_interface(interface).unwrap();
    assert_eq!(bench.refusal(delete_security_group, &delete), "DependencyViolation");
    bench.cloud.network.release_interface("eni-1");
    assert_eq!(bench.call(delete_security_group, &delete).unwrap().group_id, Some(web.clone()));
    assert_eq!(bench.refusal(delete_security_group, &delete), "InvalidGroup.NotFound");
}

#[test]
fn the_default_group_cannot_be_deleted() {
    let mut bench = Bench::new();
    assert_eq!(bench.refusal(delete_security_group, "GroupName=default"), "CannotDelete");
    assert_eq!(bench.refusal(delete_security_group, ""), "MissingParameter");
}

#[test]
fn tags_are_set_with_the_group_and_filter_it() {
    let mut bench = Bench::new();
    let tags = "&TagSpecification.1.ResourceType=security-group&TagSpecification.1.Tag.1.Key=role&TagSpecification.1.Tag.1.Value=web";
    bench.call(create_security_group, &format!("GroupName=web&GroupDescription=d{tags}")).unwrap();
    let found = bench.call(describe_security_groups, "Filter.1.Name=tag:role&Filter.1.Value.1=w*").unwrap();
    assert_eq!(found.security_groups.len(), 1);
    let wrong = tags.replace("security-group", "instance");
    let form = format!("GroupName=db&GroupDescription=d{wrong}");
    assert_eq!(bench.refusal(create_security_group, &form), "InvalidParameterValue");
}

#[test]
fn groups_come_in_pages() {
    let mut bench = Bench::new();
    for number in 0..7 {
        create(&mut bench, &format!("g{number}"));
    }
    let first = bench.call(describe_security_groups, "MaxResults=5").unwrap();
    let rest = bench
        .call(describe_security_groups, &format!("MaxResults=5&NextToken={}", first.next_token.unwrap()))
        .unwrap();
    assert_eq!((first.security_groups.len(), rest.security_groups.len(), rest.next_token), (5, 3, None));
}
