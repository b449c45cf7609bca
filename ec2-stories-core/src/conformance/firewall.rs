//! The suite for firewalls.

use super::{demand, fails, succeeds, unique};
use crate::ErrorKind;
use crate::model::{FirewallPolicy, Name, Protocol, Rule, SecurityGroupId, Source, SubnetId};
use crate::provider::Firewall;

/// What the suite for [`Firewall`] needs.
#[derive(Clone, Debug, Default)]
pub struct FirewallFixture {
    /// The subnet whose VPC is used; the default VPC where none is given.
    pub subnet: Option<SubnetId>,
}

fn name(prefix: &str) -> Name {
    Name::new(format!("{prefix}-{}", unique())).expect("lower-case hex digits")
}

fn policy(ports: &[u16]) -> FirewallPolicy {
    let mut policy = FirewallPolicy::builder();
    for port in ports {
        let source = Source::Cidr("203.0.113.0/24".parse().expect("a network"));
        policy = policy.tcp(*port, source).described("suite");
    }
    policy.build()
}

/// Checks a [`Firewall`]. `rules` tells the inbound rules that a group has in force, one text for each source, in any order: with the id of
/// a source group in it, and the cloud's own id of the rule where it has such, so that a rule that is made anew is seen. `None`
/// is a group that is gone.
///
/// # Panics
/// With the contract's bullet that was broken; groups may be left then.
pub async fn firewall(
    firewall: &dyn Firewall,
    fixture: &FirewallFixture,
    rules: impl AsyncFn(&SecurityGroupId) -> Option<Vec<String>>,
) {
    let suite = Suite { firewall, fixture, deployment: name("suite"), rules };
    suite.converges().await;
    suite.names_fleets().await;
    suite.refuses().await;
    suite.removes().await;
}

struct Suite<'a, R> {
    firewall: &'a dyn Firewall,
    fixture: &'a FirewallFixture,
    deployment: Name,
    rules: R,
}

impl<R: AsyncFn(&SecurityGroupId) -> Option<Vec<String>>> Suite<'_, R> {
    async fn converge(&self, fleet: &Name, policy: &FirewallPolicy) -> crate::Result<SecurityGroupId> {
        self.firewall.converge(&self.deployment, fleet, self.fixture.subnet.as_ref(), policy).await
    }

    async fn rules(&self, group: &SecurityGroupId) -> Vec<String> {
        let mut rules =
            (self.rules)(group).await.unwrap_or_else(|| panic!("contract broken: {group} is gone"));
        rules.sort_unstable();
        rules
    }

    async fn converges(&self) {
        const BULLET: &str =
            "converge makes the group, adds what is missing, revokes what is too much, touches no other";
        const TWICE: &str = "a second time it changes nothing";
        let fleet = name("web");
        let group = succeeds(self.converge(&fleet, &policy(&[80, 443])).await, BULLET);
        let before = self.rules(&group).await;
        demand(before.len() == 2, BULLET, &before);
        let again = succeeds(self.converge(&fleet, &policy(&[443, 80])).await, TWICE);
        demand(again == group && self.rules(&group).await == before, TWICE, self.rules(&group).await);

        succeeds(self.converge(&fleet, &policy(&[443, 8443])).await, BULLET);
        let after = self.rules(&group).await;
        let kept = after.iter().filter(|rule| before.contains(rule)).count();
        demand(after.len() == 2 && kept == 1, BULLET, (&before, &after));
        let open = FirewallPolicy::builder().tcp(443, Source::Anywhere).udp(4000..=4010, Source::Anywhere);
        let open = open.icmp(Source::MyAddress).build();
        succeeds(self.converge(&fleet, &open).await, BULLET);
        let (first, second) = (self.rules(&group).await, succeeds(self.converge(&fleet, &open).await, TWICE));
        demand(second == group && self.rules(&group).await == first, TWICE, self.rules(&group).await);
        demand(first.len() >= 5, "the whole world is IPv4 and IPv6", &first);
        succeeds(self.converge(&fleet, &FirewallPolicy::default()).await, BULLET);
        demand(self.rules(&group).await.is_empty(), BULLET, self.rules(&group).await);
    }

    async fn names_fleets(&self) {
        const BULLET: &str = "Source::Fleet is resolved to that fleet's own group, which must exist";
        let (web, db) = (name("web"), name("db"));
        let from = |fleet: &Name| FirewallPolicy::builder().tcp(5432, Source::Fleet(fleet.clone())).build();
        let missing = self.converge(&web, &from(&db)).await;
        demand(missing.is_err(), BULLET, missing);
        let db_group = succeeds(self.converge(&db, &FirewallPolicy::default()).await, BULLET);
        let web_group = succeeds(self.converge(&web, &from(&db)).await, BULLET);
        succeeds(self.converge(&db, &from(&web)).await, BULLET);
        for (group, source) in [(&web_group, &db_group), (&db_group, &web_group)] {
            let rules = self.rules(group).await;
            demand(rules.len() == 1 && rules[0].contains(source.as_str()), BULLET, rules);
        }
        succeeds(self.converge(&web, &from(&web)).await, "a fleet may name itself");
        succeeds(self.converge(&web, &from(&db)).await, BULLET);
    }

    async fn refuses(&self) {
        let rule = Rule { protocol: Protocol::Tcp, ports: None, source: Source::Anywhere, description: None };
        let wrong = FirewallPolicy { rules: vec![rule] };
        let refused = self.converge(&name("web"), &wrong).await;
        fails(refused, ErrorKind::Invalid, "a policy that cannot be is Invalid");
    }

    async fn removes(&self) {
        const BULLET: &str = "remove_groups removes all groups of the deployment, those that name each other too, and no other";
        const GONE: &str = "groups that are gone are a success";
        let other = Suite {
            firewall: self.firewall,
            fixture: self.fixture,
            deployment: name("other"),
            rules: &self.rules,
        };
        let kept = succeeds(other.converge(&name("web"), &policy(&[80])).await, BULLET);
        let removed = succeeds(self.firewall.remove_groups(&self.deployment).await, BULLET);
        demand(removed.len() >= 3 && !removed.contains(&kept), BULLET, &removed);
        for group in &removed {
            demand((self.rules)(group).await.is_none(), BULLET, group);
        }
        demand(other.rules(&kept).await.len() == 1, BULLET, &kept);
        let again = succeeds(self.firewall.remove_groups(&self.deployment).await, GONE);
        demand(again.is_empty(), GONE, again);
        let last = succeeds(self.firewall.remove_groups(&other.deployment).await, BULLET);
        demand(last == [kept], BULLET, last);
    }
}
