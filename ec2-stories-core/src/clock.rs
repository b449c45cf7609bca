//! The wall clock, and nothing else in the family reads it.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

/// Tells the time of day.
///
/// Sleeping is tokio's (`tokio::time::sleep`), so that a paused runtime makes both virtual.
///
/// # Contract
/// - `now` never blocks and never fails.
/// - Successive calls may go back only as far as the machine's clock is corrected; nothing in the family
///   measures a duration with it. Durations are `tokio::time::Instant`'s.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The current time.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods)] // The one place that reads the machine's clock.
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A base time plus what tokio's clock says has elapsed, so that a paused runtime moves the time of day too.
#[derive(Clone, Copy, Debug)]
pub struct TokioClock {
    base: Timestamp,
    origin: tokio::time::Instant,
}

impl TokioClock {
    /// A clock that reads `base` now and advances with tokio's time.
    #[must_use]
    pub fn starting_at(base: Timestamp) -> Self {
        Self { base, origin: tokio::time::Instant::now() }
    }

    /// Tokio time since the clock was made.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.origin.elapsed()
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        self.base + self.elapsed()
    }
}
