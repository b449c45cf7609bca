//! The pure machine: what probes and the cloud say in, verdicts out, and nothing else.
//!
//! [`Machine::step`] takes an [`Event`] and the time since the monitor began, changes the state, and says in [`Outcome`]s what
//! has changed. There is no I/O, no clock and no spawn in here.
//!
//! Expected flow of a node: `Starting → Live ⇄ Suspect → Dead → Replacing`, and then the next generation.
//!
//! Guarantees, whatever the order, repetition or loss of events:
//! - Nothing is `Replace` or `Leaving` while the machine is blind, while the node is held, or beyond a fleet's budgets.
//! - Within one watch a node that was `Replace` stays so, and one that was `Leaving` can only become `Replace`.
//! - `Unknown` and time that passed unseen count neither for nor against a node.
//! - Once faults end, every node is live, or replaced as far as nobody forbids it.

mod admit;
mod answer;
mod at;
mod blind;
mod budget;
mod command;
mod count;
mod event;
mod judge;
mod show;
mod target;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

pub use at::At;
pub use event::{Event, Key, Outcome};

use self::blind::Sight;
use self::budget::Fleet;
use self::target::Target;
use crate::model::{Generation, Health};

/// Fewer answers than this after a watch began, or sight returned, are no verdict.
const ANSWERS_BEFORE_A_VERDICT: u8 = 3;

/// Decides about nodes; see the [module](self).
#[derive(Debug, Default)]
pub struct Machine {
    fleets: Vec<Fleet>,
    /// Boxed, since a table is up to half empty, and doubled while its old half is still there.
    targets: HashMap<Key, Box<Target>>,
    sight: Sight,
    /// Whether there is a cloud that can be asked.
    cloud: bool,
    cloud_silent: Option<String>,
    watches: u32,
    deadlines: BTreeSet<(At, Key)>,
    /// Fleets whose counts have changed in this step.
    touched: Vec<u32>,
    /// Nodes that came into a queue in this step.
    queued: Vec<Key>,
}

impl Machine {
    /// Watches nothing. Without a cloud to ask, probes alone decide.
    #[must_use]
    pub fn new(cloud: bool) -> Self {
        Self { cloud, ..Self::default() }
    }

    /// Adds a fleet, whose nodes have a probe or have the cloud's word alone.
    pub fn add_fleet(&mut self, name: &str, health: Health, probed: bool) -> u32 {
        self.fleets.push(Fleet::new(name, health, probed));
        index(self.fleets.len() - 1)
    }

    /// The number of a zone.
    pub fn zone(&mut self, name: &str) -> u32 {
        self.sight.zone(name)
    }

    /// Takes an event. Events that do not fit the state (late, repeated, of a former watch) change nothing.
    pub fn step(&mut self, event: Event<'_>, now: At, out: &mut Vec<Outcome>) {
        self.sight.notice_lag(now);
        self.take(event, now, out);
        self.look(now, out);
        self.admit(now, out);
    }

    fn take(&mut self, event: Event<'_>, now: At, out: &mut Vec<Outcome>) {
        match event {
            Event::Answer { key, watch, liveness } => self.answer(key, watch, liveness, now, out),
            Event::Cloud { key, watch, health } => self.cloud(key, watch, health, now, out),
            Event::CloudSilent { why } => self.cloud_silent(why, out),
            Event::CloudAnswers => self.cloud_answers(out),
            Event::Watch { key, zone, generation, was_live, age } => {
                let target = Target { was_live, ..Target::new(generation, 0, zone, now) };
                self.watch(key, Target { age: whole_seconds(age), ..target }, now, out);
            }
            Event::Replacing { key, generation } => self.replacing(key, generation, now),
            Event::Lost { nodes } => {
                for (key, generation, why) in nodes {
                    self.lost(*key, *generation, why, now, out);
                }
            }
            Event::Leaves { key, generation, why, by } => self.leaves(key, generation, why, by, now, out),
            Event::Forget { key } => self.forget(key),
            Event::Condemn { key, why, by } => self.condemn(key, why, by, now, out),
            Event::Quarantine { key, why } => self.quarantine(key, why, now, out),
            Event::Hold { key, hold, ends } => self.hold(key, hold, ends, now, out),
            Event::Release { key } => self.release(key, now, out),
            Event::Canaries { failing, of } => self.sight.canaries(failing, of),
            Event::Tick => self.tick(now, out),
        }
    }

    /// When the machine wants a [`Event::Tick`], if nothing else comes before.
    #[must_use]
    pub fn deadline(&self) -> Option<At> {
        let first = self.deadlines.first().map(|(at, _)| *at);
        [first, self.sight.lag_until()].into_iter().flatten().min()
    }

    /// The caller will come back at this time at the latest; when it comes much later, it was kept from running.
    pub fn expect(&mut self, at: At) {
        self.sight.expect(at);
    }

    /// The number of the node's present watch, which answers must bear.
    #[must_use]
    pub fn watch_of(&self, key: Key) -> Option<u32> {
        self.targets.get(&key).map(|target| target.watch)
    }

    /// The generation that is watched, or being replaced.
    #[must_use]
    pub fn generation(&self, key: Key) -> Option<Generation> {
        self.targets.get(&key).map(|target| target.generation)
    }

    /// Whether answers about the node can still change anything.
    #[must_use]
    pub fn listens(&self, key: Key, watch: u32) -> bool {
        self.targets.get(&key).is_some_and(|target| target.watch == watch && target.listens())
    }

    /// Whether nodes may be replaced at all, or why not.
    #[must_use]
    pub fn blind(&self) -> Option<&str> {
        self.sight.blind.as_deref()
    }

    /// Why the cloud does not answer.
    #[must_use]
    pub fn silent_cloud(&self) -> Option<&str> {
        self.cloud_silent.as_deref()
    }

    fn tick(&mut self, now: At, out: &mut Vec<Outcome>) {
        while let Some((at, key)) = self.deadlines.first().copied().filter(|(at, _)| *at <= now) {
            self.deadlines.remove(&(at, key));
            if let Some(target) = self.targets.get_mut(&key) {
                target.deadline = At::NEVER;
            }
            self.end_hold(key, now, out);
            self.judge(key, now, out);
        }
    }
}

/// A number of a fleet or zone.
fn index(position: usize) -> u32 {
    u32::try_from(position).expect("fewer fleets and zones than four billion")
}

fn whole_seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
}

/// Twice, without an overflow.
fn twice(duration: Duration) -> Duration {
    duration.saturating_mul(2)
}
