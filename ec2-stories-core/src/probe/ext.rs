//! Conveniences of every probe.

use std::sync::Arc;

use super::{Not, Thresholds, not};
use crate::provider::Probe;

/// What every probe can be made into.
pub trait ProbeExt: Probe + Sized + 'static {
    /// As [`all_of`](super::all_of) and [`any_of`](super::any_of) take it.
    fn shared(self) -> Arc<dyn Probe> {
        Arc::new(self)
    }

    /// As [`not`].
    fn negated(self) -> Not<Self> {
        not(self)
    }

    /// As [`Thresholds::new`].
    fn thresholds(self, failures: u32, successes: u32) -> Thresholds<Self> {
        Thresholds::new(self, failures, successes)
    }
}

impl<P: Probe + 'static> ProbeExt for P {}
