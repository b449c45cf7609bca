//! How a deployment and its nodes are.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::Deployment;
use super::driver::{Context, Stray, recover};
use super::journal::{FleetRecord, Journal, Stage};
use super::machine::{Failure, FleetPlan, Node, Phase};
use super::orders::{Pause, Request};
use super::sweep::FOREIGN;
use super::table::table;
use crate::model::{Generation, Instance, InstanceId, InstanceState, Name, NodeAddress};
use crate::provider::{Hold, Verdict};
use crate::{Error, ErrorKind, Result};

/// How a node is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeStatus {
    /// The node.
    pub address: NodeAddress,
    /// Where it is on its way.
    pub phase: Phase,
    /// Which instance of the node this is, from 1; 0 before the first.
    pub generation: Generation,
    /// Its instance, as last seen.
    pub instance: Option<Instance>,
    /// Whether the description has this node; a surplus node is left alone until the end.
    pub wanted: bool,
    /// What the monitor says of its instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<Verdict>,
    /// Why its last instance was to go: this very one while it is on its way out, else the one before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub death: Option<String>,
    /// What went wrong last.
    pub error: Option<String>,
}

impl NodeStatus {
    pub(super) fn has(&self, id: &InstanceId) -> bool {
        self.instance.as_ref().is_some_and(|instance| instance.id == *id)
    }

    /// The worst that is known of it.
    fn remark(&self) -> String {
        match (&self.error, &self.health, &self.death) {
            (Some(error), ..) => error.clone(),
            (None, Some(Verdict::Suspect(why) | Verdict::Replace(why) | Verdict::Leaving { why, .. }), _) => {
                why.clone()
            }
            (None, _, Some(death)) if self.phase.is_leaving() => format!("going: {death}"),
            (None, _, Some(death)) => format!("the one before went: {death}"),
            (None, _, None) => "-".to_owned(),
        }
    }

    fn row(&self) -> Vec<String> {
        let show = |value: Option<&str>| value.unwrap_or("-").to_owned();
        let instance = self.instance.as_ref();
        vec![
            self.address.to_string(),
            self.generation.to_string(),
            if self.wanted { self.phase.to_string() } else { format!("{} (surplus)", self.phase) },
            show(instance.map(|instance| instance.id.as_str())),
            show(instance.map(|instance| instance.state.as_str())),
            show(
                instance
                    .and_then(|instance| instance.public_ip.as_deref().or(instance.private_ip.as_deref())),
            ),
            show(instance.map(|instance| instance.zone.as_str())),
            self.remark(),
        ]
    }
}

pub(super) fn nodes_table(nodes: &[NodeStatus]) -> String {
    let head = ["node", "gen", "phase", "instance", "state", "address", "zone", "remark"];
    table(&head, nodes.iter().map(NodeStatus::row))
}

/// How a deployment is, as its journal and one search by tag show it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The deployment.
    pub deployment: Name,
    /// `absent`, `running` (a controller has it, or died), `detached`, `terminating`, `terminated`, or `damaged`: the
    /// journal does not say.
    pub stage: String,
    /// Records of its journal that cannot be read, and why; what they said is missing here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub damaged: Vec<String>,
    /// Who stopped it from changing, where somebody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<Pause>,
    /// Nodes that are not to be replaced, until when, and who asked for it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub holds: BTreeMap<NodeAddress, Hold>,
    /// Nodes that were ordered into quarantine, whether they are there yet or not.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub quarantine: BTreeMap<NodeAddress, Request>,
    /// Nodes that were ordered to be replaced, which no controller has begun with.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub replace: BTreeMap<NodeAddress, Request>,
    /// Fleets of which nodes are being replaced for their image, with the reason where that has halted until the next update.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rollouts: BTreeMap<Name, Option<String>>,
    /// Its nodes.
    pub nodes: Vec<NodeStatus>,
    /// Instances that carry its tag and are no node's.
    pub strays: Vec<Instance>,
    /// Instances that carry its tag and were launched under another journal: another deployment has its name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub foreign: Vec<Instance>,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "deployment {}: {}", self.deployment, self.stage)?;
        if let Some(Pause { owner, reason, since }) = &self.pause {
            writeln!(f, "paused by {owner} since {since:.0}: {reason}")?;
        }
        f.write_str(&nodes_table(&self.nodes))?;
        for (node, Hold { owner, reason, until }) in &self.holds {
            writeln!(f, "{node} held by {owner} until {until:.0}: {reason}")?;
        }
        for (node, Request { reason, at }) in &self.quarantine {
            writeln!(f, "{node} ordered into quarantine at {at:.0}: {reason}")?;
        }
        for (node, Request { reason, at }) in &self.replace {
            writeln!(f, "{node} ordered to be replaced at {at:.0}: {reason}")?;
        }
        for (fleet, halted) in &self.rollouts {
            match halted {
                Some(why) => writeln!(f, "{why}; only an update goes on with it")?,
                None => writeln!(f, "fleet {fleet} is on its way to another image")?,
            }
        }
        for damaged in &self.damaged {
            writeln!(f, "damaged: {damaged}")?;
        }
        for stray in &self.strays {
            writeln!(f, "stray: {} ({})", stray.id, stray.state)?;
        }
        for Instance { id, state, .. } in &self.foreign {
            writeln!(f, "foreign: {id} ({state}): {FOREIGN}")?;
        }
        Ok(())
    }
}

impl Deployment {
    /// Says how the deployment is, from the journal and one search by tag; nodes that the search does not show yet are
    /// described. Cancel-safe; it starts nothing.
    ///
    /// # Errors
    /// The cloud could not be read, or the journal's store; a record that is damaged is told, and not an error.
    pub async fn status(&self) -> Result<Status> {
        self.status_in(&self.context()).await
    }

    pub(super) async fn status_in(&self, context: &Context) -> Result<Status> {
        let mut recovered = recover(context).await?;
        let unread = std::mem::take(&mut recovered.unread).into_iter();
        let (damaged, failed): (Vec<Error>, Vec<Error>) =
            unread.partition(|error| error.kind() == ErrorKind::Corrupt);
        if let Some(error) = failed.into_iter().next() {
            return Err(error);
        }
        let head = context.journal.full(Journal::HEAD);
        let is_damaged = damaged.iter().any(|error| error.resource() == Some(&head));
        let without = if is_damaged { "damaged" } else { "absent" };
        let machine = &recovered.machine;
        let mut ordered = context.known().ordered.clone();
        let now = context.now();
        ordered.holds.retain(|_, hold| hold.until > now);
        let status = |(address, node): (NodeAddress, &Node)| {
            let instance = node.instance.as_ref().and_then(|id| context.view.instance(id));
            let plan = machine.fleet(&address.fleet).map(|fleet| &fleet.plan);
            let failed = recovered.written.get(&address).filter(|record| record.instance == node.instance);
            let failure = node.failure.as_ref().or(failed.and_then(|record| record.failed.as_ref()));
            NodeStatus {
                phase: phase(node, plan, instance.as_ref()),
                generation: node.generation,
                wanted: plan.is_some_and(|plan| address.slot < plan.wanted),
                health: None,
                death: node.death.as_ref().map(ToString::to_string),
                error: failure.map(ToString::to_string),
                instance,
                address,
            }
        };
        let rolls = |(name, record): (&Name, &FleetRecord)| {
            record.rolls.then(|| (name.clone(), record.halted.as_ref().map(Failure::to_string)))
        };
        let strays = std::mem::take(&mut recovered.strays).into_iter();
        let (foreign, strays): (Vec<_>, Vec<_>) = strays.partition(Stray::is_foreign);
        let instances = |strays: Vec<Stray>| strays.into_iter().map(|stray| stray.instance).collect();
        let rollouts = context.known().fleets.iter().filter_map(rolls).collect();
        Ok(Status {
            deployment: self.spec().name.clone(),
            stage: recovered.stage.map_or(without, Stage::as_str).to_owned(),
            damaged: damaged.iter().map(Error::chain).collect(),
            pause: ordered.pause,
            holds: ordered.holds,
            quarantine: ordered.quarantine,
            replace: ordered.replace,
            rollouts,
            nodes: machine.nodes().map(status).collect(),
            strays: instances(strays),
            foreign: instances(foreign),
        })
    }
}

/// Where a node is that no controller tells of: as far as its instance and the steps in the journal say.
fn phase(node: &Node, plan: Option<&FleetPlan>, instance: Option<&Instance>) -> Phase {
    let runs = instance.is_some_and(|instance| instance.state == InstanceState::Running);
    let done =
        plan.is_none_or(|plan| (!plan.customizes || node.customized) && (!plan.registers || node.registered));
    match node.phase {
        Phase::Pending if runs && node.leaving.as_ref().is_some_and(|leaving| leaving.healthy) => {
            Phase::Draining
        }
        Phase::Pending if runs && node.leaving.is_some() => Phase::Condemned,
        Phase::Pending if runs && done => Phase::Live,
        Phase::Pending if runs => Phase::Running,
        phase => phase,
    }
}
