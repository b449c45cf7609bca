//! When a request is repeated: the only layer that does, the SDK's own is off here.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// How often one request is tried.
pub(crate) const TRIES: u32 = 8;

const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(20);

/// Tokens at the start, and at most: a hundred retries.
const FULL: u32 = 500;
const RETRY_COSTS: u32 = 5;

/// What a success gives back. Retries of up to two requests in seven can go on for ever.
const SUCCESS_BRINGS: u32 = 2;

/// What an upload's requests may spend on retries together: a server that fails most of them is left alone soon.
#[derive(Debug)]
pub(crate) struct Budget(AtomicU32);

impl Budget {
    pub(crate) fn full() -> Self {
        Self(AtomicU32::new(FULL))
    }

    /// Takes one retry; `false` where nothing is left.
    pub(crate) fn spend(&self) -> bool {
        let less = |tokens: u32| tokens.checked_sub(RETRY_COSTS);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }

    /// A request succeeded.
    pub(crate) fn reward(&self) {
        let more = |tokens: u32| Some((tokens + SUCCESS_BRINGS).min(FULL));
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
    }
}

/// How long to wait after the given number of failures: at random up to a bound that doubles ("full jitter"), with a floor.
/// `chance` is between 0 and 1.
pub(crate) fn backoff(failures: u32, chance: f64) -> Duration {
    let bound = SHORTEST.saturating_mul(1 << failures.min(16)).min(LONGEST);
    SHORTEST.max(bound.mul_f64(chance))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_their_bounds() {
        assert_eq!(backoff(1, 0.0), Duration::from_millis(100));
        assert_eq!(backoff(1, 1.0), Duration::from_millis(200));
        assert_eq!(backoff(3, 0.5), Duration::from_millis(400));
        assert_eq!(backoff(40, 1.0), Duration::from_secs(20));
    }

    #[test]
    fn the_budget_ends_and_successes_fill_it() {
        let budget = Budget::full();
        assert_eq!((0..1_000).filter(|_| budget.spend()).count(), 100);
        (0..3).for_each(|_| budget.reward());
        assert!(budget.spend() && !budget.spend());
        (0..10_000).for_each(|_| budget.reward());
        assert_eq!((0..1_000).filter(|_| budget.spend()).count(), 100);
    }
}
