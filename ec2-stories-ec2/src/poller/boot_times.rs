//! What was learned of how long instances take to boot.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use ec2_stories_core::model::{ImageId, Instance, InstanceType};

/// Before this age few instances of a kind never seen are expected to run, where many are awaited: four fifths of the half
/// minute that EC2 takes for most types.
pub const EC2_BOOT: Duration = Duration::from_secs(24);

/// With fewer instances than this a kind never seen is asked about each second from the start: its calls are few, and
/// its user sits in front of it.
const FEW: usize = 10;

/// How many boots of a kind are remembered.
const REMEMBERED: usize = 256;

/// By how much of its time a boot may be faster than the only one seen before. With every boot that is known there is
/// less room below the fastest.
const SPREAD: f64 = 0.4;

/// Boots were looked at each second when they were due.
const PRECISE: Duration = Duration::from_secs(1);

/// What boots alike.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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
#[derive(Clone, Copy, Debug)]
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
pub(super) struct BootTimes(HashMap<Kind, Learned>);

#[derive(Debug, Default)]
struct Learned {
    boots: VecDeque<Boot>,
    due: Duration,
}

impl BootTimes {
    pub(super) fn learn(&mut self, kind: &Kind, boot: Boot) {
        self.0.entry(kind.clone()).or_default().learn(boot);
    }

    /// When an instance of this kind is due, while `awaited` of the kind are waited for.
    pub(super) fn due(&self, kind: &Kind, awaited: usize) -> Due {
        let learned = self.0.get(kind).map(|learned| learned.due);
        // Another image on the same type is the next best thing.
        let alike = self.0.iter().filter(|(known, _)| known.instance_type == kind.instance_type);
        match learned.or_else(|| alike.map(|(_, learned)| learned.due).min()) {
            Some(age) => Due { age, guessed: false },
            None if awaited < FEW => Due { age: Duration::ZERO, guessed: true },
            None => Due { age: EC2_BOOT, guessed: true },
        }
    }
}

impl Learned {
    fn learn(&mut self, mut boot: Boot) {
        if boot.is_precise() {
            // What is known now is better than what was guessed before.
            self.boots.retain(|guess| guess.is_precise() || !guess.contains(boot.not_before));
        } else if self.boots.iter().any(|known| known.is_precise()) {
            // It ran when it was asked about for the first time: a little faster than those before it.
            boot.not_before = boot.not_before.max(boot.by.saturating_sub(PRECISE));
        }
        self.boots.push_back(boot);
        if self.boots.len() > REMEMBERED {
            self.boots.pop_front();
        }
        self.due = self.below_the_fastest();
    }

    #[allow(clippy::cast_precision_loss)] // At most 256.
    fn below_the_fastest(&self) -> Duration {
        let fastest = self.boots.iter().map(|boot| boot.not_before).min().unwrap_or_default();
        let below = fastest.mul_f64(1.0 - SPREAD / self.boots.len() as f64);
        // No boot so far was faster than most of EC2's are: the next will not be either.
        if fastest >= EC2_BOOT { below.max(EC2_BOOT) } else { below }
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

    fn due(times: &BootTimes, image: &str) -> f64 {
        (times.due(&kind(image), 100).age.as_secs_f64() * 10.0).round() / 10.0
    }

    #[test]
    fn a_kind_never_seen_is_asked_about_at_once_when_few_and_after_ec2s_time_when_many() {
        let times = BootTimes::default();
        assert_eq!(times.due(&kind("a"), 9), Due { age: Duration::ZERO, guessed: true });
        assert_eq!(times.due(&kind("a"), 10), Due { age: EC2_BOOT, guessed: true });
    }

    #[test]
    fn the_more_boots_are_known_the_closer_to_the_fastest_the_next_is_due() {
        let mut times = BootTimes::default();
        times.learn(&kind("a"), boot(20.0, 20.9));
        assert_eq!(due(&times, "a"), 12.0);
        for _ in 1..100 {
            times.learn(&kind("a"), boot(20.0, 20.9));
        }
        assert_eq!(due(&times, "a"), 19.9);
        assert_eq!(due(&times, "another image"), 19.9);
    }

    #[test]
    fn a_slow_boot_makes_nothing_due_sooner_than_most_of_ec2() {
        let mut times = BootTimes::default();
        times.learn(&kind("a"), boot(30.0, 30.9));
        assert_eq!(due(&times, "a"), 24.0);
    }

    #[test]
    fn one_that_ran_at_the_first_look_was_a_little_faster() {
        let mut times = BootTimes::default();
        for _ in 0..255 {
            times.learn(&kind("a"), boot(20.0, 20.9));
        }
        times.learn(&kind("a"), boot(0.0, 20.0));
        assert_eq!(due(&times, "a"), 19.0);
    }

    #[test]
    fn a_precise_boot_makes_guesses_about_it_forgotten_and_no_others() {
        let mut times = BootTimes::default();
        for _ in 0..50 {
            times.learn(&kind("a"), boot(12.0, 24.0));
        }
        times.learn(&kind("a"), boot(25.0, 25.9));
        assert_eq!(due(&times, "a"), 11.9);
        for _ in 0..50 {
            times.learn(&kind("a"), boot(17.0, 17.9));
        }
        assert_eq!(due(&times, "a"), 16.9);
    }
}
