//! Nodes with probes and a cloud, in seconds; who is replaced comes back as the next generation.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use super::super::target::{Charge, State};
use super::super::{At, Event, Key, Machine, Outcome};
use crate::model::{Check, Generation, Health, InstanceHealth, InstanceState, Notice};
use crate::monitor::What;
use crate::provider::{Hold, Liveness, Verdict};

/// How a node is, in truth.
#[derive(Clone, Debug)]
pub(super) struct Truth {
    pub(super) zone: &'static str,
    pub(super) generation: u32,
    pub(super) probe: Liveness,
    pub(super) cloud: Option<InstanceHealth>,
    /// When its next instance comes, while it is replaced.
    pub(super) back_at: Option<u64>,
    /// How its next instance will be.
    pub(super) next: Liveness,
}

#[derive(Debug)]
pub(super) struct World {
    pub(super) machine: Machine,
    pub(super) health: Health,
    pub(super) seconds: u64,
    pub(super) nodes: BTreeMap<u32, Truth>,
    /// The watcher's own network is down: every probe fails.
    pub(super) sick: bool,
    /// The cloud does not answer.
    pub(super) silent: bool,
    /// How long a replacement takes; `None` where nobody replaces.
    pub(super) replaces_in: Option<u64>,
    pub(super) said: Vec<(u64, Option<u32>, What)>,
    pub(super) verdicts: BTreeMap<u32, Vec<Verdict>>,
    worries: BTreeSet<Key>,
}

pub(super) fn failing() -> Liveness {
    Liveness::Failing("connection refused".to_owned())
}

pub(super) fn running() -> InstanceHealth {
    InstanceHealth {
        id: "i-1".into(),
        state: InstanceState::Running,
        state_reason: None,
        system: Check::Ok,
        instance: Check::Ok,
        notices: Vec::new(),
    }
}

pub(super) fn key(slot: u32) -> Key {
    Key { fleet: 0, slot }
}

pub(super) fn today() -> Timestamp {
    Timestamp::UNIX_EPOCH
}

impl World {
    /// So many nodes, in three zones in turn, that are live and watched.
    pub(super) fn live(nodes: u32) -> Self {
        Self::live_in(3, nodes)
    }

    /// So many nodes in so many zones, that are live and watched.
    pub(super) fn live_in(zones: usize, nodes: u32) -> Self {
        let mut world = Self::starting_in(zones, nodes, Health::default(), true);
        world.pass(60);
        assert_eq!(world.count(State::Live), nodes as usize);
        world.said.clear();
        world
    }

    /// So many nodes that are watched from now on.
    pub(super) fn starting(nodes: u32, health: Health, probed: bool) -> Self {
        Self::starting_in(3, nodes, health, probed)
    }

    fn starting_in(zones: usize, nodes: u32, health: Health, probed: bool) -> Self {
        let mut machine = Machine::new(true);
        machine.add_fleet("web", health.clone(), probed);
        let mut world = Self {
            machine,
            health,
            seconds: 0,
            nodes: BTreeMap::new(),
            sick: false,
            silent: false,
            replaces_in: None,
            said: Vec::new(),
            verdicts: BTreeMap::new(),
            worries: BTreeSet::new(),
        };
        for slot in 0..nodes {
            let zone = ["a", "b", "c"][slot as usize % zones];
            let truth = Truth {
                zone,
                generation: 1,
                probe: Liveness::Live,
                cloud: Some(running()),
                back_at: None,
                next: Liveness::Live,
            };
            world.nodes.insert(slot, truth);
            world.watch(slot);
        }
        world
    }

    pub(super) fn watch(&mut self, slot: u32) {
        self.watch_as(slot, false);
    }

    /// Watches one that was launched so many seconds ago.
    pub(super) fn adopt(&mut self, slot: u32, age: u64) {
        let truth = &self.nodes[&slot];
        let (zone, generation) = (self.machine.zone(truth.zone), Generation(truth.generation));
        let age = Duration::from_secs(age);
        self.step(Event::Watch { key: key(slot), zone, generation, was_live: false, age });
    }

    pub(super) fn watch_as(&mut self, slot: u32, was_live: bool) {
        let truth = &self.nodes[&slot];
        let (zone, generation) = (self.machine.zone(truth.zone), Generation(truth.generation));
        self.verdicts.remove(&slot);
        self.step(Event::Watch { key: key(slot), zone, generation, was_live, age: Duration::ZERO });
    }

    pub(super) fn now(&self) -> At {
        At::after(Duration::from_secs(self.seconds))
    }

    pub(super) fn step(&mut self, event: Event<'_>) {
        let mut out = Vec::new();
        self.machine.step(event, self.now(), &mut out);
        for outcome in out {
            match outcome {
                Outcome::Verdict(key) => {
                    let verdict = self.machine.verdict(key).expect("a verdict that changed");
                    self.verdicts.entry(key.slot).or_default().push(verdict);
                }
                Outcome::Ask(key) => {
                    self.worries.insert(key);
                }
                Outcome::Tell(key, what) => {
                    if let (What::Replace(_) | What::Leaving { .. }, Some(key)) = (&what, key) {
                        self.replace(key.slot);
                    }
                    self.said.push((self.seconds, key.map(|key| key.slot), what));
                }
            }
        }
    }

    fn replace(&mut self, slot: u32) {
        let back = self.replaces_in.map(|takes| self.seconds + takes);
        if let Some(truth) = self.nodes.get_mut(&slot) {
            truth.back_at = truth.back_at.or(back);
        }
    }

    /// Lets seconds pass: everybody is probed every ten, the cloud is asked every thirty and when somebody worries.
    pub(super) fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.seconds += 1;
            self.step(Event::Tick);
            for slot in self.nodes.keys().copied().collect::<Vec<_>>() {
                if self.nodes[&slot].back_at == Some(self.seconds) {
                    self.comes_back(slot);
                }
                if (self.seconds + u64::from(slot)).is_multiple_of(10) {
                    self.probe(slot);
                }
            }
            self.ask_the_cloud();
        }
        self.machine.assert_consistent();
    }

    fn comes_back(&mut self, slot: u32) {
        let truth = self.nodes.get_mut(&slot).expect("one of ours");
        let probe = std::mem::replace(&mut truth.next, Liveness::Live);
        (truth.generation, truth.back_at) = (truth.generation + 1, None);
        (truth.probe, truth.cloud) = (probe, Some(running()));
        self.watch(slot);
    }

    pub(super) fn probe(&mut self, slot: u32) {
        let Some(watch) = self.machine.watch_of(key(slot)) else { return };
        if self.machine.fleets[0].probed && self.machine.listens(key(slot), watch) {
            let liveness = if self.sick { failing() } else { self.nodes[&slot].probe.clone() };
            self.step(Event::Answer { key: key(slot), watch, liveness });
        }
    }

    fn ask_the_cloud(&mut self) {
        let everybody = self.seconds.is_multiple_of(30);
        let asked: Vec<Key> = if everybody {
            self.nodes.keys().map(|slot| key(*slot)).collect()
        } else {
            self.worries.iter().copied().collect()
        };
        if asked.is_empty() {
            return;
        }
        if self.silent {
            return self.step(Event::CloudSilent { why: "unreachable" });
        }
        self.worries.clear();
        self.step(Event::CloudAnswers);
        for key in asked {
            if let Some(watch) = self.machine.watch_of(key) {
                let health = self.nodes[&key.slot].cloud.clone();
                self.step(Event::Cloud { key, watch, health: health.as_ref() });
            }
        }
    }

    /// Lets seconds pass until something was said of the node, at most so many.
    pub(super) fn until(&mut self, slot: u32, most: u64, said: impl Fn(&What) -> bool) -> u64 {
        let (from, begun) = (self.said.len(), self.seconds);
        while self.seconds < begun + most {
            self.pass(1);
            if self.said[from..].iter().any(|(_, node, what)| *node == Some(slot) && said(what)) {
                return self.seconds - begun;
            }
        }
        panic!("not said of {slot} within {most} s: {:?}", &self.said[from..]);
    }

    pub(super) fn hold(&mut self, slot: u32, seconds: u64) {
        let ends = self.now().plus(Duration::from_secs(seconds));
        let hold = Hold { owner: "ann".to_owned(), reason: "debugging".to_owned(), until: today() };
        self.step(Event::Hold { key: key(slot), hold, ends });
    }

    pub(super) fn kill(&mut self, slot: u32) {
        self.truth(slot).probe = failing();
    }

    pub(super) fn terminated(&mut self, slot: u32) {
        let gone = InstanceHealth { state: InstanceState::Terminated, ..running() };
        self.truth(slot).cloud = Some(gone);
    }

    pub(super) fn notice(&mut self, slot: u32, ends: bool) {
        let notice = Notice { what: "spot-interruption".to_owned(), ends, at: today() };
        self.truth(slot).cloud = Some(InstanceHealth { notices: vec![notice], ..running() });
    }

    pub(super) fn impair(&mut self, slot: u32) {
        self.truth(slot).cloud = Some(InstanceHealth { instance: Check::Impaired(None), ..running() });
    }

    pub(super) fn truth(&mut self, slot: u32) -> &mut Truth {
        self.nodes.get_mut(&slot).expect("one of ours")
    }

    pub(super) fn state(&self, slot: u32) -> State {
        self.machine.targets[&key(slot)].state
    }

    pub(super) fn count(&self, state: State) -> usize {
        self.machine.targets.values().filter(|target| target.state == state).count()
    }

    pub(super) fn replaced(&self) -> Vec<u32> {
        let replaced = self.said.iter().filter(|(.., what)| matches!(what, What::Replace(_)));
        replaced.filter_map(|(_, slot, _)| *slot).collect()
    }

    pub(super) fn in_flight(&self) -> u32 {
        self.machine.fleets[0].in_flight
    }

    pub(super) fn verdict(&self, slot: u32) -> Option<Verdict> {
        self.machine.verdict(key(slot))
    }
}

pub(super) fn dead(what: &What) -> bool {
    matches!(what, What::Dead { .. })
}

pub(super) fn replace(what: &What) -> bool {
    matches!(what, What::Replace(_))
}

pub(super) fn suspect(what: &What) -> bool {
    matches!(what, What::Suspect(_))
}

pub(super) fn live(what: &What) -> bool {
    matches!(what, What::Live)
}

impl Machine {
    /// Whether what is counted on the way is what a count from the start comes to.
    pub(super) fn assert_consistent(&self) {
        for (number, fleet) in (0..).zip(&self.fleets) {
            let ours = || {
                self.targets.iter().filter(move |(key, _)| key.fleet == number).map(|(_, target)| &**target)
            };
            let count =
                |wanted: &dyn Fn(&super::super::Target) -> bool| ours().filter(|one| wanted(one)).count();
            assert_eq!(fleet.nodes as usize, count(&|one| one.counted.present));
            assert_eq!(fleet.unhealthy as usize, count(&|one| one.counted.unhealthy));
            assert_eq!(fleet.held as usize, count(&|one| one.counted.held));
            assert!(fleet.held <= fleet.unhealthy);
            assert_eq!(fleet.in_flight as usize, count(&|one| one.charge != Charge::None));
            assert_eq!(fleet.waiting() as usize, count(&|one| one.place().is_some()));
            for zone in &fleet.zones {
                let charged = Charge::Zone(zone.zone);
                assert_eq!(zone.in_flight as usize, count(&|one| one.charge == charged));
                assert_eq!(zone.nodes as usize, count(&|one| one.counted.present && one.zone == zone.zone));
            }
        }
        for (at, key) in &self.deadlines {
            assert_eq!(self.targets[key].deadline, *at);
        }
        let scheduled = self.targets.values().filter(|target| target.deadline != At::NEVER).count();
        assert_eq!(scheduled, self.deadlines.len());
    }
}
