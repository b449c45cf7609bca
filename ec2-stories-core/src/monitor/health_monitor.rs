//! The monitor.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use futures::{Stream, stream};
use jiff::Timestamp;
use tokio::sync::broadcast::error::RecvError;

use super::machine::{At, Event, Key};
use super::scheduler::{Setup, Shared, Tasks, ask_cloud, ask_probe};
use super::{Checked, FleetHealth, HealthEvent, HealthMonitorBuilder, NodeHealth, Snapshot};
use crate::model::{Generation, NodeAddress};
use crate::provider::{Hold, Monitor, Node, Verdict};
use crate::{Error, ErrorKind, Result};

/// Watches nodes by probes and by the cloud's word, and says which must be replaced, as far as budgets allow.
///
/// Clones share everything. Its tasks start with the first node that it watches, and end when the last clone is dropped.
///
/// # Guarantees
/// - Nobody is `Replace` for a fault of the watcher's: while it is blind (most nodes fail in two zones at once, or in the only one, its canaries do not answer,
///   it was kept from running) nothing is replaced, and what it saw meanwhile does not count.
/// - Nobody is dead by probes alone: the cloud was asked too, where there is one and it answers.
/// - A fleet's budgets are never exceeded, whatever is `Replace`, `Leaving` or condemned.
/// - [`changed`](Monitor::changed) tells the verdict as it is: a change that was overtaken before anybody read it is not told.
#[derive(Clone, Debug)]
pub struct HealthMonitor(Arc<Handle>);

#[derive(Debug)]
struct Handle {
    shared: Arc<Shared>,
    tasks: OnceLock<Tasks>,
}

impl HealthMonitor {
    /// Describes a monitor.
    pub fn builder() -> HealthMonitorBuilder {
        HealthMonitorBuilder::new()
    }

    pub(super) fn new(setup: Setup) -> Self {
        Self(Arc::new(Handle { shared: Arc::new(Shared::new(setup)), tasks: OnceLock::new() }))
    }

    /// What it sees and decides, from now on. A reader that falls thousands of events behind misses the oldest. It ends with the
    /// monitor.
    pub fn events(&self) -> impl Stream<Item = HealthEvent> + Send + 'static + use<> {
        stream::unfold(self.0.shared.subscribe(), async |mut events| {
            loop {
                match events.recv().await {
                    Ok(event) => return Some((event, events)),
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return None,
                }
            }
        })
    }

    /// What it knows.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let shared = &self.0.shared;
        let (now, today) = (shared.now(), shared.clock.now());
        let date = |at: At| today.checked_sub(now.since(at)).unwrap_or(Timestamp::MIN);
        let engine = shared.lock();
        let fleets = engine.fleets().map(|(number, name)| {
            let figures = engine.machine.figures(number);
            FleetHealth {
                name: name.to_string(),
                nodes: figures.nodes,
                unhealthy: figures.unhealthy,
                in_flight: figures.in_flight,
                waiting: figures.waiting,
                allowed: figures.allowed,
            }
        });
        let nodes = engine.machine.keys().filter_map(|key| {
            let known = engine.machine.known(key)?;
            Some(NodeHealth {
                node: engine.address(key),
                generation: engine.machine.generation(key)?,
                state: known.state,
                since: date(known.since),
                last_success: known.success.map(date),
                why: known.why,
                verdict: known.verdict,
                hold: known.hold,
            })
        });
        let (mut fleets, mut nodes): (Vec<_>, Vec<_>) = (fleets.collect(), nodes.collect());
        fleets.sort_by(|one, other| one.name.cmp(&other.name));
        nodes.sort_by(|one, other| one.node.cmp(&other.node));
        let owned = |why: Option<&str>| why.map(str::to_owned);
        let (blind, cloud_silent) = (owned(engine.machine.blind()), owned(engine.machine.silent_cloud()));
        Snapshot { blind, cloud_silent, fleets, nodes }
    }

    /// A deep ping: runs the node's probe and asks the cloud, now. It changes no verdict.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) for a node that is not watched.
    pub async fn check_now(&self, node: &NodeAddress) -> Result<Checked> {
        let shared = &self.0.shared;
        let (node, rhythm) = {
            let engine = shared.lock();
            let known = engine.key(node).and_then(|key| Some((engine.node(key)?, engine.rhythm(key))));
            known.ok_or_else(|| unwatched("check now", node))?
        };
        let probe = async {
            match &rhythm.probe {
                Some(probe) => Some(ask_probe(&**probe, &node, rhythm.timeout).await),
                None => None,
            }
        };
        let cloud = async {
            let ids = std::slice::from_ref(&node.instance.id);
            let answer = ask_cloud(&**shared.cloud.as_ref()?, ids).await;
            Some(answer.map(|answer| answer.into_iter().find(|one| one.id == node.instance.id)))
        };
        let (probe, cloud) = tokio::join!(probe, cloud);
        Ok(Checked { probe, cloud })
    }

    fn key(&self, node: &NodeAddress, operation: &str) -> Result<Key> {
        let known = self.0.shared.lock().key(node);
        known.ok_or_else(|| {
            let why = format!("fleet: the monitor was not told of fleet {}", node.fleet);
            Error::new(ErrorKind::Invalid, why).during(operation).on(node.to_string())
        })
    }

    fn begin(&self, node: &Node, generation: Generation, was_live: bool, age: Duration) -> Result<()> {
        let Handle { shared, tasks } = &*self.0;
        let key = self.key(&node.address, "watch")?;
        tasks.get_or_init(|| Tasks::start(shared));
        let now = shared.now();
        let mut engine = shared.lock();
        if engine.machine.generation(key).is_some_and(|known| known > generation) {
            return Ok(());
        }
        let zone = engine.machine.zone(node.instance.zone.as_str());
        engine.record(key, node);
        shared.step_in(&mut engine, Event::Watch { key, zone, generation, was_live, age }, now);
        shared.enlist(&mut engine, key, now);
        Ok(())
    }

    /// The node's number, where it is watched.
    fn watched(&self, node: &NodeAddress, operation: &str) -> Result<Key> {
        let engine = self.0.shared.lock();
        let key = engine.key(node).filter(|key| engine.machine.generation(*key).is_some());
        key.ok_or_else(|| unwatched(operation, node))
    }
}

fn unwatched(operation: &str, node: &NodeAddress) -> Error {
    Error::new(ErrorKind::NotFound, "the node is not watched").during(operation).on(node.to_string())
}

#[async_trait]
impl Monitor for HealthMonitor {
    async fn watch(&self, node: &Node, generation: Generation) -> Result<()> {
        self.begin(node, generation, false, Duration::ZERO)
    }

    async fn resume(&self, node: &Node, generation: Generation) -> Result<()> {
        self.begin(node, generation, true, Duration::ZERO)
    }

    async fn adopt(&self, node: &Node, generation: Generation, age: Duration) -> Result<()> {
        self.begin(node, generation, false, age)
    }

    async fn replacing(&self, node: &NodeAddress, generation: Generation) -> Result<()> {
        let key = self.key(node, "replacing")?;
        self.0.shared.step(Event::Replacing { key, generation });
        Ok(())
    }

    async fn leaves(&self, node: &NodeAddress, generation: Generation, why: &str) -> Result<()> {
        let key = self.key(node, "leaves")?;
        let by = self.0.shared.clock.now();
        self.0.shared.step(Event::Leaves { key, generation, why, by });
        Ok(())
    }

    async fn lost(&self, nodes: &[(NodeAddress, Generation, String)]) -> Result<()> {
        let known = |(node, generation, why): &(NodeAddress, Generation, String)| {
            Ok((self.key(node, "lost")?, *generation, why.clone()))
        };
        let mut nodes = nodes.iter().map(known).collect::<Result<Vec<_>>>()?;
        let shared = &self.0.shared;
        let now = shared.now();
        let mut engine = shared.lock();
        nodes.retain(|(key, generation, _)| {
            engine.machine.generation(*key).is_none_or(|known| known <= *generation)
        });
        nodes.iter().for_each(|(key, ..)| engine.lose(*key));
        shared.step_in(&mut engine, Event::Lost { nodes: &nodes }, now);
        Ok(())
    }

    async fn forget(&self, node: &NodeAddress) -> Result<()> {
        let shared = &self.0.shared;
        let now = shared.now();
        let mut engine = shared.lock();
        if let Some(key) = engine.key(node) {
            shared.step_in(&mut engine, Event::Forget { key }, now);
            engine.forget(key);
        }
        Ok(())
    }

    async fn changed(&self) -> Result<(NodeAddress, Generation, Verdict)> {
        let shared = &self.0.shared;
        loop {
            if let Some(change) = shared.lock().read() {
                return Ok(change);
            }
            shared.news.notified().await;
        }
    }

    async fn hold(&self, node: &NodeAddress, hold: Hold) -> Result<()> {
        let key = self.watched(node, "hold")?;
        let shared = &self.0.shared;
        let (now, today) = (shared.now(), shared.clock.now());
        let wrong = |field: &str, why: String| Err(Error::invalid(field, why).during("hold"));
        for (field, text) in [("owner", &hold.owner), ("reason", &hold.reason)] {
            if text.trim().is_empty() {
                return wrong(field, "must not be empty".to_owned());
            }
        }
        let left = Duration::try_from(hold.until.duration_since(today)).unwrap_or_default();
        if left.is_zero() {
            return wrong("until", format!("{} has passed", hold.until));
        }
        if left > Hold::LONGEST {
            return wrong("until", format!("{} is more than 24 hours from now", hold.until));
        }
        shared.step(Event::Hold { key, hold, ends: now.plus(left) });
        Ok(())
    }

    async fn release(&self, node: &NodeAddress) -> Result<()> {
        if let Ok(key) = self.watched(node, "release") {
            self.0.shared.step(Event::Release { key });
        }
        Ok(())
    }

    async fn condemn(&self, node: &NodeAddress, why: &str) -> Result<()> {
        let key = self.watched(node, "condemn")?;
        let by = self.0.shared.clock.now();
        self.0.shared.step(Event::Condemn { key, why, by });
        Ok(())
    }

    async fn quarantine(&self, node: &NodeAddress, why: &str) -> Result<()> {
        if let Ok(key) = self.watched(node, "quarantine") {
            self.0.shared.step(Event::Quarantine { key, why });
        }
        Ok(())
    }
}
