//! One plan, carried out on a cloud of its own.

use std::fmt;
use std::ops::Add;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use super::cloud::Cloud;
use super::nodes::Names;
use super::order::{End, Order, boundaries};
use super::plan::{Life, Plan};
use super::truth::Truth;

/// Often enough that no instance comes and is forgotten unseen.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) kills: u64,
    pub(super) launched: usize,
    pub(super) doubles: usize,
    pub(super) leaks: usize,
    /// Controllers that failed rather than died.
    pub(super) failures: usize,
}

impl Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            kills: self.kills + other.kills,
            launched: self.launched + other.launched,
            doubles: self.doubles + other.doubles,
            leaks: self.leaks + other.leaks,
            failures: self.failures + other.failures,
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kills, launched, doubles, leaks, failures } = self;
        write!(
            f,
            "{kills} kills, {launched} instances launched, {doubles} double launches, {leaks} leaks, "
        )?;
        write!(f, "{failures} controllers that could not go on")
    }
}

impl Tally {
    pub(super) fn is_good(self) -> bool {
        (self.doubles, self.leaks, self.failures) == (0, 0, 0)
    }
}

/// Carries out a plan; what is wrong is printed with the plan's word.
pub(super) async fn run(plan: &Plan, seed: u64) -> Tally {
    let folder = tempfile::tempdir().unwrap();
    let cloud = Cloud::start(folder.path(), seed).await;
    let truth = Arc::new(Mutex::new(Truth::of(&cloud.url).await));
    let looks = {
        let truth = truth.clone();
        tokio::spawn(async move {
            loop {
                truth.lock().await.look().await;
                tokio::time::sleep(LOOK_EVERY).await;
            }
        })
    };
    let mut tally = Tally::default();
    let mut wrong = Vec::new();
    for (number, life) in plan.lives.iter().enumerate() {
        let log = folder.path().join(format!("life-{}", number + 1));
        match order(plan, *life, &cloud.url, folder.path()).run(&log).await {
            Ok(End::Killed) => tally.kills += 1,
            // It was done before it came so far.
            Ok(End::Done) => {}
            Err(why) => {
                tally.failures += 1;
                wrong.push(format!("controller {} failed: {why}", number + 1));
                break;
            }
        }
    }
    looks.abort();
    let mut truth = truth.lock().await;
    truth.look().await;
    let doubles = truth.doubles(plan.scenario.overlap());
    tally.doubles = doubles.len();
    wrong.extend(doubles.iter().map(|double| format!("double launch: {double}")));
    if tally.failures == 0 {
        let mut leaks = truth.leaks().await;
        leaks.extend(Names::standing(folder.path()).into_iter().map(|(name, _)| format!("name {name}")));
        tally.leaks = leaks.len();
        wrong.extend(leaks.iter().map(|leak| format!("leak: {leak}")));
    }
    tally.launched = truth.launched();
    if !wrong.is_empty() {
        println!("{plan} (cloud seed {seed}):\n  {}", wrong.join("\n  "));
    }
    tally
}

/// How many boundaries an undisturbed life has.
pub(super) async fn measure(plan: &Plan, seed: u64) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let cloud = Cloud::start(folder.path(), seed).await;
    let log = folder.path().join("life");
    let end = order(plan, Life::UNDISTURBED, &cloud.url, folder.path()).run(&log).await;
    assert_eq!(end, Ok(End::Done), "{plan}");
    boundaries(&log)
}

fn order(plan: &Plan, life: Life, url: &str, folder: &Path) -> Order {
    Order {
        url: url.to_owned(),
        folder: folder.to_owned(),
        scenario: plan.scenario.to_string(),
        life: life.to_string(),
    }
}
