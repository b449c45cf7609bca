//! A moment, in eight bytes.

use std::time::Duration;

/// A time since the monitor began, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct At(pub u64);

impl At {
    /// When the monitor began.
    pub const START: Self = Self(0);

    pub(super) const NEVER: Self = Self(u64::MAX);

    /// So long after the monitor began.
    #[must_use]
    pub fn after(elapsed: Duration) -> Self {
        Self::START.plus(elapsed)
    }

    /// So much later.
    #[must_use]
    pub fn plus(self, later: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(later.as_millis()).unwrap_or(u64::MAX)))
    }

    /// The time that has passed since an earlier moment; none since a later one.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// The moment, unless it never comes.
    #[must_use]
    pub fn known(self) -> Option<Self> {
        (self != Self::NEVER).then_some(self)
    }
}
