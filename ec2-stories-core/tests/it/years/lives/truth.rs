//! What is true of the nodes, whatever anybody sees of it; and what must not happen.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ec2_stories_core::model::{
    Generation, ImageId, Instance, InstanceId, InstanceState, LaunchRequest, NodeAddress, Replace,
};
use tokio::time::Instant;

use super::body::{Body, Service};
use super::flights::Flights;
use super::ground::Ground;
use super::pace::Pace;
use super::wishes::Wishes;

/// How much of what was told last is kept for whoever looks into a failure.
const REMEMBERED: usize = 60;

/// For so many failures of a life.
const SHOWN: usize = 5;

/// The world as it is. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Truth(Arc<Mutex<World>>);

#[derive(Debug)]
struct World {
    ground: Arc<dyn Ground>,
    pace: Pace,
    bodies: BTreeMap<InstanceId, Body>,
    watcher: Watcher,
    network: Network,
    /// When the journal was last away.
    without_store: Option<Instant>,
    /// Whom nobody but the cloud reaches any more.
    cut_off: Option<String>,
    wishes: Wishes,
    flights: Flights,
    /// Whether everything is to go.
    ending: bool,
    tally: Tally,
    wrong: Vec<String>,
    told: VecDeque<String>,
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

/// How a controller reaches the cloud, and its journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Network {
    Well,
    Down,
    Throttled,
    /// The cloud is there, the journal is not.
    StoreDown,
}

/// What happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) launched: u64,
    pub(super) replaced: u64,
}

impl Truth {
    pub(super) fn new(ground: &Arc<dyn Ground>, pace: Pace, wishes: Wishes) -> Self {
        Self(Arc::new(Mutex::new(World {
            ground: Arc::clone(ground),
            pace,
            bodies: BTreeMap::new(),
            watcher: Watcher::Well,
            network: Network::Well,
            without_store: None,
            cut_off: None,
            wishes,
            flights: Flights::default(),
            ending: false,
            tally: Tally::default(),
            wrong: Vec::new(),
            told: VecDeque::new(),
        })))
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn tally(&self) -> Tally {
        self.world().tally
    }

    /// Something must not be so.
    pub(super) fn accuse(&self, wrong: &str) {
        self.world().accuse(wrong);
    }

    /// What must not have happened.
    pub(super) fn wrong(&self) -> Vec<String> {
        self.world().wrong.clone()
    }

    /// Remembers what a controller or nature told.
    pub(super) fn tell(&self, what: String) {
        let mut world = self.world();
        if world.told.len() == REMEMBERED {
            world.told.pop_front();
        }
        world.told.push_back(what);
    }

    /// What operators want from now on.
    pub(super) fn wish<T>(&self, wish: impl FnOnce(&mut Wishes) -> T) -> T {
        wish(&mut self.world().wishes)
    }

    /// From which image the nodes are to be launched from now on.
    pub(super) fn change_image(&self, image: ImageId) {
        let mut world = self.world();
        world.wishes.image = image;
        world.look();
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
        let mut world = self.world();
        if Network::StoreDown == std::mem::replace(&mut world.network, network) {
            world.without_store = Some(Instant::now());
        }
    }

    /// Whether the journal was away within such a time.
    pub(super) fn was_without_store(&self, within: Duration) -> bool {
        let world = self.world();
        world.network == Network::StoreDown
            || world.without_store.is_some_and(|until| until.elapsed() < within)
    }

    /// Keeps the prober, and nobody else, from a zone.
    pub(super) fn cut_off(&self, zone: Option<&str>) {
        self.world().cut_off = zone.map(str::to_owned);
    }

    /// Everything goes from now on.
    pub(super) fn end(&self) {
        self.world().ending = true;
    }

    /// The controller says that the node will not come back by itself.
    pub(super) fn given_up(&self, node: &NodeAddress) {
        self.world().flights.give_up(node);
    }

    /// Whether the prober hears this instance.
    pub(super) fn service(&self, instance: &Instance) -> Option<Service> {
        let World { ground, bodies, cut_off, .. } = &mut *self.world();
        let body = bodies.get_mut(&instance.id)?;
        if cut_off.as_deref() == Some(&body.zone)
            || ground.state(&instance.id) != Some(InstanceState::Running)
        {
            return None;
        }
        body.was_up |= body.service == Service::Up;
        Some(body.service)
    }

    /// Those that run, in a fixed order.
    pub(super) fn running(&self) -> Vec<(InstanceId, String)> {
        let world = self.world();
        let alive = world.ground.alive().into_iter();
        let runs = |id: &InstanceId| world.ground.state(id) == Some(InstanceState::Running);
        alive.filter(|seen| runs(&seen.id)).map(|seen| (seen.id, seen.zone)).collect()
    }

    fn change(&self, id: &InstanceId, change: impl FnOnce(&mut Body)) {
        if let Some(body) = self.world().bodies.get_mut(id) {
            body.sick = Some(Instant::now());
            change(body);
        }
    }

    /// Changes what an instance does.
    pub(super) fn serve(&self, id: &InstanceId, service: Service) {
        self.change(id, |body| body.service = service);
    }

    /// Notes that an instance is to be replaced.
    pub(super) fn doomed(&self, id: &InstanceId) {
        self.change(id, |body| body.condemned = true);
    }

    /// Notes that an instance could not be heard until now.
    pub(super) fn unheard(&self, id: &InstanceId) {
        self.change(id, |_| {});
    }

    /// A controller asks for instances.
    pub(super) fn asks(&self, request: &LaunchRequest) {
        let mut world = self.world();
        let ownership = &request.ownership;
        for slot in ownership.slots.iter() {
            let node = NodeAddress::new(ownership.fleet.clone(), slot);
            if let Some(wrong) = world.wishes.begin(&node, ownership.generation) {
                world.accuse(&format!("{wrong}: {node}, generation {}", ownership.generation));
            }
        }
    }

    /// What a launch has made, whether or not its reply arrived.
    pub(super) fn launched(&self) {
        self.world().look();
    }

    /// What is said when somebody asks for these instances' end.
    pub(super) fn ends(&self, ids: &[InstanceId]) {
        let mut world = self.world();
        if !world.ending {
            ids.iter().for_each(|id| world.end(id));
        }
    }

    /// Whether every node that is to be is there, with one instance that does its work, from the right image; and nothing else.
    pub(super) fn is_whole(&self) -> Result<(), String> {
        let mut world = self.world();
        world.look();
        let mut missing = world.wishes.nodes();
        for seen in world.ground.alive() {
            let body = &world.bodies[&seen.id];
            let runs = world.ground.state(&seen.id) == Some(InstanceState::Running);
            if !missing.remove(&seen.node) {
                return Err(format!("{} {} is there, beside what is wanted", seen.node, seen.id));
            }
            if body.service != Service::Up || body.condemned || !runs {
                return Err(format!("{} is {body}", body.node));
            }
            if body.image != world.wishes.image {
                return Err(format!("{} was launched from {}", body.node, body.image));
            }
        }
        missing
            .first()
            .map_or(Ok(()), |node| Err(format!("{node} and {} more are missing", missing.len() - 1)))
    }
}

impl World {
    fn accuse(&mut self, wrong: &str) {
        let told: Vec<&str> = self.told.iter().map(String::as_str).collect();
        let told =
            if self.wrong.len() < SHOWN { format!("\n    {}", told.join("\n    ")) } else { String::new() };
        self.wrong.push(format!("{:.0} {wrong}{told}", self.ground.clock().now()));
    }

    fn is_alive(&self, id: &InstanceId) -> bool {
        matches!(self.ground.state(id), Some(InstanceState::Pending | InstanceState::Running))
    }

    /// Takes in what was launched: one instance a node and generation, and no two generations where the old one goes first.
    fn look(&mut self) {
        let mut alive: BTreeMap<NodeAddress, Vec<(Generation, InstanceId)>> = BTreeMap::new();
        for seen in self.ground.alive() {
            alive.entry(seen.node.clone()).or_default().push((seen.generation, seen.id.clone()));
            let Self { bodies, tally, wishes, .. } = self;
            let body = bodies.entry(seen.id.clone()).or_insert_with(|| {
                tally.launched += 1;
                Body::born(seen)
            });
            body.rolls |= body.image != wishes.image;
        }
        for (node, ids) in alive.into_iter().filter(|(_, ids)| ids.len() > 1) {
            let generations: BTreeSet<Generation> = ids.iter().map(|(generation, _)| *generation).collect();
            let beside = self.pace.replace_of(&node.fleet) == Replace::LaunchFirst;
            if ids.len() > generations.len() || !beside || ids.len() > 2 {
                let ids: Vec<String> =
                    ids.iter().map(|(generation, id)| format!("{id} ({generation})")).collect();
                self.accuse(&format!("double launch: {node} has {}", ids.join(" and ")));
            }
        }
    }

    fn end(&mut self, id: &InstanceId) {
        let now = Instant::now();
        let Some(body) = self.bodies.get_mut(id) else {
            return self.accuse(&format!("{id} is terminated, and was launched by nobody here"));
        };
        let before = std::mem::replace(&mut body.asked, true);
        let body = body.clone();
        if before {
            return;
        }
        let late = self.pace.aftermath();
        let sent = self.wishes.sent(&body, late);
        if let Some(wrong) = self.wishes.forbids_end(&body) {
            self.accuse(&format!("{wrong}: {} {id}, {body}", body.node));
        }
        let well = body.service == Service::Up && self.ground.state(id) == Some(InstanceState::Running);
        let lately = body.sick.is_some_and(|sick| now.duration_since(sick) < late);
        let unheard = self.cut_off.as_deref() == Some(&body.zone);
        if well && body.was_up && !lately && !unheard && !body.condemned && !sent && !body.rolls {
            let watcher = self.watcher;
            self.accuse(&format!(
                "healthy, and terminated: {} {id}, by a watcher that is {watcher:?}",
                body.node
            ));
        }
        if sent {
            self.flights.give_up(&body.node);
        } else if body.was_up {
            self.take_off(&body);
        }
    }

    /// One more replacement under way: it must be within the budgets of its fleet, and of its fleet in its zone.
    fn take_off(&mut self, body: &Body) {
        let mut flights = std::mem::take(&mut self.flights);
        flights.land(|node, old| {
            self.bodies.iter().any(|(id, next)| {
                next.node == *node && next.generation > old && next.was_up && self.is_alive(id)
            })
        });
        self.flights = flights;
        if !self.flights.take_off(&body.node, &body.zone, body.generation) {
            return;
        }
        self.tally.replaced += 1;
        let budget = self.pace.health().max_in_flight.of(self.wishes.most(&body.node.fleet)).max(1);
        for (zone, place) in [(None, "its fleet"), (Some(&*body.zone), "its zone")] {
            let beside = self.flights.beside(&body.node, zone);
            if beside.len() > budget as usize {
                let beside = beside.into_iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                self.accuse(&format!(
                    "{beside} are replaced at once with {}, where {place} may have {budget}",
                    body.node
                ));
                break;
            }
        }
    }
}
