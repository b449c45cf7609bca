//! How a part gets on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// When one copy of a part last got any further, and for how long it stood still at most. Clones are of the same copy.
#[derive(Clone, Debug)]
pub(crate) struct Moves(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    begun: Instant,
    /// Milliseconds from `begun` to the last move.
    last: AtomicU64,
    /// Milliseconds.
    longest: AtomicU64,
}

impl Moves {
    pub(crate) fn begin(now: Instant) -> Self {
        Self(Arc::new(Inner { begun: now, last: AtomicU64::new(0), longest: AtomicU64::new(0) }))
    }

    pub(crate) fn moved(&self, now: Instant) {
        let at = now.duration_since(self.0.begun).as_millis() as u64;
        let before = self.0.last.fetch_max(at, Ordering::Relaxed);
        self.0.longest.fetch_max(at.saturating_sub(before), Ordering::Relaxed);
    }

    pub(crate) fn begun(&self) -> Instant {
        self.0.begun
    }

    pub(crate) fn last(&self) -> Instant {
        self.0.begun + Duration::from_millis(self.0.last.load(Ordering::Relaxed))
    }

    pub(crate) fn longest_standstill(&self) -> Duration {
        Duration::from_millis(self.0.longest.load(Ordering::Relaxed))
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_standstill_is_between_two_moves() {
        let now = Instant::now();
        let moves = Moves::begin(now);
        for at in [100, 150, 700, 720] {
            moves.moved(now + Duration::from_millis(at));
        }
        assert_eq!(moves.longest_standstill(), Duration::from_millis(550));
        assert_eq!(moves.last(), now + Duration::from_millis(720));
        assert!(moves.is(&moves.clone()) && !moves.is(&Moves::begin(now)));
    }
}
