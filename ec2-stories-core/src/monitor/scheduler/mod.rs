//! What runs the machine: probes in their turn, the cloud in batches, and who waits for a verdict.

mod agenda;
mod canaries;
mod cloud;
mod engine;
mod probe;
mod record;
mod run;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, broadcast};
use tokio::task::JoinHandle;
use tokio::time::Instant;

pub(super) use self::cloud::health as ask_cloud;
pub(super) use self::engine::Engine;
pub(super) use self::probe::ask as ask_probe;
use super::machine::{At, Event, Key, Outcome};
use super::{Canary, HealthEvent};
use crate::Clock;
use crate::provider::{InstanceDeployer, Probe};

/// A reader of events that is further behind misses the oldest.
const EVENTS_KEPT: usize = 4096;

/// A fleet's probe, and its times.
#[derive(Clone, Debug)]
pub(super) struct Rhythm {
    pub(super) probe: Option<Arc<dyn Probe>>,
    pub(super) period: Duration,
    pub(super) timeout: Duration,
}

/// What the tasks of a monitor share.
#[derive(Debug)]
pub(super) struct Shared {
    engine: Mutex<Engine>,
    origin: OnceLock<Instant>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) cloud: Option<Arc<dyn InstanceDeployer>>,
    cloud_period: Duration,
    canaries: Vec<Canary>,
    max_probes: usize,
    events: broadcast::Sender<HealthEvent>,
    /// The next turn comes earlier than planned.
    hurry: Notify,
    /// The cloud is to be asked before its time.
    ask: Notify,
    /// Somebody's verdict has changed.
    pub(super) news: Notify,
}

/// How a monitor's tasks are set up.
#[derive(Debug)]
pub(super) struct Setup {
    pub(super) engine: Engine,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) cloud: Option<Arc<dyn InstanceDeployer>>,
    pub(super) cloud_period: Duration,
    pub(super) canaries: Vec<Canary>,
    pub(super) max_probes: usize,
}

impl Shared {
    pub(super) fn new(setup: Setup) -> Self {
        Self {
            engine: Mutex::new(setup.engine),
            origin: OnceLock::new(),
            clock: setup.clock,
            cloud: setup.cloud,
            cloud_period: setup.cloud_period,
            canaries: setup.canaries,
            max_probes: setup.max_probes,
            events: broadcast::Sender::new(EVENTS_KEPT),
            hurry: Notify::new(),
            ask: Notify::new(),
            news: Notify::new(),
        }
    }

    /// The time of the machine; it begins with the first question.
    pub(super) fn now(&self) -> At {
        At::after(self.origin.get_or_init(Instant::now).elapsed())
    }

    fn moment(&self, at: At) -> Instant {
        *self.origin.get_or_init(Instant::now) + at.since(At::START)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Engine> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn subscribe(&self) -> broadcast::Receiver<HealthEvent> {
        self.events.subscribe()
    }

    /// Tells the machine, and does what it says.
    pub(super) fn step(&self, event: Event<'_>) {
        let now = self.now();
        self.step_in(&mut self.lock(), event, now);
    }

    pub(super) fn step_in(&self, engine: &mut Engine, event: Event<'_>, now: At) {
        let mut outcomes = std::mem::take(&mut engine.outcomes);
        engine.machine.step(event, now, &mut outcomes);
        for outcome in outcomes.drain(..) {
            self.heed(engine, outcome);
        }
        engine.outcomes = outcomes;
        if engine.machine.deadline().is_some_and(|deadline| deadline < engine.planned) {
            self.hurry.notify_one();
        }
    }

    fn heed(&self, engine: &mut Engine, outcome: Outcome) {
        match outcome {
            Outcome::Verdict(key) => {
                if engine.is_news(key) {
                    self.news.notify_one();
                }
            }
            Outcome::Ask(key) => {
                if engine.asked.insert(key) {
                    self.ask.notify_one();
                }
            }
            Outcome::Tell(key, what) => {
                let node = key.and_then(|key| Some((engine.address(key), engine.machine.generation(key)?)));
                let event = HealthEvent { at: self.clock.now(), node, what };
                tracing::debug!(target: "ec2_stories::health", "{event}");
                // Nobody has to listen.
                let _ = self.events.send(event);
            }
        }
    }

    /// Puts a node's next probe on the agenda.
    fn plan(&self, engine: &mut Engine, key: Key, watch: u32, due: At) {
        engine.agenda.add(due, key, watch);
        if due < engine.planned {
            self.hurry.notify_one();
        }
    }

    /// A node that is watched anew gets its turn.
    pub(super) fn enlist(&self, engine: &mut Engine, key: Key, now: At) {
        let Some(watch) = engine.machine.watch_of(key) else { return };
        let rhythm = engine.rhythm(key);
        if rhythm.probe.is_some() {
            let due = now.plus(agenda::phase(&engine.address(key), rhythm.period));
            self.plan(engine, key, watch, due);
        }
    }
}

/// The tasks of a monitor; they end when it is dropped.
#[derive(Debug)]
pub(super) struct Tasks(Vec<JoinHandle<()>>);

impl Tasks {
    pub(super) fn start(shared: &Arc<Shared>) -> Self {
        let mut tasks = vec![tokio::spawn(run::run(shared.clone()))];
        if let Some(cloud) = shared.cloud.clone() {
            tasks.push(tokio::spawn(cloud::run(shared.clone(), cloud)));
        }
        if !shared.canaries.is_empty() {
            tasks.push(tokio::spawn(canaries::run(shared.clone())));
        }
        Self(tasks)
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}
