//! When nodes end themselves that nobody looks after any more.

use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp, TimestampRound, Unit};
use serde::{Deserialize, Serialize};

/// The tag that the guest reads.
const EXPIRES: &str = "ec2-stories:expires";

/// How long a fleet's nodes outlive their controller.
///
/// The controller renews their time for as long as it runs. Past it a node powers itself off, and is terminated by that.
/// In a story: `expires_after = "4h"` or `expires_after = "never"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "String")]
pub enum Expiry {
    /// They live until somebody terminates them.
    Never,
    /// So long after they were last renewed.
    After(Duration),
}

impl Expiry {
    /// Of a dev deployment's fleets, unless said otherwise: what a lost controller leaves bills for an hour.
    pub const DEV: Self = Self::After(Duration::from_secs(3600));
    /// The shortest: guests and their clocks are not more precise.
    pub const SHORTEST: Duration = Duration::from_secs(10);

    /// The duration; `None` for never.
    #[must_use]
    pub fn after(self) -> Option<Duration> {
        match self {
            Self::Never => None,
            Self::After(duration) => Some(duration),
        }
    }
}

impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str("never"),
            Self::After(duration) => humantime_serde::re::humantime::format_duration(*duration).fmt(f),
        }
    }
}

impl From<Duration> for Expiry {
    fn from(after: Duration) -> Self {
        Self::After(after)
    }
}

impl From<Expiry> for String {
    fn from(expiry: Expiry) -> Self {
        expiry.to_string()
    }
}

/// As a story has it.
#[derive(Deserialize)]
#[serde(untagged, expecting = "must be a duration such as \"4h\", or \"never\"")]
enum Written {
    Text(String),
}

impl TryFrom<Written> for Expiry {
    type Error = String;

    fn try_from(Written::Text(text): Written) -> Result<Self, String> {
        text.try_into()
    }
}

impl TryFrom<String> for Expiry {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match humantime_serde::re::humantime::parse_duration(&text) {
            _ if text == "never" => Ok(Self::Never),
            Ok(duration) => Ok(Self::After(duration)),
            Err(error) => {
                Err(format!("{text:?} is neither a duration such as \"4h\" nor \"never\": {error}"))
            }
        }
    }
}

/// A moment after which an instance may end itself, as its tag says it: UTC, in whole seconds, for a shell to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Expires(Timestamp);

impl Expires {
    /// As late as a tag can say.
    pub const NEVER: Timestamp = Timestamp::constant(253_370_764_800, 0);

    /// At this time, or at the next whole second.
    #[must_use]
    pub fn at(time: Timestamp) -> Self {
        let round = TimestampRound::new().smallest(Unit::Second).mode(jiff::RoundMode::Ceil);
        Self(time.min(Self::NEVER).round(round).unwrap_or(Self::NEVER))
    }

    /// So long after `now`.
    #[must_use]
    pub fn after(now: Timestamp, duration: Duration) -> Self {
        let later = SignedDuration::try_from(duration).ok().and_then(|by| now.checked_add(by).ok());
        Self::at(later.unwrap_or(Self::NEVER))
    }

    /// The time.
    #[must_use]
    pub fn time(self) -> Timestamp {
        self.0
    }

    /// The tag's key and value.
    #[must_use]
    pub fn tag(self) -> (&'static str, String) {
        (EXPIRES, self.0.to_string())
    }

    /// Reads it back; `None` where there is none, or it is no time.
    #[must_use]
    pub fn from_tags(tags: &super::Tags) -> Option<Self> {
        tags.get(EXPIRES)?.parse().ok().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Tags;

    #[test]
    fn a_story_says_never_or_how_long() {
        let read = |text: &str| serde_json::from_value::<Expiry>(text.into());
        assert_eq!(read("never").unwrap(), Expiry::Never);
        assert_eq!(read("90m").unwrap(), Expiry::After(Duration::from_secs(5400)));
        let error = read("soon").unwrap_err().to_string();
        assert!(error.contains("never") && error.contains("4h"), "{error}");
        assert_eq!(serde_json::to_value(Expiry::DEV).unwrap(), "1h");
    }

    #[test]
    fn a_tag_is_in_whole_seconds_and_reads_back() {
        let now: Timestamp = "2026-11-22T10:00:00.25Z".parse().unwrap();
        let expires = Expires::after(now, Duration::from_secs(60));
        let (key, value) = expires.tag();
        assert_eq!((key, value.as_str()), ("ec2-stories:expires", "2026-11-22T10:01:01Z"));
        assert_eq!(Expires::from_tags(&Tags::new().with(key, value)), Some(expires));
        assert_eq!(Expires::after(now, Duration::MAX).tag().1, "9999-01-01T00:00:00Z");
        assert_eq!(Expires::at(Timestamp::MAX).time(), Expires::NEVER);
    }
}
