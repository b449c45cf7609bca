//! One deployment from its start to its end, with everything between.

use std::fmt;
use std::future::ready;
use std::ops::AddAssign;
use std::time::Duration;

use ec2_stories::deployment::machine::Phase;
use ec2_stories::model::Health;
use ec2_stories::monitor::{Canary, HealthMonitor};
use ec2_stories::prelude::*;
use ec2_stories::provider::Liveness;
use tokio::time::{Instant, sleep};

use super::cloud::Tapped;
use super::nature::Nature;
use super::probe::Ear;
use super::truth::{Truth, Watcher};

/// How often the cloud is asked how everybody is.
const CLOUD_PERIOD: Duration = Duration::from_secs(300);
const MINUTE: Duration = Duration::from_secs(60);

/// How long a dead controller's successor waits.
const LEASE: Duration = Duration::from_secs(300);

/// Between two events, on average.
const STRIKES: Duration = Duration::from_secs(6 * 3600);

/// Between two deaths of the controller, on average.
const DEATHS: Duration = Duration::from_secs(24 * 3600);

/// Within this the deployment is whole once nothing goes wrong any more: the longest rest of a slot, twice.
const RECOVERY: Duration = Duration::from_secs(4 * 3600);

const DB: u32 = 2;
const WEB: u32 = 6;
const NODES: usize = (DB + WEB) as usize;

/// What became of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Life {
    pub(super) lasted: Duration,
    pub(super) strikes: u64,
    pub(super) controllers: u64,
    pub(super) launched: u64,
    pub(super) replaced: u64,
    pub(super) wrong: Vec<String>,
}

impl AddAssign for Life {
    fn add_assign(&mut self, other: Self) {
        self.lasted += other.lasted;
        self.strikes += other.strikes;
        self.controllers += other.controllers;
        self.launched += other.launched;
        self.replaced += other.replaced;
        self.wrong.extend(other.wrong);
    }
}

impl fmt::Display for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lasted, strikes, controllers, launched, replaced, .. } = self;
        let days = lasted.as_secs_f64() / (24.0 * 3600.0);
        let node_years = days * NODES as f64 / 365.25;
        write!(f, "{days:.0} days of {NODES} nodes ({node_years:.1} node-years), {strikes} strikes, ")?;
        write!(f, "{controllers} controllers, {launched} launches, {replaced} replacements")
    }
}

struct World {
    sim: Sim,
    truth: Truth,
    journal: MemoryStore,
}

impl World {
    fn new(seed: u64) -> Self {
        let sim = Sim::builder().seed(seed).build();
        let truth = Truth::new(&sim, health());
        Self { sim, truth, journal: MemoryStore::new() }
    }

    /// As each controller describes it.
    fn shop(&self) -> Deployment {
        let ec2 = Ec2::from_config(&self.sim.sdk_config());
        let cloud = Arc::new(Tapped { ec2, truth: self.truth.clone() });
        let ear = || Arc::new(Ear(self.truth.clone()));
        let name = |name| Name::new(name).unwrap();
        let monitor =
            HealthMonitor::builder().cloud(cloud.clone()).clock(self.sim.clock()).cloud_period(CLOUD_PERIOD);
        let monitor =
            monitor.fleet(name("db"), health(), Some(ear())).fleet(name("web"), health(), Some(ear()));
        let fleet = |name: &str, nodes, zones: [&str; 3], market| {
            let fleet = Fleet::builder().name(name).nodes(nodes).image(Image::public("debian-12"));
            fleet.zones(zones).market(market).health(health()).probe(Ear(self.truth.clone()))
        };
        let [a, b, c] = ["us-east-1a", "us-east-1b", "us-east-1c"];
        let spot = Market::Spot { max_price: None };
        // What tells a prober that hears nobody from nodes that are silent, wherever they are.
        let watcher = self.truth.clone();
        let gateway = Canary::new("gateway", move || {
            let answer = match watcher.watcher() {
                Watcher::Well => Liveness::Live,
                _ => Liveness::Failing("no route to the gateway".to_owned()),
            };
            ready(answer)
        });
        let monitor = monitor.canary(gateway);
        Deployment::builder()
            .name("shop")
            .mode(Mode::Production)
            .limits(Limits { launches: u32::MAX, ..Limits::default() })
            .lease(LEASE)
            .cloud(cloud)
            .monitor(monitor.build())
            .journal(self.journal.clone())
            .clock(self.sim.clock())
            .fleet(fleet("db", DB, [a, b, c], spot).build().unwrap())
            .fleet(fleet("web", WEB, [b, c, a], Market::OnDemand).after("db").build().unwrap())
            .build()
            .unwrap()
    }

    /// A controller; one that cannot start is started again, as a supervisor does.
    async fn controller(&self) -> Running {
        loop {
            match self.shop().start().await {
                Ok(running) => return running,
                Err(error) => tracing::info!(%error, "cannot start"),
            }
            sleep(MINUTE / 2).await;
        }
    }
}

/// The defaults, at a tenth of their pace: the longer the periods, the longer the time that a test can see.
fn health() -> Health {
    Health {
        startup_timeout: 30 * MINUTE,
        period: 2 * MINUTE,
        timeout: MINUTE / 2,
        dead_after: 10 * MINUTE,
        ..Health::default()
    }
}

/// Lives through `length` of strikes, and sees that all is well afterwards and nothing left.
pub(super) async fn live(seed: u64, length: Duration) -> Life {
    let world = World::new(seed);
    let mut nature = Nature::new(&world.sim, &world.truth, seed);
    let mut fate = Nature::new(&world.sim, &world.truth, !seed);
    let born = Instant::now();
    let mut life = Life::default();
    let first = world.controller().await;
    first.ready().await.unwrap();
    let strikes = async {
        let mut strikes = 0;
        loop {
            let pause = nature.pause(STRIKES);
            if born.elapsed() + pause > length {
                return strikes;
            }
            sleep(pause).await;
            nature.strike().await;
            strikes += 1;
        }
    };
    let controllers = async {
        let (mut running, mut controllers) = (first, 1);
        loop {
            let pause = fate.pause(DEATHS);
            if born.elapsed() + pause > length {
                return (running, controllers);
            }
            sleep(pause).await;
            running.kill().await;
            let away = fate.between(Duration::ZERO, 20 * MINUTE);
            sleep(away).await;
            running = world.controller().await;
            controllers += 1;
        }
    };
    let (strikes, (running, controllers)) = tokio::join!(strikes, controllers);
    (life.strikes, life.controllers) = (strikes, controllers);
    if let Err(why) = recover(&world, &running).await {
        life.wrong.push(format!("not whole after {RECOVERY:?} without a strike: {why}"));
    }
    world.truth.end();
    let report = running.terminate().await.unwrap();
    if !report.is_clean() || !world.sim.leaks().is_empty() {
        life.wrong.push(format!("left: {}\n{report}", world.sim.leaks()));
    }
    life.wrong.extend(world.truth.wrong());
    let tally = world.truth.tally();
    (life.launched, life.replaced) = (tally.launched, tally.replaced);
    life.lasted = born.elapsed();
    life
}

/// Waits until every node has its instance, which does its work.
async fn recover(world: &World, running: &Running) -> Result<(), String> {
    let calm = Instant::now();
    loop {
        let whole = world.truth.is_whole(NODES).and_then(|()| {
            let unwell = running.nodes().into_iter().find(|node| node.phase != Phase::Live);
            unwell.map_or(Ok(()), |node| {
                Err(format!("the controller says that {} is {}", node.address, node.phase))
            })
        });
        match whole {
            Ok(()) => return Ok(()),
            Err(why) if calm.elapsed() > RECOVERY => return Err(why),
            Err(_) => sleep(MINUTE).await,
        }
    }
}
