//! How long until work that takes minutes is asked about again.

use std::time::Duration;

use tokio::time::{Instant, sleep};

const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// Asks often at first and near the end, and seldom in between: work of ten minutes costs some twenty calls.
#[derive(Debug)]
pub(super) struct Pace {
    began: Instant,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { began: Instant::now() }
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Sleeps until it is time to ask again. `percent` is how far the work says that it is.
    pub(super) async fn pause(&self, percent: Option<u32>) {
        sleep(pause(self.elapsed(), percent)).await;
    }
}

fn pause(elapsed: Duration, percent: Option<u32>) -> Duration {
    let wanted = match percent {
        // Half of what remains, when it goes on as it did.
        Some(percent @ 5..=100) => elapsed * (100 - percent) / percent / 2,
        _ => elapsed / 4,
    };
    wanted.clamp(SHORTEST, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_approached_in_halves() {
        let seconds = |elapsed, percent| pause(Duration::from_secs(elapsed), percent).as_secs();
        assert_eq!(seconds(0, None), 1);
        assert_eq!(seconds(40, None), 10);
        assert_eq!(seconds(4_000, None), 30);
        assert_eq!(seconds(20, Some(50)), 10);
        assert_eq!(seconds(90, Some(90)), 5);
        assert_eq!(seconds(100, Some(99)), 1);
        assert_eq!(seconds(100, Some(100)), 1);
        assert_eq!(seconds(40, Some(1)), 10);
    }

    #[test]
    fn work_of_ten_minutes_costs_few_calls() {
        let (mut at, mut calls, work) = (Duration::ZERO, 0, Duration::from_secs(600));
        while at < work {
            let percent = u32::try_from(at.as_secs() * 100 / work.as_secs()).unwrap();
            at += pause(at, Some(percent));
            calls += 1;
        }
        assert!(calls < 50, "{calls}");
        assert!(at < work + Duration::from_secs(4), "{at:?}");
    }
}
