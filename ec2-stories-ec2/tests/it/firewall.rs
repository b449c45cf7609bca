//! Firewalls: converged by difference, removed although instances still hold on.

use ec2_stories_core::ErrorKind;
use ec2_stories_core::model::{FirewallPolicy, Protocol, Rule, Source};
use ec2_stories_core::provider::{Firewall, InstanceDeployer};
use ec2_stories_ec2::Ec2;
use ec2_stories_sim::Fault;
use tokio::time::Instant;

use crate::support::{Fixed, World, ids, name};

fn web() -> FirewallPolicy {
    FirewallPolicy::builder()
        .tcp(443, Source::Anywhere)
        .described("shop")
        .tcp(8000..=8080, Source::Cidr("10.0.0.0/8".parse().unwrap()))
        .icmp(Source::Cidr("fd00::/8".parse().unwrap()))
        .tcp(9000, Source::Fleet(name("web")))
        .build()
}

async fn converge(world: &World, policy: &FirewallPolicy) -> ec2_stories_core::model::SecurityGroupId {
    world.ec2.converge(&name("shop"), &name("web"), None, policy).await.unwrap()
}

fn changes(world: &World) -> u64 {
    let calls = world.sim.calls();
    let changing = [
        "CreateSecurityGroup",
        "AuthorizeSecurityGroupIngress",
        "RevokeSecurityGroupIngress",
        "UpdateSecurityGroupRuleDescriptionsIngress",
    ];
    changing.iter().map(|operation| calls.count(operation)).sum()
}

#[tokio::test(start_paused = true)]
async fn a_second_time_changes_nothing() {
    let world = World::new().await;
    let group = converge(&world, &web()).await;
    assert_eq!(changes(&world), 2, "one call makes the group, one opens it");
    assert_eq!(converge(&world, &web()).await, group);
    assert_eq!(changes(&world), 2);
}

#[tokio::test(start_paused = true)]
async fn only_the_difference_is_changed_and_nothing_is_revoked_before_its_successor_is_there() {
    let world = World::new().await;
    converge(&world, &web()).await;
    let policy = FirewallPolicy::builder()
        .tcp(443, Source::Anywhere)
        .described("the shop")
        .tcp(8000..=8080, Source::Cidr("10.0.0.0/8".parse().unwrap()))
        .udp(53, Source::Group(converge(&world, &web()).await))
        .rule(Rule {
            protocol: Protocol::All,
            ports: None,
            source: Source::Fleet(name("web")),
            description: None,
        })
        .build();
    let before = world.sim.calls_log().len();
    converge(&world, &policy).await;
    let log = world.sim.calls_log().split_off(before);
    let changing: Vec<&str> =
        log.iter().map(|call| call.operation.as_str()).filter(|name| !name.starts_with("Describe")).collect();
    assert_eq!(
        changing,
        [
            "AuthorizeSecurityGroupIngress",
            "UpdateSecurityGroupRuleDescriptionsIngress",
            "RevokeSecurityGroupIngress"
        ]
    );
    converge(&world, &policy).await;
    assert_eq!(world.sim.calls_log().split_off(before).len(), log.len() + 1, "one describe of the group");
}

#[tokio::test(start_paused = true)]
async fn a_group_at_its_quota_of_rules_changes_to_another_policy_of_as_many() {
    let world = World::new().await;
    let sixty = |net: u8| {
        (0..60).fold(FirewallPolicy::builder(), |policy, host| {
            policy.tcp(22, Source::Cidr(format!("10.{net}.0.{host}/32").parse().unwrap()))
        })
    };
    converge(&world, &sixty(1).build()).await;
    converge(&world, &sixty(2).build()).await;
    let before = changes(&world);
    converge(&world, &sixty(2).build()).await;
    assert_eq!(changes(&world), before, "it has arrived");
    let too_many = sixty(2).tcp(443, Source::Anywhere).build();
    let error = world.ec2.converge(&name("shop"), &name("web"), None, &too_many).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit);
}

#[tokio::test(start_paused = true)]
async fn lost_replies_are_outlasted() {
    let world = World::new().await;
    for operation in ["CreateSecurityGroup", "AuthorizeSecurityGroupIngress"] {
        world.sim.faults().nth(operation, 1, Fault::ReplyLostAfter);
    }
    let group = converge(&world, &web()).await;
    let before = changes(&world);
    assert_eq!(converge(&world, &web()).await, group);
    assert_eq!(changes(&world), before);
}

#[tokio::test(start_paused = true)]
async fn my_address_is_one_host() {
    let world = World::new().await;
    let policy = FirewallPolicy::builder().tcp(22, Source::MyAddress).build();
    for (address, host) in [("198.51.100.7", "198.51.100.7/32"), ("2001:db8::7", "2001:db8::7/128")] {
        let ec2 = Ec2::builder()
            .config(&world.sim.sdk_config())
            .public_address(Fixed(address.parse().unwrap()))
            .build();
        ec2.converge(&name("shop"), &name("web"), None, &policy).await.unwrap();
        let params = world.last_params("AuthorizeSecurityGroupIngress");
        assert!(params.iter().any(|(_, value)| value == host), "{params:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_fleet_without_a_group_is_named() {
    let world = World::new().await;
    let policy =
        FirewallPolicy::builder().tcp(1, Source::Anywhere).tcp(5432, Source::Fleet(name("db"))).build();
    let error = world.ec2.converge(&name("shop"), &name("web"), None, &policy).await.unwrap_err();
    assert_eq!(error.resource(), Some("firewall.rules[1].source"));
}

#[tokio::test(start_paused = true)]
async fn groups_that_name_each_other_are_removed() {
    let world = World::new().await;
    let shop = name("shop");
    let empty = FirewallPolicy::default();
    for fleet in ["web", "db"] {
        world.ec2.converge(&shop, &name(fleet), None, &empty).await.unwrap();
    }
    for (fleet, other) in [("web", "db"), ("db", "web")] {
        let policy = FirewallPolicy::builder().tcp(1..=9, Source::Fleet(name(other))).build();
        world.ec2.converge(&shop, &name(fleet), None, &policy).await.unwrap();
    }
    world.ec2.converge(&name("other"), &name("web"), None, &empty).await.unwrap();
    assert_eq!(world.ec2.remove_groups(&shop).await.unwrap().len(), 2);
    assert!(world.ec2.remove_groups(&shop).await.unwrap().is_empty());
    assert_eq!(world.ec2.remove_groups(&name("other")).await.unwrap().len(), 1);
    world.sim.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn names_that_run_together_are_two_groups() {
    let world = World::new().await;
    let empty = FirewallPolicy::default();
    let one = world.ec2.converge(&name("shop-eu"), &name("web"), None, &empty).await.unwrap();
    let two = world.ec2.converge(&name("shop"), &name("eu-web"), None, &empty).await.unwrap();
    assert_ne!(one, two);
    assert_eq!(world.ec2.remove_groups(&name("shop")).await.unwrap(), [two]);
    assert_eq!(world.ec2.remove_groups(&name("shop-eu")).await.unwrap(), [one]);
}

#[tokio::test(start_paused = true)]
async fn instances_that_are_going_are_outlasted_and_others_are_not() {
    let world = World::new().await;
    let group = converge(&world, &web()).await;
    let mut request = world.request("t1", 1);
    request.security_groups = vec![group.clone()];
    let launch = world.ec2.launch(&request).await.unwrap();
    let start = Instant::now();
    let error = world.ec2.remove_groups(&name("shop")).await.unwrap_err();
    assert_eq!((error.kind(), error.resource()), (ErrorKind::InUse, Some(group.as_str())));
    assert!((270..=310).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    world.ec2.terminate(&ids(&launch.instances)).await.unwrap();
    assert_eq!(world.ec2.remove_groups(&name("shop")).await.unwrap(), [group]);
    world.sim.assert_clean();
}
