//! A token bucket.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::Rate;

/// Admits callers in their order; one who finds too few tokens sleeps until they are there.
#[derive(Debug)]
pub(crate) struct Bucket {
    rate: Rate,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Below zero when callers wait.
    tokens: f64,
    at: Instant,
}

impl Bucket {
    pub(crate) fn new(rate: Rate) -> Self {
        Self { rate, state: Mutex::new(State { tokens: rate.burst, at: Instant::now() }) }
    }

    /// Takes `count` tokens; more than the burst are taken as the burst, as no bucket ever holds them.
    ///
    /// The tokens of a caller who gives up are lost, which is on the safe side.
    pub(crate) async fn take(&self, count: usize) {
        let due = self.reserve(count, Instant::now());
        sleep_until(due).await;
    }

    #[allow(clippy::cast_precision_loss)] // Counts of instances, far below 2^52.
    fn reserve(&self, count: usize, now: Instant) -> Instant {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let refilled = now.saturating_duration_since(state.at).as_secs_f64() * self.rate.per_second;
        state.tokens = (state.tokens + refilled).min(self.rate.burst) - (count as f64).min(self.rate.burst);
        state.at = now;
        let missing = (-state.tokens).max(0.0);
        now + Duration::from_secs_f64(missing / self.rate.per_second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_at_once_and_the_rest_at_the_rate() {
        let bucket = Bucket::new(Rate { burst: 10.0, per_second: 2.0 });
        let start = Instant::now();
        for _ in 0..10 {
            bucket.take(1).await;
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        bucket.take(4).await;
        assert_eq!(start.elapsed().as_millis(), 2_000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_crowd_gets_no_more_than_the_rate() {
        let bucket = Bucket::new(Rate { burst: 1.0, per_second: 10.0 });
        let start = Instant::now();
        futures::future::join_all((0..101).map(|_| bucket.take(1))).await;
        assert_eq!(start.elapsed().as_secs(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn more_than_the_burst_waits_for_a_full_bucket_only() {
        let bucket = Bucket::new(Rate { burst: 10.0, per_second: 1.0 });
        let start = Instant::now();
        bucket.take(1_000).await;
        assert_eq!(start.elapsed(), Duration::ZERO);
        bucket.take(1_000).await;
        assert_eq!(start.elapsed().as_secs(), 10);
    }
}
