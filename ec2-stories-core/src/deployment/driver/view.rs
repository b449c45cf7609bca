//! What a running deployment shows: nodes, attributes, events, progress.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{broadcast, watch};

use super::super::event::{Event, EventKind};
use super::super::machine::{Failure, Machine, Phase};
use super::super::report::{Leak, NodeReport, Report};
use super::super::status::NodeStatus;
use crate::attributes::Attributes;
use crate::model::{Instance, InstanceId, InstanceState, NodeAddress};
use crate::provider::Verdict;

/// Events that a slow reader may be behind before it misses some.
const EVENTS: usize = 4096;

/// How far a deployment is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    pub(crate) ready: bool,
    pub(crate) failure: Option<Failure>,
    pub(crate) report: Option<Arc<Report>>,
    /// The controller knows that it is to end.
    pub(crate) ending: bool,
    /// The controller is gone, with a report or without.
    pub(crate) gone: bool,
}

#[derive(Debug)]
pub(crate) struct View {
    state: Mutex<State>,
    pub(crate) progress: watch::Sender<Progress>,
    events: broadcast::Sender<Event>,
}

#[derive(Debug, Default)]
struct State {
    nodes: BTreeMap<NodeAddress, NodeStatus>,
    instances: BTreeMap<InstanceId, Instance>,
    attributes: Attributes,
    node_problems: BTreeMap<NodeAddress, Vec<String>>,
    problems: Vec<String>,
    leaks: Vec<Leak>,
}

impl Default for View {
    fn default() -> Self {
        Self {
            state: Mutex::default(),
            progress: watch::Sender::new(Progress::default()),
            events: broadcast::Sender::new(EVENTS),
        }
    }
}

impl View {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// Tells those who watch; nobody need be watching.
    pub(crate) fn tell(&self, event: Event) {
        let _ = self.events.send(event);
    }

    /// Remembers what a call showed of an instance.
    pub(crate) fn saw(&self, node: &NodeAddress, instance: &Instance) {
        let mut state = self.state();
        state.attributes.publish(node, instance);
        state.instances.insert(instance.id.clone(), instance.clone());
        if let Some(status) = state.nodes.get_mut(node)
            && status.has(&instance.id)
        {
            status.instance = Some(instance.clone());
        }
    }

    /// An instance has ended.
    pub(crate) fn ended(&self, node: &NodeAddress, id: &InstanceId) {
        let mut state = self.state();
        if let Some(instance) = state.instances.get_mut(id) {
            instance.state = InstanceState::Terminated;
            let instance = instance.clone();
            let status = state.nodes.get_mut(node);
            // Its successor may live already.
            if let Some(status) = status.filter(|status| status.has(id)) {
                status.instance = Some(instance);
                state.attributes.remove(node);
            }
        }
    }

    /// Takes over a node's state from the machine; says whether it has another instance than before.
    pub(crate) fn update(&self, machine: &Machine, address: &NodeAddress) -> Option<InstanceId> {
        let (fleet, node) = (machine.fleet(&address.fleet)?, machine.node(address)?);
        let mut state = self.state();
        let before = state.nodes.get(address).and_then(|status| status.instance.clone());
        let instance = match &node.instance {
            Some(id) => state.instances.get(id).cloned(),
            None if node.phase == Phase::Launching => None,
            None => before.clone(),
        };
        let health = state.nodes.get(address).and_then(|status| status.health.clone());
        let new = node.instance.clone().filter(|id| before.is_none_or(|before| before.id != *id));
        let status = NodeStatus {
            address: address.clone(),
            phase: node.phase,
            generation: node.generation,
            instance,
            wanted: address.slot < fleet.plan.wanted,
            health: health.filter(|_| node.instance.is_some() && new.is_none()),
            death: node.death.as_ref().map(ToString::to_string),
            error: node.failure.as_ref().map(ToString::to_string),
        };
        state.nodes.insert(address.clone(), status);
        new
    }

    /// Remembers what the monitor said of a node.
    pub(crate) fn judge(&self, node: &NodeAddress, verdict: Option<Verdict>) {
        if let Some(status) = self.state().nodes.get_mut(node) {
            status.health = verdict;
        }
    }

    /// The deployment has this node no more.
    pub(crate) fn forget(&self, node: &NodeAddress) {
        let mut state = self.state();
        state.nodes.remove(node);
        state.attributes.remove(node);
    }

    pub(crate) fn problem(&self, node: Option<&NodeAddress>, problem: String) {
        let mut state = self.state();
        match node {
            Some(node) => state.node_problems.entry(node.clone()).or_default().push(problem),
            None => state.problems.push(problem),
        }
    }

    /// An instance, as last seen.
    pub(crate) fn instance(&self, id: &InstanceId) -> Option<Instance> {
        self.state().instances.get(id).cloned()
    }

    pub(crate) fn leak(&self, leak: Leak) {
        self.state().leaks.push(leak);
    }

    pub(crate) fn leaks(&self) -> Vec<Leak> {
        self.state().leaks.clone()
    }

    pub(crate) fn nodes(&self) -> Vec<NodeStatus> {
        self.state().nodes.values().cloned().collect()
    }

    pub(crate) fn attributes(&self) -> Attributes {
        self.state().attributes.clone()
    }

    pub(crate) fn node(&self, address: &NodeAddress) -> Option<(Instance, Attributes)> {
        let state = self.state();
        let instance = state.nodes.get(address)?.instance.clone()?;
        Some((instance, state.attributes.clone()))
    }

    /// The nodes' reports, the leaks and the problems of no node.
    pub(crate) fn summary(&self) -> (Vec<NodeReport>, Vec<Leak>, Vec<String>) {
        let state = self.state();
        let nodes = state.nodes.values().map(|node| NodeReport {
            address: node.address.clone(),
            phase: node.phase,
            generation: node.generation,
            instance: node.instance.as_ref().map(|instance| instance.id.clone()),
            death: node.death.clone(),
            problems: state.node_problems.get(&node.address).cloned().unwrap_or_default(),
        });
        (nodes.collect(), state.leaks.clone(), state.problems.clone())
    }
}

impl super::Context {
    /// Tells those who watch what happened, now.
    pub(crate) fn tell(&self, node: Option<&NodeAddress>, kind: EventKind) {
        let deployment = tracing::field::display(&self.spec.name);
        match node {
            Some(node) => tracing::info!(deployment, %node, "{kind}"),
            None => tracing::info!(deployment, "{kind}"),
        }
        self.view.tell(Event { at: self.now(), node: node.cloned(), kind });
    }

    /// Something went wrong that ends nothing: it is told, and reported at the end.
    pub(crate) fn problem(&self, node: Option<&NodeAddress>, problem: String) {
        self.view.problem(node, problem.clone());
        self.tell(node, EventKind::Problem(problem));
    }
}
