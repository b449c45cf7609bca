//! Which statuses are good.

use std::fmt;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

/// Statuses of an answer; 200 to 299 where not said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Statuses(Vec<RangeInclusive<u16>>);

impl Statuses {
    /// These ranges.
    pub fn any_of(ranges: impl IntoIterator<Item = RangeInclusive<u16>>) -> Self {
        Self(ranges.into_iter().collect())
    }

    /// Whether this one is among them.
    #[must_use]
    pub fn contains(&self, status: u16) -> bool {
        self.0.iter().any(|range| range.contains(&status))
    }

    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for Statuses {
    fn default() -> Self {
        Self::from(200..=299)
    }
}

impl From<RangeInclusive<u16>> for Statuses {
    fn from(range: RangeInclusive<u16>) -> Self {
        Self(vec![range])
    }
}

impl From<u16> for Statuses {
    fn from(status: u16) -> Self {
        Self::from(status..=status)
    }
}

impl fmt::Display for Statuses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ranges = self.0.iter().map(|range| match range.start() == range.end() {
            true => range.start().to_string(),
            false => format!("{}-{}", range.start(), range.end()),
        });
        f.write_str(&ranges.collect::<Vec<_>>().join(","))
    }
}

/// As a story has it: `204`, or `"200-299,304"`.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    One(u16),
    Some(String),
}

impl From<Statuses> for Written {
    fn from(statuses: Statuses) -> Self {
        Self::Some(statuses.to_string())
    }
}

impl TryFrom<Written> for Statuses {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let text = match written {
            Written::One(status) => status.to_string(),
            Written::Some(text) => text,
        };
        let range = |part: &str| {
            let (from, to) = part.split_once('-').unwrap_or((part, part));
            let status = |text: &str| text.trim().parse().ok().filter(|status| (100..=599).contains(status));
            let (from, to): (u16, u16) = (status(from)?, status(to)?);
            (from <= to).then_some(from..=to)
        };
        let ranges = text.split(',').map(range).collect::<Option<Vec<_>>>();
        ranges.map(Self).ok_or_else(|| format!("{text:?} is not a range of statuses such as \"200-299\""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_they_are_written() {
        let statuses = Statuses::try_from(Written::Some("200-299, 304".to_owned())).unwrap();
        assert_eq!(statuses.to_string(), "200-299,304");
        assert!(statuses.contains(304) && statuses.contains(299) && !statuses.contains(300));
        for wrong in ["", "2xx", "299-200", "99", "600"] {
            assert!(Statuses::try_from(Written::Some(wrong.to_owned())).is_err(), "{wrong}");
        }
    }
}
