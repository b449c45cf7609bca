//! What a monitor is made of.

use std::sync::Arc;
use std::time::Duration;

use super::scheduler::{Engine, Rhythm, Setup};
use super::{Canary, HealthMonitor};
use crate::model::{Health, Name};
use crate::provider::{InstanceDeployer, Probe};
use crate::{Clock, Fleet, SystemClock};

/// Probes under way at a time, unless said otherwise: with a connection each they fit into the 1,024 open files that a process
/// may have by default.
const MAX_PROBES: usize = 512;

/// How often the cloud is asked about everybody, unless said otherwise. EC2's own status checks run once a minute.
const CLOUD_PERIOD: Duration = Duration::from_secs(30);

/// A fleet that is probed without a pause would leave no time for anything else.
const SHORTEST_PERIOD: Duration = Duration::from_millis(10);

/// Makes a [`HealthMonitor`].
#[derive(Debug)]
#[must_use]
pub struct HealthMonitorBuilder {
    cloud: Option<Arc<dyn InstanceDeployer>>,
    clock: Arc<dyn Clock>,
    fleets: Vec<Watched>,
    canaries: Vec<Canary>,
    max_probes: usize,
    cloud_period: Duration,
}

/// A fleet that will be watched.
#[derive(Debug)]
struct Watched {
    name: Name,
    health: Health,
    probe: Option<Arc<dyn Probe>>,
}

impl HealthMonitorBuilder {
    pub(super) fn new() -> Self {
        Self {
            cloud: None,
            clock: Arc::new(SystemClock),
            fleets: Vec::new(),
            canaries: Vec::new(),
            max_probes: MAX_PROBES,
            cloud_period: CLOUD_PERIOD,
        }
    }

    /// The cloud, which is asked before anybody is declared dead, and tells what it ended itself. Without one, probes alone decide.
    pub fn cloud(mut self, cloud: Arc<dyn InstanceDeployer>) -> Self {
        self.cloud = Some(cloud);
        self
    }

    /// The clock by which holds end and events are dated; the machine's where not said.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// A fleet whose nodes will be watched. Without a probe the cloud's word alone counts. The same name again replaces what was
    /// said of it.
    pub fn fleet(mut self, name: Name, health: Health, probe: Option<Arc<dyn Probe>>) -> Self {
        self.fleets.retain(|known| known.name != name);
        self.fleets.push(Watched { name, health, probe });
        self
    }

    /// The same, as a fleet's description says it.
    pub fn of(self, fleet: &Fleet) -> Self {
        self.fleet(fleet.spec.name.clone(), fleet.spec.health.clone(), fleet.probe.clone())
    }

    /// Something else that must answer, or the monitor is blind.
    pub fn canary(mut self, canary: Canary) -> Self {
        self.canaries.push(canary);
        self
    }

    /// How many probes may be under way at a time; at least one.
    pub fn max_probes(mut self, probes: usize) -> Self {
        self.max_probes = probes.max(1);
        self
    }

    /// How often the cloud is asked about everybody; every 30 s where not said.
    pub fn cloud_period(mut self, period: Duration) -> Self {
        self.cloud_period = period.max(SHORTEST_PERIOD);
        self
    }

    /// The monitor. Its tasks start with the first node that it is to watch.
    #[must_use]
    pub fn build(self) -> HealthMonitor {
        let mut engine = Engine::new(self.cloud.is_some());
        for Watched { name, health, probe } in self.fleets {
            let period = health.period.max(SHORTEST_PERIOD);
            let rhythm = Rhythm { probe, period, timeout: health.timeout };
            engine.add_fleet(name, health, rhythm);
        }
        HealthMonitor::new(Setup {
            engine,
            clock: self.clock,
            cloud: self.cloud,
            cloud_period: self.cloud_period,
            canaries: self.canaries,
            max_probes: self.max_probes,
        })
    }
}
