//! How large a deployment is, and how often it is looked at: the less often, the longer the time that a test can see.

use std::time::Duration;

use ec2_stories_core::model::{Health, Name, Replace};

const MINUTE: Duration = Duration::from_secs(60);

/// The defaults, so many times as slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pace {
    slower: u32,
    pub(super) db: u32,
    pub(super) web: u32,
    /// Between two strikes of nature, on average.
    pub(super) strikes: Duration,
    /// Between two orders, or deaths of the controller, on average.
    pub(super) orders: Duration,
    /// How the web's dead nodes are replaced; a database's volumes allow no second instance.
    replace: Replace,
}

impl Pace {
    /// A few nodes that are looked at every other minute.
    pub(crate) const BRISK: Self = Self {
        slower: 12,
        db: 2,
        web: 6,
        strikes: Duration::from_secs(6 * 3600),
        orders: Duration::from_secs(8 * 3600),
        replace: Replace::TerminateFirst,
    };

    /// Many that are looked at every ten minutes.
    pub(crate) const SLOW: Self = Self { slower: 60, db: 6, web: 30, ..Self::BRISK };

    /// Three hundred that are looked at every hour.
    pub(crate) const VAST: Self = Self { slower: 360, db: 20, web: 280, ..Self::BRISK };

    /// The same, where a replacement lives before the old one goes.
    pub(crate) fn launching_first(self) -> Self {
        Self { replace: Replace::LaunchFirst, ..self }
    }

    pub(crate) fn nodes(self) -> u32 {
        self.db + self.web
    }

    pub(super) fn replace_of(self, fleet: &Name) -> Replace {
        if fleet.as_str() == "web" { self.replace } else { Replace::TerminateFirst }
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

    /// Within this the deployment is whole once nothing goes wrong any more, with all of it on its image: the longest rest of a slot,
    /// twice, what is seen late and replaced one after the other, and the rest of a rollout. Each aftermath an operator has
    /// a look at what was given up.
    pub(super) fn recovery(self) -> Duration {
        self.aftermath() * 3
    }
}
