//! What launches need: image, key pair, security group. The intent is written before anything is made.

use std::collections::{BTreeMap, BTreeSet};

use super::super::event::EventKind;
use super::super::journal::{FleetRecord, Journal};
use super::super::machine::{Event, Failure};
use super::Context;
use super::call::persist;
use crate::model::{FirewallPolicy, FleetSpec, KeyName, Name, SecurityGroupId, Source};
use crate::{Error, ErrorKind, Result};

/// Prepares all fleets: rules of one may name the group of another, so that groups come before the first launch.
pub(super) async fn prepare(context: &Context, tell: &(impl Fn(Event) + Sync)) {
    let mut groups = groups(context).await;
    for fleet in &context.fleets {
        let name = fleet.spec.name.clone();
        let group = groups.remove(&name).unwrap_or(Ok(None));
        match finish(context, &fleet.spec, group).await {
            Ok(record) => {
                let FleetRecord { image, group, .. } = record;
                context.tell(None, EventKind::Prepared { fleet: name.to_string(), image, group });
                tell(Event::Prepared { fleet: name });
            }
            Err(error) => tell(Event::PrepareFailed { fleet: name, failure: Failure::from(&error) }),
        }
    }
}

async fn finish(
    context: &Context,
    fleet: &FleetSpec,
    group: Result<Option<SecurityGroupId>>,
) -> Result<FleetRecord> {
    let group = group?;
    let key = key(context, fleet).await?;
    let record = context.known().fleets.get(&fleet.name).cloned();
    let missing =
        || Error::new(ErrorKind::Unexpected, "the image was not resolved").on(fleet.name.to_string());
    let record = FleetRecord { key, group, ..record.ok_or_else(missing)? };
    write(context, &fleet.name, &record).await?;
    Ok(record)
}

/// Writes a fleet's record, unless it is written already.
async fn write(context: &Context, fleet: &Name, record: &FleetRecord) -> Result<()> {
    context.journal.write(&Journal::fleet(fleet), record).await?;
    context.known().fleets.insert(fleet.clone(), record.clone());
    Ok(())
}

async fn key(context: &Context, fleet: &FleetSpec) -> Result<Option<KeyName>> {
    let Some(key) = &fleet.key else { return Ok(None) };
    let ensure = || context.cloud.ensure_key(&context.spec.name, &fleet.name, key);
    Ok(Some(persist(context, "ensure_key", &fleet.name, ensure).await?.name))
}

/// Whether the fleet has a group of its own.
fn has_group(context: &Context, fleet: &FleetSpec) -> bool {
    let referred = || {
        let policies = context.fleets.iter().filter_map(|fleet| fleet.spec.firewall.as_ref());
        policies.flat_map(FirewallPolicy::fleets).any(|name| *name == fleet.name)
    };
    fleet.firewall.is_some() || fleet.security_groups.is_empty() || referred()
}

async fn groups(context: &Context) -> BTreeMap<Name, Result<Option<SecurityGroupId>>> {
    let mut done = BTreeMap::new();
    let mut left: Vec<&FleetSpec> = Vec::new();
    for fleet in context.fleets.iter().map(|fleet| &fleet.spec) {
        let record = context.known().fleets.get(&fleet.name).cloned();
        let written = match record {
            Some(record) => write(context, &fleet.name, &record).await,
            None => Ok(()),
        };
        match written {
            Err(error) => drop(done.insert(fleet.name.clone(), Err(error))),
            Ok(()) if has_group(context, fleet) => left.push(fleet),
            Ok(()) => {}
        }
    }
    // First those whose rules name only groups that are there.
    loop {
        let waiting: BTreeSet<&Name> = left.iter().map(|fleet| &fleet.name).collect();
        let blocked = |fleet: &&FleetSpec| {
            let mut names = fleet.firewall.iter().flat_map(FirewallPolicy::fleets);
            names.any(|name| *name != fleet.name && waiting.contains(name))
        };
        let (blocked, free): (Vec<_>, Vec<_>) = left.iter().copied().partition(blocked);
        for fleet in &free {
            done.insert(fleet.name.clone(), converge(context, fleet, &policy(fleet)).await.map(Some));
        }
        left = blocked;
        if free.is_empty() {
            break;
        }
    }
    // What is left refers to each other. Groups of an earlier run are there; else each is made without such rules first.
    let mut again = Vec::new();
    for fleet in &left {
        let mut outcome = converge(context, fleet, &policy(fleet)).await;
        if outcome.as_ref().is_err_and(may_miss_a_group) {
            let mut bare = policy(fleet);
            bare.rules.retain(|rule| !matches!(rule.source, Source::Fleet(_)));
            outcome = converge(context, fleet, &bare).await;
            again.push(*fleet);
        }
        done.insert(fleet.name.clone(), outcome.map(Some));
    }
    for fleet in again {
        if done.get(&fleet.name).is_some_and(Result::is_ok) {
            done.insert(fleet.name.clone(), converge(context, fleet, &policy(fleet)).await.map(Some));
        }
    }
    done
}

/// A rule may name a group that is not there yet. Where that was not it, the policy without such rules fails too.
fn may_miss_a_group(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Invalid)
}

fn policy(fleet: &FleetSpec) -> FirewallPolicy {
    fleet.firewall.clone().unwrap_or_default()
}

async fn converge(context: &Context, fleet: &FleetSpec, policy: &FirewallPolicy) -> Result<SecurityGroupId> {
    let converge = || context.cloud.converge(&context.spec.name, &fleet.name, fleet.subnets.first(), policy);
    persist(context, "converge", &fleet.name, converge).await
}
