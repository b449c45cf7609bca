//! What there is already: from the journal, then from tags.

use std::collections::{BTreeMap, BTreeSet};

use super::super::journal::{Contents, Head, LaunchOutcome, LaunchRecord, NodeRecord, Stage};
use super::super::machine::{Batch, BatchState, FleetPlan, Kin, Machine, Node, Phase, Place, Whose};
use super::super::orders::Orders;
use super::call::persist;
use super::{Context, On};
use crate::model::{
    ClientToken, FleetSpec, Generation, Instance, InstanceId, InstanceState, NodeAddress, OwnedBy, Ownership,
    Placement,
};
use crate::provider::InstanceDeployer;
use crate::{Error, Result};

/// Lives of a journal that are remembered: what one of them left is seen by the next.
const LIVES: usize = 32;

/// What there is of a deployment.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) machine: Machine,
    pub(crate) written: BTreeMap<NodeAddress, NodeRecord>,
    pub(crate) stage: Option<Stage>,
    pub(crate) strays: Vec<Stray>,
    /// What could not be read, and is missing in all this.
    pub(crate) unread: Vec<Error>,
}

impl Recovered {
    /// For whoever needs all there is to know.
    ///
    /// # Errors
    /// The first thing that could not be read.
    pub(crate) fn complete(mut self) -> Result<Self> {
        if self.unread.is_empty() { Ok(self) } else { Err(self.unread.swap_remove(0)) }
    }
}

/// An instance that carries the deployment's tag and is no node's.
#[derive(Clone, Debug)]
pub(crate) struct Stray {
    pub(crate) instance: Instance,
    pub(crate) whose: Whose,
}

impl Stray {
    /// The instance, where it is nobody's and does not end already.
    pub(super) fn of(instance: Instance, whose: Whose) -> Option<Self> {
        let is_owned = matches!(whose, Whose::Current | Whose::Outgoing | Whose::OpenLaunchs);
        let is_stray = !is_owned && !instance.state.is_ending();
        is_stray.then_some(Self { instance, whose })
    }

    /// Whether another journal's deployment of the same name has it.
    pub(crate) fn is_foreign(&self) -> bool {
        self.whose == Whose::Foreign
    }
}

/// Reads the journal and searches by tag; what of that fails is told. Changes nothing.
pub(crate) async fn recover(context: &Context) -> Result<Recovered> {
    let mut contents = context.journal.load().await?;
    let stage = contents.head.as_ref().map(|head| head.stage);
    if stage == Some(Stage::Terminated) {
        // What is beside the head then is of an end that could not tidy up.
        contents = Contents { head: contents.head, damaged: contents.damaged, ..Contents::default() };
    }
    let incarnation = match &contents.head {
        Some(head) if head.stage != Stage::Terminated => head.incarnation.clone(),
        _ => nonce(),
    };
    let (ordered, unordered) = match context.orders.read().await {
        Ok(orders) => (orders, None),
        Err(error) => (Default::default(), Some(error)),
    };
    let plans = context.fleets.iter().map(|fleet| plan_of(fleet, &ordered)).collect();
    let mut machine = Machine::new(context.spec.name.clone(), incarnation, plans);
    machine.paused = ordered.pause.is_some();
    let now = context.now();
    machine.held =
        ordered.holds.iter().filter(|(_, hold)| hold.until > now).map(|(node, _)| node.clone()).collect();
    let mut launches = contents.launches;
    if let Some(head) = &contents.head {
        launches.retain(|(token, _)| !head.folded.contains(token));
    }
    launches
        .sort_by_key(|(_, record)| (record.request.ownership.generation, record.request.ownership.attempt));
    for (_, record) in &launches {
        take_settled(&mut machine, record);
    }
    for (address, record) in &contents.nodes {
        take_node(&mut machine, address, record);
    }
    let open: BTreeSet<ClientToken> = launches
        .iter()
        .filter(|(_, record)| record.outcome.is_none())
        .map(|(token, _)| token.clone())
        .collect();
    let owned = OwnedBy::deployment(&context.spec.name);
    let search = || InstanceDeployer::find(&*context.cloud, &owned);
    let mut unread = contents.damaged;
    unread.extend(unordered);
    let mut read = |result: Result<Vec<Instance>>| {
        result.unwrap_or_else(|error| {
            unread.push(error);
            Vec::new()
        })
    };
    let mut found = read(persist(context, "find", On::Deployment, search).await);
    let unseen = read(describe_unseen(context, &machine, &found).await);
    found.extend(unseen);
    machine.kin = kin(contents.head.as_ref(), &machine.incarnation, contents.inherited, &found);
    let strays = take_found(context, &mut machine, &open, found);
    // The latest first: what another has been decided on top of is not to be replayed.
    for (token, record) in launches.iter().rev().filter(|(token, _)| open.contains(token)) {
        machine.recover_open(token.clone(), open_batch(record));
    }
    machine.recover_outgoing();
    let current: BTreeSet<InstanceId> = instances(&machine).collect();
    let mut known = context.known();
    for (_, record) in &launches {
        if let Some(LaunchOutcome::Launched(made)) = &record.outcome {
            known.gone.extend(made.values().filter(|id| !current.contains(*id)).cloned());
        }
    }
    known.pause = ordered.pause.clone();
    known.holds.extend(ordered.holds.clone());
    known.ordered = ordered;
    known.adopted = current;
    known.tags_only = contents.head.is_none();
    known.kin = machine.kin.clone();
    let foreign = strays.iter().filter(|stray| stray.is_foreign());
    known.foreign = foreign.map(|stray| stray.instance.clone()).collect();
    known.head = contents.head;
    known.fleets = contents.fleets.into_iter().collect();
    known.launches = launches.into_iter().collect();
    drop(known);
    Ok(Recovered { machine, written: contents.nodes.into_iter().collect(), stage, strays, unread })
}

/// Which instances are the deployment's own. One whose journal was lost has what carries its tag when the new one begins.
fn kin(
    head: Option<&Head>,
    incarnation: &str,
    mut inherited: BTreeSet<ClientToken>,
    found: &[Instance],
) -> Kin {
    let mut incarnations = vec![incarnation.to_owned()];
    let Some(head) = head else {
        let there = found.iter().filter(|instance| !instance.state.is_ending());
        inherited.extend(there.filter_map(|instance| instance.token.clone()));
        return Kin { incarnations, inherited, by_tags: false };
    };
    let goes_on = head.incarnation == incarnation;
    incarnations.extend((!goes_on).then(|| head.incarnation.clone()));
    incarnations.extend(head.lives.iter().flatten().cloned());
    incarnations.truncate(LIVES);
    Kin { incarnations, inherited, by_tags: goes_on && head.lives.is_none() }
}

/// Describes the nodes' instances that a search by tag has not shown: it lags behind a launch.
async fn describe_unseen(context: &Context, machine: &Machine, found: &[Instance]) -> Result<Vec<Instance>> {
    let seen: BTreeSet<&InstanceId> = found.iter().map(|instance| &instance.id).collect();
    let unseen: Vec<InstanceId> = instances(machine).filter(|id| !seen.contains(id)).collect();
    if unseen.is_empty() {
        return Ok(Vec::new());
    }
    let describe = || context.cloud.describe(&unseen);
    persist(context, "describe", On::Instances(unseen.len()), describe).await
}

/// The instances that are nodes', those included that live until their successors do.
fn instances(machine: &Machine) -> impl Iterator<Item = InstanceId> {
    let of = |node: &Node| {
        let outgoing = node.outgoing.as_ref().map(|outgoing| outgoing.instance.clone());
        node.instance.clone().into_iter().chain(outgoing)
    };
    machine.nodes().flat_map(move |(_, node)| of(node))
}

/// Learns what the fleets' customizers would do. What does not say, or cannot, is not compared.
pub(crate) async fn revise(context: &Context, machine: &mut Machine) {
    for fleet in &context.fleets {
        let mut revisions = Vec::new();
        for customizer in &fleet.customizers {
            match customizer.revision().await {
                Ok(revision) if revision.is_empty() => {}
                Ok(revision) => revisions.push(revision),
                Err(error) => {
                    let name = customizer.name();
                    context.problem(None, format!("fleet {}: {name}: {}", fleet.spec.name, error.chain()));
                    revisions.clear();
                    break;
                }
            }
        }
        machine.revise(&fleet.spec.name, revisions.join("\n"));
    }
}

/// Differs every time.
pub(crate) fn nonce() -> String {
    format!("{:016x}", rand::random::<u64>())
}

fn plan_of(fleet: &super::super::fleet::Fleet, orders: &Orders) -> FleetPlan {
    let spec = &fleet.spec;
    let wanted = orders.nodes(spec);
    FleetPlan {
        name: spec.name.clone(),
        wanted,
        exact: orders.scaled(spec).is_some(),
        at_least: spec.at_least.map_or(wanted, |least| least.min(wanted)),
        after: spec.after.clone(),
        places: places(spec),
        customizes: !fleet.customizers.is_empty(),
        registers: !fleet.registrars.is_empty(),
        patience: spec.launch_timeout,
        health: spec.health.clone(),
        revision: String::new(),
    }
}

/// Every type in every zone or subnet: a preferred type anywhere comes before the next type.
pub(crate) fn places(spec: &FleetSpec) -> Vec<Place> {
    let zones = spec.zones.iter().map(|zone| Placement { zone: Some(zone.clone()), subnet: None });
    let subnets = spec.subnets.iter().map(|subnet| Placement { zone: None, subnet: Some(subnet.clone()) });
    let mut placements: Vec<Placement> = zones.chain(subnets).collect();
    if placements.is_empty() {
        placements.push(Placement::default());
    }
    let at = |instance_type| {
        placements.iter().map(move |placement| Place {
            placement: placement.clone(),
            instance_type: Clone::clone(instance_type),
        })
    };
    spec.instance_types.iter().flat_map(at).collect()
}

fn take_settled(machine: &mut Machine, record: &LaunchRecord) {
    let Some(outcome) = &record.outcome else { return };
    let Ownership { fleet, slots, generation, attempt, .. } = &record.request.ownership;
    for slot in slots.iter() {
        let made = match outcome {
            LaunchOutcome::Launched(instances) => {
                instances.get(&slot).filter(|_| !record.ended.contains(&slot)).cloned()
            }
            LaunchOutcome::Refused(_) | LaunchOutcome::Lost(_) => None,
        };
        machine.recover_settled(
            &NodeAddress::new(fleet.clone(), slot),
            *generation,
            *attempt,
            made,
            record.written_at,
        );
    }
}

fn take_node(machine: &mut Machine, address: &NodeAddress, record: &NodeRecord) {
    let node = machine.node_or_surplus(address);
    node.losses = record.losses.clone();
    node.registrations = record.registrations.clone();
    node.registering = record.registering;
    (node.told, node.leaving, node.death) = (record.told, record.leaving.clone(), record.death.clone());
    node.outgoing = record.outgoing.clone();
    if let Some(failure) = &record.quarantined {
        (node.phase, node.failure) = (Phase::Quarantined, Some(failure.clone()));
        // Gone before that was written.
        node.instance = None;
    }
    if node.instance.is_some() && node.instance == record.instance {
        (node.touched, node.customized, node.registered) =
            (record.touched, record.customized, record.registered);
        (node.revision, node.outdated) = (record.revision.clone(), record.outdated);
        node.withdrawn = record.withdrawn;
    }
}

/// Adopts what the journal does not know; the highest generation wins. What belongs to an open intent is left to its replay,
/// which tells all of it.
fn take_found(
    context: &Context,
    machine: &mut Machine,
    open: &BTreeSet<ClientToken>,
    mut found: Vec<Instance>,
) -> Vec<Stray> {
    let generation =
        |instance: &Instance| instance.ownership().map_or(Generation(0), |owner| owner.generation);
    found.sort_by_key(|instance| std::cmp::Reverse(generation(instance)));
    let mut strays = Vec::new();
    for instance in found {
        let whose = machine.whose(&instance, |token| open.contains(token));
        let Some(address) = instance.node().filter(|_| whose != Whose::Foreign) else {
            strays.extend(Stray::of(instance, whose));
            continue;
        };
        context.view.saw(&address, &instance);
        let generation = generation(&instance);
        match whose {
            Whose::OpenLaunchs => {}
            Whose::Outgoing => {
                // It goes once its successor lives, unless it has ended by itself.
                let ended = instance.state == InstanceState::Terminated;
                machine.node_or_surplus(&address).outgoing.take_if(|_| ended);
            }
            _ if instance.state.is_ending() => {
                if whose == Whose::Current && instance.state == InstanceState::Terminated {
                    machine.recover_ended(&address);
                } else if whose == Whose::Current {
                    machine.recover_ending(&address);
                }
                machine.recover_used(&address, generation);
            }
            Whose::Later => {
                // Where the cloud does not say how old it is, it gets all the time that a new one has.
                let launched = instance.launched_at.unwrap_or_else(|| context.now());
                machine.recover_adopted(&address, generation, instance.id, launched);
            }
            Whose::Current => {
                // The cloud's word: the launch may have been asked for long before it was made.
                let node = machine.node_or_surplus(&address);
                node.adopted = instance.launched_at.or(node.adopted);
            }
            Whose::NoNodes | Whose::Older | Whose::Twin | Whose::Foreign => {
                strays.extend(Stray::of(instance, whose));
            }
        }
    }
    strays
}

fn open_batch(record: &LaunchRecord) -> Batch {
    let request = &record.request;
    let Ownership { fleet, slots, generation, attempt, .. } = request.ownership.clone();
    Batch {
        fleet,
        slots,
        generation,
        attempt,
        place: Place { instance_type: request.instance_type.clone(), placement: request.placement.clone() },
        since: record.written_at,
        tries: 0,
        doubtful: true,
        state: BatchState::Waiting,
    }
}
