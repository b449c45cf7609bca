//! The simulation's time: tokio's, scaled, counted from a base.

use std::time::{Duration, SystemTime};

use aws_smithy_async::time::TimeSource;
use ec2_stories_core::Clock;
use jiff::Timestamp;
use tokio::time::Instant;

/// A base time plus tokio's elapsed time times a scale. Paused tokio time makes it virtual.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SimClock {
    base: Timestamp,
    origin: Instant,
    scale: f64,
}

impl SimClock {
    pub(crate) fn new(base: Timestamp, scale: f64) -> Self {
        Self { base, origin: Instant::now(), scale }
    }

    /// Sleeps for a simulated time.
    pub(crate) async fn sleep(&self, simulated: Duration) {
        if !simulated.is_zero() {
            tokio::time::sleep(simulated.div_f64(self.scale)).await;
        }
    }

    /// Simulated time since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.origin.elapsed().mul_f64(self.scale)
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        self.base + self.elapsed()
    }
}

impl TimeSource for SimClock {
    fn now(&self) -> SystemTime {
        Clock::now(self).into()
    }
}
