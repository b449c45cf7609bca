//! One deployment from its start to its end, with everything between.

use std::fmt;
use std::ops::AddAssign;
use std::sync::Arc;
use std::time::Duration;

use ec2_stories_core::deployment::machine::Phase;
use tokio::time::{Instant, sleep};

use super::ground::Ground;
use super::nature::Nature;
use super::operator::Operator;
use super::pace::Pace;
use super::world::World;
use super::{DAY, YEAR};

/// What became of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Life {
    pub(crate) lasted: Duration,
    pub(crate) node_years: f64,
    pub(crate) strikes: u64,
    pub(crate) orders: u64,
    pub(crate) controllers: u64,
    pub(crate) launched: u64,
    pub(crate) replaced: u64,
    /// The most tuples of a journal.
    pub(crate) tuples: usize,
    pub(crate) wrong: Vec<String>,
}

impl AddAssign for Life {
    fn add_assign(&mut self, other: Self) {
        self.lasted += other.lasted;
        self.node_years += other.node_years;
        self.strikes += other.strikes;
        self.orders += other.orders;
        self.controllers += other.controllers;
        self.launched += other.launched;
        self.replaced += other.replaced;
        self.tuples = self.tuples.max(other.tuples);
        self.wrong.extend(other.wrong);
    }
}

impl fmt::Display for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lasted, node_years, strikes, orders, controllers, launched, replaced, tuples, wrong } =
            self;
        let days = lasted.as_secs_f64() / DAY.as_secs_f64();
        write!(f, "{days:.0} days, {node_years:.2} node-years, {strikes} strikes, {orders} orders, ")?;
        write!(f, "{controllers} controllers, {launched} launches, {replaced} replacements, ")?;
        write!(f, "at most {tuples} tuples, {} wrong", wrong.len())
    }
}

/// Lives through `length` of strikes and orders, and sees that all is well afterwards and nothing left.
pub(crate) async fn live(ground: Arc<dyn Ground>, pace: Pace, seed: u64, length: Duration) -> Life {
    let world = World::new(pace, ground);
    let mut nature = Nature::new(&world.ground, &world.truth, &world.journal, seed);
    let born = Instant::now();
    let mut operator = Operator::new(&world, !seed).await;
    if let Err(error) = operator.controller().running.ready().await {
        world.truth.accuse(&format!("never ready: {error}"));
    }
    let until = born + length;
    tokio::join!(nature.rage(pace.strikes, until), operator.work(pace.orders, until));
    if let Err(why) = recover(&world, &mut operator).await {
        world.truth.accuse(&format!("not whole after {:?} without a strike: {why}", pace.recovery()));
    }
    let tuples = world.journal.dump().len();
    if tuples > most_tuples(pace) {
        let names: Vec<String> = world.journal.dump().into_iter().map(|(name, _)| name).collect();
        world.truth.accuse(&format!("a journal of {tuples} tuples: {}", names.join(" ")));
    }
    let mut life = Life {
        strikes: nature.strikes,
        orders: operator.orders,
        controllers: operator.controllers,
        tuples,
        ..Life::default()
    };
    end(&world, &operator).await;
    life.wrong = world.truth.wrong();
    let tally = world.truth.tally();
    (life.launched, life.replaced) = (tally.launched, tally.replaced);
    life.lasted = born.elapsed();
    life.node_years = life.lasted.as_secs_f64() / YEAR.as_secs_f64() * f64::from(pace.nodes());
    life
}

/// A record of each node and of the launches of its last two generations, one of each fleet and a few of the deployment: however long
/// it has lived.
fn most_tuples(pace: Pace) -> usize {
    3 * pace.nodes() as usize + 20
}

/// Waits until every node has its instance, which does its work, and there is nothing else.
async fn recover(world: &World, operator: &mut Operator<'_>) -> Result<(), String> {
    let calm = Instant::now();
    operator.withdraw().await;
    let mut seen_to = Instant::now();
    loop {
        match world.truth.is_whole().and_then(|()| is_content(operator)) {
            Ok(()) => return Ok(()),
            Err(why) if calm.elapsed() > world.pace.recovery() => return Err(why),
            // A look at every instance costs more than what happens meanwhile.
            Err(_) => sleep(world.pace.health().period).await,
        }
        if seen_to.elapsed() > world.pace.aftermath() {
            operator.withdraw().await;
            seen_to = Instant::now();
        }
    }
}

/// Whether the controller sees the same.
fn is_content(operator: &Operator<'_>) -> Result<(), String> {
    let unwell = operator.controller().running.nodes().into_iter().find(|node| node.phase != Phase::Live);
    unwell.map_or(Ok(()), |node| Err(format!("the controller says that {} is {}", node.address, node.phase)))
}

async fn end(world: &World, operator: &Operator<'_>) {
    world.truth.end();
    match operator.controller().running.terminate().await {
        Ok(report) if report.is_clean() => {}
        Ok(report) => world.truth.accuse(&format!("not clean: {report}")),
        Err(error) => world.truth.accuse(&format!("no end: {error}")),
    }
    let (leaks, names) = (world.ground.leaks(), world.names.names());
    if !leaks.is_empty() || !names.is_empty() {
        world.truth.accuse(&format!("left: {} {}", leaks.join(", "), names.join(", ")));
    }
}
