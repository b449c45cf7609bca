//! What was learned of how long instances take to boot.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use ec2_stories_core::model::{ImageId, Instance, InstanceType};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

/// Before this age few instances of a kind never seen are expected to run, where many are awaited: four fifths of the half
/// minute that EC2 takes for most types.
pub const EC2_BOOT: Duration = Duration::from_secs(24);

/// With fewer instances than this a kind never seen is asked about each second from the start: its calls are few, and
/// its user sits in front of it.
const FEW: usize = 10;

/// How many launches of a kind are remembered.
const REMEMBERED: usize = 16;

/// By how much of its time a boot may be faster than the fastest before it, while few are known. The more are known, the
/// less room there is below the fastest.
const SPREAD: f64 = 0.4;

/// So many boots are few.
const FEW_KNOWN: f64 = 4.0;

/// Boots were looked at each second when they were due.
const PRECISE: Duration = Duration::from_secs(1);

/// What boots alike.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Kind {
    instance_type: InstanceType,
    image: ImageId,
}

impl Kind {
    pub(super) fn of(instance: &Instance) -> Self {
        Self { instance_type: instance.instance_type.clone(), image: instance.image.clone() }
    }
}

/// One boot: it ended after `not_before` and no later than `by`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Boot {
    pub(super) not_before: Duration,
    pub(super) by: Duration,
}

impl Boot {
    fn is_precise(self) -> bool {
        self.by.saturating_sub(self.not_before) <= PRECISE
    }

    fn contains(self, age: Duration) -> bool {
        (self.not_before..self.by).contains(&age)
    }
}

/// When an instance is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) age: Duration,
    /// Nobody knows better: worth a look halfway.
    pub(super) guessed: bool,
}

#[derive(Debug, Default)]
pub(super) struct BootTimes {
    kinds: HashMap<Kind, Learned>,
    /// Whether anything was learned since it was last kept.
    news: bool,
}

/// What is kept of a kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept {
    #[serde(flatten)]
    kind: Kind,
    /// The fastest boot of each launch, and how many there were; the oldest launch first.
    launches: Vec<(Boot, u32)>,
}

#[derive(Debug, Default)]
struct Learned {
    launches: VecDeque<Launched>,
    due: Duration,
}

/// What one launch taught.
#[derive(Debug)]
struct Launched {
    /// `None` for a former process's.
    at: Option<Instant>,
    fastest: Boot,
    count: u32,
}

impl BootTimes {
    /// Takes in a boot of an instance that was launched at `launch`.
    pub(super) fn learn(&mut self, kind: &Kind, launch: Instant, boot: Boot) {
        self.kinds.entry(kind.clone()).or_default().learn(launch, boot);
        self.news = true;
    }

    /// Takes in what a former process learned, before what this one did.
    pub(super) fn take_in(&mut self, kept: Vec<Kept>) {
        for Kept { kind, launches } in kept {
            let learned = self.kinds.entry(kind).or_default();
            for (fastest, count) in launches.into_iter().rev() {
                learned.launches.push_front(Launched { at: None, fastest, count });
            }
            learned.forget();
        }
    }

    /// What is to be kept, if anything was learned since it was asked for last; in a fixed order.
    pub(super) fn news(&mut self) -> Option<Vec<Kept>> {
        if !std::mem::take(&mut self.news) {
            return None;
        }
        let launches = |learned: &Learned| learned.launches.iter().map(|l| (l.fastest, l.count)).collect();
        let kept =
            |(kind, learned): (&Kind, &Learned)| Kept { kind: kind.clone(), launches: launches(learned) };
        let mut all: Vec<Kept> = self.kinds.iter().map(kept).collect();
        all.sort_by(|a, b| {
            (&a.kind.instance_type, &a.kind.image).cmp(&(&b.kind.instance_type, &b.kind.image))
        });
        Some(all)
    }

    /// When an instance of this kind is due, while `awaited` of the kind are waited for.
    pub(super) fn due(&self, kind: &Kind, awaited: usize) -> Due {
        let learned = self.kinds.get(kind).map(|learned| learned.due);
        // Another image on the same type is the next best thing.
        let alike = self.kinds.iter().filter(|(known, _)| known.instance_type == kind.instance_type);
        match learned.or_else(|| alike.map(|(_, learned)| learned.due).min()) {
            Some(age) => Due { age, guessed: false },
            None if awaited < FEW => Due { age: Duration::ZERO, guessed: true },
            None => Due { age: EC2_BOOT, guessed: true },
        }
    }
}

impl Learned {
    fn learn(&mut self, launch: Instant, mut boot: Boot) {
        if boot.is_precise() {
            // What is known now is better than what was guessed before.
            self.launches.retain(|l| l.fastest.is_precise() || !l.fastest.contains(boot.not_before));
        } else if self.launches.iter().any(|known| known.fastest.is_precise()) {
            // It ran when it was asked about for the first time: a little faster than those before it.
            boot.not_before = boot.not_before.max(boot.by.saturating_sub(PRECISE));
        }
        match self.launches.iter_mut().find(|known| known.at == Some(launch)) {
            Some(known) => {
                known.count += 1;
                if boot.not_before < known.fastest.not_before {
                    known.fastest = boot;
                }
            }
            None => self.launches.push_back(Launched { at: Some(launch), fastest: boot, count: 1 }),
        }
        self.forget();
    }

    /// Forgets the oldest launches beyond what is remembered.
    fn forget(&mut self) {
        self.launches.drain(..self.launches.len().saturating_sub(REMEMBERED));
        self.due = self.below_the_fastest();
    }

    fn below_the_fastest(&self) -> Duration {
        let Some(fastest) =
            self.launches.iter().map(|known| known.fastest).min_by_key(|boot| boot.not_before)
        else {
            return Duration::ZERO;
        };
        let known: f64 = self.launches.iter().map(|launch| f64::from(launch.count)).sum();
        let below = fastest.not_before.mul_f64(1.0 - SPREAD * (FEW_KNOWN / known).min(1.0));
        // No boot so far was faster than most of EC2's are: the next will not be either.
        if fastest.by >= EC2_BOOT { below.max(fastest.not_before.min(EC2_BOOT)) } else { below }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(image: &str) -> Kind {
        Kind { instance_type: "t3.micro".into(), image: image.into() }
    }

    fn boot(not_before: f64, by: f64) -> Boot {
        Boot { not_before: Duration::from_secs_f64(not_before), by: Duration::from_secs_f64(by) }
    }

    /// A launch of so many that all boot alike.
    fn learn(times: &mut BootTimes, count: u32, not_before: f64, by: f64) {
        let launch = Instant::now();
        for _ in 0..count {
            times.learn(&kind("a"), launch, boot(not_before, by));
        }
    }

    fn due(times: &BootTimes, image: &str) -> f64 {
        (times.due(&kind(image), 100).age.as_secs_f64() * 10.0).round() / 10.0
    }

    #[tokio::test]
    async fn a_kind_never_seen_is_asked_about_at_once_when_few_and_after_ec2s_time_when_many() {
        let times = BootTimes::default();
        assert_eq!(times.due(&kind("a"), 9), Due { age: Duration::ZERO, guessed: true });
        assert_eq!(times.due(&kind("a"), 10), Due { age: EC2_BOOT, guessed: true });
    }

    #[tokio::test]
    async fn the_more_boots_are_known_the_closer_to_the_fastest_the_next_is_due() {
        let mut times = BootTimes::default();
        learn(&mut times, 1, 20.0, 20.9);
        assert_eq!(due(&times, "a"), 12.0);
        learn(&mut times, 15, 20.0, 20.9);
        assert_eq!(due(&times, "a"), 18.0);
        learn(&mut times, 500, 20.0, 20.9);
        assert_eq!(due(&times, "a"), 19.9);
        assert_eq!(due(&times, "another image"), 19.9);
    }

    #[tokio::test]
    async fn the_fast_ones_of_a_large_launch_are_not_forgotten_for_the_slow() {
        let mut times = BootTimes::default();
        let launch = Instant::now();
        for nth in 0..2_000 {
            let age = 16.0 + f64::from(nth) / 100.0;
            times.learn(&kind("a"), launch, boot(age, age + 0.9));
        }
        assert_eq!(due(&times, "a"), 16.0);
    }

    #[tokio::test]
    async fn a_slow_boot_makes_nothing_due_sooner_than_most_of_ec2() {
        let mut times = BootTimes::default();
        learn(&mut times, 1, 30.0, 30.9);
        assert_eq!(due(&times, "a"), 24.0);
    }

    #[tokio::test]
    async fn one_that_ran_at_the_first_look_was_a_little_faster() {
        let mut times = BootTimes::default();
        learn(&mut times, 1_000, 20.0, 20.9);
        learn(&mut times, 1, 0.0, 20.0);
        assert_eq!(due(&times, "a"), 19.0);
    }

    #[tokio::test]
    async fn a_precise_boot_makes_guesses_about_it_forgotten_and_no_others() {
        let mut times = BootTimes::default();
        learn(&mut times, 500, 12.0, 24.0);
        learn(&mut times, 500, 25.0, 25.9);
        assert_eq!(due(&times, "a"), 12.0);
        learn(&mut times, 500, 17.0, 17.9);
        assert_eq!(due(&times, "a"), 17.0);
    }

    #[tokio::test]
    async fn what_was_learned_is_known_to_the_next_process() {
        let mut times = BootTimes::default();
        learn(&mut times, 500, 20.0, 20.9);
        learn(&mut times, 20, 17.0, 17.9);
        let kept = times.news().unwrap();
        assert_eq!(times.news(), None);
        let mut next = BootTimes::default();
        next.take_in(kept);
        assert_eq!(next.due(&kind("a"), 100), times.due(&kind("a"), 100));
        assert_eq!(next.news(), None);
        learn(&mut next, 1, 16.0, 16.9);
        assert_eq!(next.news().unwrap()[0].launches.len(), 3);
    }
}
