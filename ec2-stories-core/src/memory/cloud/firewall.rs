//! Security groups in memory.

use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Instant as Moment, sleep_until};

use super::state::State;
use super::{MemoryCloud, Operation};
use crate::model::{FirewallPolicy, Name, Rule, SecurityGroupId, Source, SubnetId};
use crate::provider::Firewall;
use crate::{Error, ErrorKind, Result};

/// How long a removal outlasts instances that hold a group.
const REMOVAL_BOUND: Duration = Duration::from_secs(5 * 60);

#[derive(Debug)]
pub(super) struct Group {
    pub(super) id: SecurityGroupId,
    /// Sources are networks and groups only.
    pub(super) rules: Vec<Rule>,
}

#[async_trait]
impl Firewall for MemoryCloud {
    async fn converge(
        &self,
        deployment: &Name,
        fleet: &Name,
        subnet: Option<&SubnetId>,
        policy: &FirewallPolicy,
    ) -> Result<SecurityGroupId> {
        let converge = async {
            policy.check("firewall")?;
            if let Some(subnet) = subnet.filter(|subnet| State::zone_of(subnet).is_none()) {
                return Err(Error::new(ErrorKind::NotFound, "no such subnet").on(subnet.as_str()));
            }
            self.change(|state| state.converge(deployment, fleet, policy))
        };
        self.0.script.perform(Operation::Converge, converge).await
    }

    async fn remove_groups(&self, deployment: &Name) -> Result<Vec<SecurityGroupId>> {
        self.0.script.perform(Operation::RemoveGroups, self.remove_unused(deployment)).await
    }
}

impl MemoryCloud {
    async fn remove_unused(&self, deployment: &Name) -> Result<Vec<SecurityGroupId>> {
        let bound = Moment::now() + REMOVAL_BOUND;
        let mut changes = self.0.changes.subscribe();
        loop {
            let now = Moment::now();
            let Some((group, free_at)) = self.lock().held_until(deployment, now) else {
                return Ok(self.change(|state| state.remove_groups(deployment)));
            };
            if now >= bound {
                let why = "an instance still holds the group";
                return Err(Error::new(ErrorKind::InUse, why).during("remove groups").on(group.as_str()));
            }
            tokio::select! {
                () = sleep_until(free_at.map_or(bound, |at| at.min(bound))) => {}
                _ = changes.changed() => {}
            }
        }
    }
}

impl State {
    fn converge(
        &mut self,
        deployment: &Name,
        fleet: &Name,
        policy: &FirewallPolicy,
    ) -> Result<SecurityGroupId> {
        let key = (deployment.clone(), fleet.clone());
        let id = match self.groups.get(&key) {
            Some(group) => group.id.clone(),
            None => SecurityGroupId::new(self.new_id("sg")),
        };
        let mut rules = Vec::new();
        for rule in &policy.rules {
            for source in self.resolve(deployment, fleet, &id, &rule.source)? {
                rules.push(Rule { source, ..rule.clone() });
            }
        }
        let group = self.groups.entry(key).or_insert_with(|| Group { id: id.clone(), rules: Vec::new() });
        let added = rules.iter().filter(|rule| !group.rules.contains(rule)).count();
        let revoked = group.rules.iter().filter(|rule| !rules.contains(rule)).count();
        self.rule_changes += (added + revoked) as u64;
        group.rules = rules;
        Ok(id)
    }

    fn resolve(
        &self,
        deployment: &Name,
        fleet: &Name,
        own: &SecurityGroupId,
        source: &Source,
    ) -> Result<Vec<Source>> {
        let net = |text: &str| Source::Cidr(text.parse().expect("a network"));
        Ok(match source {
            Source::Anywhere => vec![net("0.0.0.0/0"), net("::/0")],
            Source::MyAddress => vec![net(MemoryCloud::MY_ADDRESS)],
            Source::Fleet(name) if name == fleet => vec![Source::Group(own.clone())],
            Source::Fleet(name) => match self.groups.get(&(deployment.clone(), name.clone())) {
                Some(group) => vec![Source::Group(group.id.clone())],
                None => {
                    let why = "the fleet has no security group";
                    return Err(Error::new(ErrorKind::NotFound, why).during("converge").on(name.as_str()));
                }
            },
            other => vec![other.clone()],
        })
    }

    /// A group of the deployment that an instance holds, and when that may change by itself.
    fn held_until(&self, deployment: &Name, now: Moment) -> Option<(SecurityGroupId, Option<Moment>)> {
        let own = self.groups.iter().filter(|((owner, _), _)| owner == deployment);
        own.flat_map(|(_, group)| self.machines.values().map(move |machine| (group, machine)))
            .find(|(group, machine)| machine.groups.contains(&group.id) && !machine.is_terminated(now))
            .map(|(group, machine)| (group.id.clone(), machine.next_change(now)))
    }

    fn remove_groups(&mut self, deployment: &Name) -> Vec<SecurityGroupId> {
        let own = self.groups.extract_if(.., |(owner, _), _| owner == deployment);
        own.map(|(_, group)| group.id).collect()
    }
}
