//! How large a deployment is, and how often it is looked at: the less often, the longer the time that a test can see.

use std::time::Duration;

use ec2_stories::model::Health;

const MINUTE: Duration = Duration::from_secs(60);

/// The defaults, so many times as slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pace {
    pub(super) slower: u32,
    pub(super) db: u32,
    pub(super) web: u32,
}

impl Pace {
    /// A few nodes that are looked at every other minute.
    pub(super) const BRISK: Self = Self { slower: 12, db: 2, web: 6 };

    /// Many that are looked at every ten minutes.
    pub(super) const SLOW: Self = Self { slower: 60, db: 6, web: 30 };

    pub(super) fn nodes(self) -> usize {
        (self.db + self.web) as usize
    }

    pub(super) fn health(self) -> Health {
        let period = Health::default().period * self.slower;
        Health {
            startup_timeout: 15 * period,
            period,
            timeout: period / 4,
            dead_after: 5 * period,
            ..Health::default()
        }
    }

    /// How often the cloud is asked how everybody is.
    pub(super) fn cloud_period(self) -> Duration {
        self.health().period * 5 / 2
    }

    /// How long a dead controller's successor waits.
    pub(super) fn lease(self) -> Duration {
        5 * MINUTE
    }

    /// For so long after it was sick a node may still be replaced: it was decided while it was, and had to wait its turn.
    pub(super) fn aftermath(self) -> Duration {
        self.health().period * 60
    }

    /// Within this the deployment is whole once nothing goes wrong any more: the longest rest of a slot, twice, or what is seen
    /// late and replaced one after the other.
    pub(super) fn recovery(self) -> Duration {
        self.aftermath() * 2
    }
}
