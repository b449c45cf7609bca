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

/// The share of the fastest boots that are taken for exceptions.
const EXCEPTIONS: f64 = 0.03;

/// Boots as fast as the fastest, and a little faster.
const MARGIN: Duration = Duration::from_millis(250);

/// A boot that was seen no more precisely than this says little.
const PRECISE: Duration = Duration::from_secs(2);

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
}

#[derive(Debug, Default)]
pub(super) struct BootTimes(HashMap<Kind, Learned>);

#[derive(Debug, Default)]
struct Learned {
    boots: VecDeque<Boot>,
    fastest: Duration,
}

impl BootTimes {
    pub(super) fn learn(&mut self, kind: &Kind, boot: Boot) {
        let Learned { boots, fastest } = self.0.entry(kind.clone()).or_default();
        if boot.is_precise() {
            // What is known now is better than what was guessed before.
            boots.retain(|boot| boot.is_precise());
        }
        boots.push_back(boot);
        if boots.len() > REMEMBERED {
            boots.pop_front();
        }
        *fastest = fastest_of(boots);
    }

    /// The age at which an instance of this kind is due, when `awaited` of the kind are waited for.
    pub(super) fn due(&self, kind: &Kind, awaited: usize) -> Duration {
        let learned = self.0.get(kind).map(|learned| learned.fastest);
        // Another image on the same type is the next best thing.
        let alike = self.0.iter().filter(|(known, _)| known.instance_type == kind.instance_type);
        match learned.or_else(|| alike.map(|(_, learned)| learned.fastest).min()) {
            Some(fastest) => fastest.saturating_sub(MARGIN),
            None if awaited < FEW => Duration::ZERO,
            None => EC2_BOOT,
        }
    }
}

/// The fastest but for the exceptions.
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)] // At most 256.
fn fastest_of(boots: &VecDeque<Boot>) -> Duration {
    let mut ages: Vec<Duration> = boots.iter().map(|boot| boot.not_before).collect();
    ages.sort_unstable();
    ages.get((ages.len() as f64 * EXCEPTIONS) as usize).copied().unwrap_or_default()
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

    #[test]
    fn a_kind_never_seen_is_asked_about_at_once_when_few_and_after_ec2s_time_when_many() {
        let times = BootTimes::default();
        assert_eq!(times.due(&kind("a"), 9), Duration::ZERO);
        assert_eq!(times.due(&kind("a"), 10), EC2_BOOT);
    }

    #[test]
    fn the_fastest_boot_counts_and_another_image_of_the_type_is_the_next_best_thing() {
        let mut times = BootTimes::default();
        times.learn(&kind("a"), boot(30.0, 30.9));
        times.learn(&kind("a"), boot(16.0, 16.9));
        assert_eq!(times.due(&kind("a"), 100), Duration::from_millis(15_750));
        assert_eq!(times.due(&kind("b"), 100), Duration::from_millis(15_750));
    }

    #[test]
    fn one_exception_in_a_hundred_changes_nothing() {
        let mut times = BootTimes::default();
        for _ in 0..100 {
            times.learn(&kind("a"), boot(30.0, 30.9));
        }
        times.learn(&kind("a"), boot(12.0, 24.0));
        assert_eq!(times.due(&kind("a"), 100), Duration::from_millis(29_750));
    }

    #[test]
    fn a_precise_boot_makes_guesses_forgotten() {
        let mut times = BootTimes::default();
        for _ in 0..100 {
            times.learn(&kind("a"), boot(12.0, 24.0));
        }
        assert_eq!(times.due(&kind("a"), 100), Duration::from_millis(11_750));
        times.learn(&kind("a"), boot(17.0, 17.9));
        assert_eq!(times.due(&kind("a"), 100), Duration::from_millis(16_750));
    }
}
