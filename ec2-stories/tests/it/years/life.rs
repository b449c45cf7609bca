//! One deployment from its start to its end, with everything between.

use std::fmt;
use std::future::ready;
use std::ops::AddAssign;
use std::time::Duration;

use ec2_stories::deployment::machine::Phase;
use ec2_stories::monitor::{Canary, HealthMonitor};
use ec2_stories::prelude::*;
use ec2_stories::provider::Liveness;
use tokio::time::{Instant, sleep};

use super::cloud::Tapped;
use super::nature::Nature;
use super::pace::Pace;
use super::probe::Ear;
use super::truth::{Truth, Watcher};
use super::{DAY, YEAR};

const MINUTE: Duration = Duration::from_secs(60);

/// Between two events, on average.
const STRIKES: Duration = Duration::from_secs(6 * 3600);

/// Between two deaths of the controller, on average.
const DEATHS: Duration = Duration::from_secs(24 * 3600);

/// What became of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Life {
    pub(super) lasted: Duration,
    pub(super) node_years: f64,
    pub(super) strikes: u64,
    pub(super) controllers: u64,
    pub(super) launched: u64,
    pub(super) replaced: u64,
    pub(super) wrong: Vec<String>,
}

impl AddAssign for Life {
    fn add_assign(&mut self, other: Self) {
        self.lasted += other.lasted;
        self.node_years += other.node_years;
        self.strikes += other.strikes;
        self.controllers += other.controllers;
        self.launched += other.launched;
        self.replaced += other.replaced;
        self.wrong.extend(other.wrong);
    }
}

impl fmt::Display for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lasted, node_years, strikes, controllers, launched, replaced, .. } = self;
        let days = lasted.as_secs_f64() / DAY.as_secs_f64();
        write!(f, "{days:.0} days, {node_years:.2} node-years, {strikes} strikes, ")?;
        write!(f, "{controllers} controllers, {launched} launches, {replaced} replacements")
    }
}

struct World {
    pace: Pace,
    sim: Sim,
    truth: Truth,
    journal: MemoryStore,
}

impl World {
    fn new(pace: Pace, seed: u64) -> Self {
        let sim = Sim::builder().seed(seed).build();
        let truth = Truth::new(&sim, pace.health(), pace.aftermath());
        Self { pace, sim, truth, journal: MemoryStore::new() }
    }

    /// As each controller describes it.
    fn shop(&self) -> Deployment {
        let ec2 = Ec2::from_config(&self.sim.sdk_config());
        let cloud = Arc::new(Tapped { ec2, truth: self.truth.clone() });
        let pace = self.pace;
        let ear = || Arc::new(Ear(self.truth.clone()));
        let name = |name| Name::new(name).unwrap();
        let monitor = HealthMonitor::builder()
            .cloud(cloud.clone())
            .clock(self.sim.clock())
            .cloud_period(pace.cloud_period());
        let monitor = monitor.fleet(name("db"), pace.health(), Some(ear())).fleet(
            name("web"),
            pace.health(),
            Some(ear()),
        );
        let fleet = |name: &str, nodes, zones: [&str; 3], market| {
            let fleet = Fleet::builder().name(name).nodes(nodes).image(Image::public("debian-12"));
            fleet.zones(zones).market(market).health(pace.health()).probe(Ear(self.truth.clone()))
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
            .lease(pace.lease())
            .cloud(cloud)
            .monitor(monitor.build())
            .journal(self.journal.clone())
            .clock(self.sim.clock())
            .fleet(fleet("db", pace.db, [a, b, c], spot).build().unwrap())
            .fleet(fleet("web", pace.web, [b, c, a], Market::OnDemand).after("db").build().unwrap())
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

/// Lives through `length` of strikes, and sees that all is well afterwards and nothing left.
pub(super) async fn live(pace: Pace, seed: u64, length: Duration) -> Life {
    let world = World::new(pace, seed);
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
        life.wrong.push(format!("not whole after {:?} without a strike: {why}", pace.recovery()));
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
    life.node_years = life.lasted.as_secs_f64() / YEAR.as_secs_f64() * pace.nodes() as f64;
    life
}

/// Waits until every node has its instance, which does its work.
async fn recover(world: &World, running: &Running) -> Result<(), String> {
    let calm = Instant::now();
    loop {
        let whole = world.truth.is_whole(world.pace.nodes()).and_then(|()| {
            let unwell = running.nodes().into_iter().find(|node| node.phase != Phase::Live);
            unwell.map_or(Ok(()), |node| {
                Err(format!("the controller says that {} is {}", node.address, node.phase))
            })
        });
        match whole {
            Ok(()) => return Ok(()),
            Err(why) if calm.elapsed() > world.pace.recovery() => return Err(why),
            Err(_) => sleep(MINUTE).await,
        }
    }
}
