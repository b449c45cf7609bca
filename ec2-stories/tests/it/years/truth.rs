//! What is true of the nodes, whatever anybody sees of it; and what must not happen.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ec2_stories::model::{Generation, Health, Instance, InstanceId, NodeAddress, Ownership, Tags};
use ec2_stories::sim::{Sim, State};
use tokio::time::Instant;

/// The world as it is. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Truth(Arc<Mutex<World>>);

#[derive(Debug)]
struct World {
    sim: Sim,
    health: Health,
    aftermath: Duration,
    bodies: BTreeMap<InstanceId, Body>,
    watcher: Watcher,
    network: Network,
    /// Whom nobody but the cloud reaches any more.
    cut_off: Option<String>,
    /// The nodes whose old instance was taken away and whose new one is not up, with its zone and generation.
    in_flight: BTreeMap<NodeAddress, (String, Generation)>,
    /// Whether everything is to go.
    ending: bool,
    tally: Tally,
    wrong: Vec<String>,
}

/// An instance.
#[derive(Clone, Debug)]
struct Body {
    node: NodeAddress,
    generation: Generation,
    zone: String,
    service: Service,
    /// When it was not as it should be last.
    sick: Option<Instant>,
    /// It will be taken away, or does not come back by itself: it is to be replaced, however well it does its work.
    condemned: bool,
    /// It has done its work at least once.
    was_up: bool,
}

/// What a node is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    Up,
    /// It refuses.
    Crashed,
    /// It takes connections and says nothing.
    Hung,
}

/// How well the prober sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Watcher {
    Well,
    /// It knows that it cannot find out.
    Unable,
    /// It hears nothing, and takes that for everybody's silence.
    Deaf,
}

/// How the controller reaches the cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Network {
    Well,
    Down,
    Throttled,
}

/// What happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) launched: u64,
    pub(super) replaced: u64,
}

impl Truth {
    pub(super) fn new(sim: &Sim, health: Health, aftermath: Duration) -> Self {
        Self(Arc::new(Mutex::new(World {
            sim: sim.clone(),
            health,
            aftermath,
            bodies: BTreeMap::new(),
            watcher: Watcher::Well,
            network: Network::Well,
            cut_off: None,
            in_flight: BTreeMap::new(),
            ending: false,
            tally: Tally::default(),
            wrong: Vec::new(),
        })))
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn tally(&self) -> Tally {
        self.world().tally
    }

    /// What must not have happened.
    pub(super) fn wrong(&self) -> Vec<String> {
        self.world().wrong.clone()
    }

    pub(super) fn watcher(&self) -> Watcher {
        self.world().watcher
    }

    pub(super) fn set_watcher(&self, watcher: Watcher) {
        self.world().watcher = watcher;
    }

    pub(super) fn network(&self) -> Network {
        self.world().network
    }

    pub(super) fn set_network(&self, network: Network) {
        self.world().network = network;
    }

    /// Keeps the prober, and nobody else, from a zone.
    pub(super) fn cut_off(&self, zone: Option<&str>) {
        self.world().cut_off = zone.map(str::to_owned);
    }

    /// Everything goes from now on.
    pub(super) fn end(&self) {
        self.world().ending = true;
    }

    /// Whether the prober hears this instance.
    pub(super) fn service(&self, instance: &Instance) -> Option<Service> {
        let world = self.world();
        let body = world.bodies.get(&instance.id)?;
        let cut_off = world.cut_off.as_deref() == Some(&body.zone);
        let runs = world.sim.instance(instance.id.as_str()).is_some_and(|seen| seen.state == State::Running);
        let service = (runs && !cut_off).then_some(body.service);
        drop(world);
        if service == Some(Service::Up) {
            self.world().bodies.entry(instance.id.clone()).and_modify(|body| body.was_up = true);
        }
        service
    }

    /// Those that run, in a fixed order.
    pub(super) fn running(&self) -> Vec<(InstanceId, String)> {
        let world = self.world();
        let runs = |id: &InstanceId| world.state(id) == Some(State::Running);
        let of = |(id, body): (&InstanceId, &Body)| (id.clone(), body.zone.clone());
        world.bodies.iter().filter(|(id, _)| runs(id)).map(of).collect()
    }

    /// Changes what an instance does.
    pub(super) fn serve(&self, id: &InstanceId, service: Service) {
        let mut world = self.world();
        if let Some(body) = world.bodies.get_mut(id) {
            body.sick = Some(Instant::now());
            body.service = service;
        }
    }

    /// Notes that an instance is to be replaced.
    pub(super) fn doomed(&self, id: &InstanceId) {
        let mut world = self.world();
        if let Some(body) = world.bodies.get_mut(id) {
            body.sick = Some(Instant::now());
            body.condemned = true;
        }
    }

    /// Notes that an instance could not be heard until now.
    pub(super) fn unheard(&self, id: &InstanceId) {
        if let Some(body) = self.world().bodies.get_mut(id) {
            body.sick = Some(Instant::now());
        }
    }

    /// What a launch has made, whether or not its reply arrived: one instance a node.
    pub(super) fn launched(&self) {
        let mut world = self.world();
        let mut alive: BTreeMap<NodeAddress, Vec<String>> = BTreeMap::new();
        for seen in world.sim.instances() {
            let id = InstanceId::from(seen.id.as_str());
            let tags = seen.tags.iter().fold(Tags::new(), |all, (key, value)| all.with(key, value));
            let Some(ownership) = Ownership::from_tags(&tags) else { continue };
            let index = u32::try_from(seen.launch_index).unwrap();
            let Some(node) = ownership.node(index) else { continue };
            if matches!(seen.state, State::Pending | State::Running) {
                alive.entry(node.clone()).or_default().push(seen.id.clone());
            }
            if world.bodies.contains_key(&id) {
                continue;
            }
            world.tally.launched += 1;
            let body = Body {
                node,
                generation: ownership.generation,
                zone: seen.zone.clone(),
                service: Service::Up,
                sick: None,
                condemned: false,
                was_up: false,
            };
            world.bodies.insert(id, body);
        }
        for (node, ids) in alive.into_iter().filter(|(_, ids)| ids.len() > 1) {
            world.wrong.push(format!("double launch: {node} has {}", ids.join(" and ")));
        }
    }

    /// What is said when somebody asks for these instances' end.
    pub(super) fn ends(&self, ids: &[InstanceId]) {
        let mut world = self.world();
        if world.ending {
            return;
        }
        for id in ids {
            world.end(id);
        }
    }

    /// Whether so many nodes are there, each with one instance that does its work.
    pub(super) fn is_whole(&self, nodes: usize) -> Result<(), String> {
        let world = self.world();
        let alive = world.bodies.iter().filter(|(id, _)| world.is_alive(id));
        let mut at_work = BTreeMap::new();
        for (id, body) in alive {
            if body.service != Service::Up || body.condemned || world.state(id) != Some(State::Running) {
                return Err(format!("{} is {body}", body.node));
            }
            at_work.insert(body.node.clone(), id);
        }
        if at_work.len() == nodes {
            Ok(())
        } else {
            Err(format!("{} of {nodes} nodes are there", at_work.len()))
        }
    }
}

impl World {
    fn state(&self, id: &InstanceId) -> Option<State> {
        self.sim.instance(id.as_str()).map(|seen| seen.state)
    }

    fn is_alive(&self, id: &InstanceId) -> bool {
        matches!(self.state(id), Some(State::Pending | State::Running))
    }

    fn end(&mut self, id: &InstanceId) {
        let now = Instant::now();
        let Some(body) = self.bodies.get(id).cloned() else {
            self.wrong.push(format!("{id} is terminated, and was launched by nobody here"));
            return;
        };
        let well = body.service == Service::Up && self.state(id) == Some(State::Running);
        let lately = body.sick.is_some_and(|sick| now.duration_since(sick) < self.aftermath);
        let unheard = self.cut_off.as_deref() == Some(&body.zone);
        if well && body.was_up && !lately && !unheard && !body.condemned {
            let watcher = self.watcher;
            self.wrong.push(format!(
                "healthy, and terminated: {} {id}, by a watcher that is {watcher:?}",
                body.node
            ));
        }
        if body.was_up {
            self.take_flight(&body);
        }
    }

    /// One more replacement under way: it must be within the budget of its fleet and zone.
    fn take_flight(&mut self, body: &Body) {
        let landed = |(_, generation): &(String, Generation), node: &NodeAddress| {
            self.bodies.iter().any(|(id, next)| {
                next.node == *node && next.generation > *generation && next.was_up && self.is_alive(id)
            })
        };
        let landed: Vec<NodeAddress> = self
            .in_flight
            .iter()
            .filter(|(node, old)| landed(old, node))
            .map(|(node, _)| node.clone())
            .collect();
        landed.iter().for_each(|node| drop(self.in_flight.remove(node)));
        if self.in_flight.insert(body.node.clone(), (body.zone.clone(), body.generation)).is_some() {
            return;
        }
        self.tally.replaced += 1;
        let same = |(node, (zone, _)): &(&NodeAddress, &(String, Generation))| {
            node.fleet == body.node.fleet && *zone == body.zone
        };
        let here: Vec<String> =
            self.in_flight.iter().filter(same).map(|(node, _)| node.to_string()).collect();
        let nodes = self.bodies.values().filter(|other| other.node.fleet == body.node.fleet);
        let slots = nodes.map(|other| other.node.slot + 1).max().unwrap_or(1);
        let budget = self.health.max_in_flight.of(slots).max(1);
        if here.len() > budget as usize {
            let here = here.join(", ");
            self.wrong.push(format!("{here} are replaced at once in {}, where {budget} may be", body.zone));
        }
    }
}

impl fmt::Display for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "generation {} in {}, {:?}", self.generation, self.zone, self.service)
    }
}
