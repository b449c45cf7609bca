//! How a fleet's nodes are watched, and what is done about those that die.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Parameters of liveness and replacement; the defaults suit most fleets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Health {
    /// Until a node's first success, failures count for nothing, at most this long.
    #[serde(with = "humantime_serde")]
    pub startup_timeout: Duration,
    /// Between two probes of a node, give or take a tenth; where in it a node's turn comes differs by node.
    #[serde(with = "humantime_serde")]
    pub period: Duration,
    /// How long a probe may take; less than the period.
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
    /// Failures in a row that make a live node a suspect.
    pub failure_threshold: u32,
    /// Successes in a row that make a suspect live again.
    pub success_threshold: u32,
    /// A suspect is dead so long after its last success, and only once the cloud was asked too.
    #[serde(with = "humantime_serde")]
    pub dead_after: Duration,
    /// What is flapping, and not death.
    pub flapping: Within,
    /// Replacements at once, of each fleet and zone; at least one. It is one budget for what dies, what the cloud announces and what a rolling
    /// update replaces; what an operator orders by name is done at once, and keeps the others waiting.
    pub max_in_flight: Share,
    /// With more of a fleet's nodes unhealthy than this (rounded up, at least two) they are replaced one at a time, two at a
    /// time once that has helped, and so on.
    pub max_unhealthy: Share,
    /// How long a slot rests before its next instance.
    pub back_off: BackOff,
    /// Deaths of one slot after which it is given up.
    pub intensity: Within,
    /// How a dead node is replaced.
    pub replace: Replace,
    /// How long a node that is healthy, and is to go, may finish what it does after it was deregistered.
    #[serde(with = "humantime_serde")]
    pub drain: Duration,
}

impl Default for Health {
    fn default() -> Self {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        Self {
            startup_timeout: minutes(10),
            period: Duration::from_secs(10),
            timeout: Duration::from_secs(5),
            failure_threshold: 3,
            success_threshold: 2,
            dead_after: minutes(2),
            flapping: Within { count: 4, within: minutes(10) },
            max_in_flight: Share::Percent(10),
            max_unhealthy: Share::Percent(20),
            back_off: BackOff::default(),
            intensity: Within { count: 5, within: minutes(60) },
            replace: Replace::default(),
            drain: Duration::from_secs(30),
        }
    }
}

/// So many times within so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Within {
    /// How many times.
    pub count: u32,
    /// Within how long.
    #[serde(with = "humantime_serde")]
    pub within: Duration,
}

/// Doubles from the first to the longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BackOff {
    /// The first time.
    #[serde(with = "humantime_serde")]
    pub first: Duration,
    /// The longest.
    #[serde(with = "humantime_serde")]
    pub longest: Duration,
    /// A node that was healthy for so long begins at the first again.
    #[serde(with = "humantime_serde")]
    pub forgotten_after: Duration,
}

impl Default for BackOff {
    fn default() -> Self {
        let hour = Duration::from_secs(3600);
        Self { first: Duration::from_secs(30), longest: hour, forgotten_after: hour }
    }
}

/// How a dead node is replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Replace {
    /// The old instance is gone before the new one is asked for: addresses and volumes are unique.
    #[default]
    TerminateFirst,
    /// The new instance is live before the old one is terminated.
    LaunchFirst,
    /// It is reported, and left: it keeps nobody else from being replaced by order, and counts as unhealthy.
    Never,
}

/// A number, or a part of a fleet's nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub enum Share {
    /// So many.
    Nodes(u32),
    /// So many in a hundred, from 0 to 100.
    Percent(u8),
}

impl Share {
    /// Of so many nodes, rounded up.
    #[must_use]
    pub fn of(self, nodes: u32) -> u32 {
        match self {
            Self::Nodes(count) => count,
            Self::Percent(percent) => {
                u32::try_from((u64::from(nodes) * u64::from(percent)).div_ceil(100)).unwrap_or(u32::MAX)
            }
        }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nodes(count) => count.fmt(f),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

/// As a story has it: `2`, or `"10%"`.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Nodes(u32),
    Percent(String),
}

impl From<Share> for Written {
    fn from(share: Share) -> Self {
        match share {
            Share::Nodes(count) => Self::Nodes(count),
            Share::Percent(_) => Self::Percent(share.to_string()),
        }
    }
}

impl TryFrom<Written> for Share {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        match written {
            Written::Nodes(count) => Ok(Self::Nodes(count)),
            Written::Percent(text) => {
                let percent = text.strip_suffix('%').and_then(|percent| percent.trim().parse().ok());
                let percent = percent.filter(|percent| *percent <= 100).map(Self::Percent);
                percent.ok_or_else(|| {
                    format!("{text:?} is neither a number of nodes nor a share such as \"10%\"")
                })
            }
        }
    }
}
