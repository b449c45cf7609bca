//! When to ask next.

use std::time::Duration;

use ec2_stories_core::provider::Goal;
use tokio::time::Instant;

use super::State;
use super::boot_times::Due;
use super::waiters::Waiter;

/// A node that runs is noticed within this time of running.
const NOTICED_WITHIN: Duration = Duration::from_secs(1);

/// However slow the replies, there are never more calls than one in this time.
const AT_LEAST: Duration = Duration::from_millis(500);

/// Those who begin to wait within this time share the first call.
const GATHER: Duration = Duration::from_millis(20);

/// Before an instance is due, it is asked about this often: it may have failed, or be an exception.
const MEANWHILE: Duration = Duration::from_secs(30);

/// Nobody is in a hurry to see an instance end.
const ENDING: Duration = Duration::from_secs(2);

/// So long before its deadline a wait is asked about for the last time.
const LAST_LOOK: Duration = Duration::from_millis(300);

impl State {
    /// The time between two calls that looks at every instant within [`NOTICED_WITHIN`].
    fn pace(&self) -> Duration {
        NOTICED_WITHIN.saturating_sub(self.round_trip).saturating_sub(Duration::from_millis(10)).max(AT_LEAST)
    }

    /// When this waiter wants to be asked about.
    pub(super) fn due(&self, waiter: &Waiter) -> Instant {
        let gathered = waiter.since + GATHER;
        let due = match (waiter.goal, &waiter.birth, waiter.asked) {
            (Goal::Running, Some(birth), asked) => {
                let asked_at =
                    asked.map_or(Duration::ZERO, |asked| asked.saturating_duration_since(birth.at));
                let due = self.boot_times.due(&birth.kind, self.waiters.awaited(&birth.kind));
                birth.at + next(asked_at, due, self.pace())
            }
            (Goal::Running, None, Some(asked)) => asked + self.pace(),
            (Goal::Terminated, _, Some(asked)) => asked + ENDING,
            (_, _, None) => gathered,
        };
        // Nothing is given up without a last look.
        let last_look = waiter.deadline.checked_sub(LAST_LOOK).filter(|look| waiter.asked < Some(*look));
        last_look.map_or(due, |look| due.min(look)).max(gathered)
    }
}

/// The age at which to ask after having asked at age `asked`.
fn next(asked: Duration, due: Due, pace: Duration) -> Duration {
    if asked >= due.age {
        return asked + pace;
    }
    let looks = due.age.div_duration_f64(MEANWHILE).ceil().max(if due.guessed { 2.0 } else { 1.0 });
    let part = due.age.div_f64(looks);
    // A call within a pace of a part's end stands for it.
    let passed = (asked + pace.min(part / 2)).div_duration_f64(part).floor();
    part.mul_f64(passed + 1.0).min(due.age)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ages(age: f64, guessed: bool, until: f64) -> Vec<f64> {
        let due = Due { age: Duration::from_secs_f64(age), guessed };
        let pace = Duration::from_millis(940);
        let mut asked = Duration::ZERO;
        let mut ages = Vec::new();
        while asked.as_secs_f64() < until {
            asked = next(asked, due, pace);
            ages.push((asked.as_secs_f64() * 1e3).round() / 1e3);
        }
        ages
    }

    #[test]
    fn a_learned_boot_is_asked_about_when_it_is_due_and_a_guessed_one_halfway_too() {
        assert_eq!(ages(24.0, false, 25.0), [24.0, 24.94, 25.88]);
        assert_eq!(ages(24.0, true, 25.0), [12.0, 24.0, 24.94, 25.88]);
        assert_eq!(ages(3.0, false, 3.5), [3.0, 3.94]);
    }

    #[test]
    fn what_is_due_at_once_is_asked_about_at_the_pace() {
        assert_eq!(ages(0.0, true, 3.0), [0.94, 1.88, 2.82, 3.76]);
    }

    #[test]
    fn a_slow_boot_is_looked_at_meanwhile() {
        assert_eq!(ages(120.0, false, 120.0), [30.0, 60.0, 90.0, 120.0]);
    }

    #[test]
    fn thirty_seconds_give_or_take_a_fifth_cost_at_most_fifteen_calls() {
        assert!(ages(24.0, true, 36.0).len() <= 15);
    }
}
