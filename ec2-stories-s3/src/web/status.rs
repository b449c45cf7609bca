//! Which answers count as success.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use ec2_stories_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// HTTP statuses, written as `200-299, 404`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Statuses(Vec<RangeInclusive<u16>>);

impl Statuses {
    /// 200 to 299.
    #[must_use]
    pub fn success() -> Self {
        Self(vec![200..=299])
    }

    /// Whatever the server answers.
    #[must_use]
    pub fn any() -> Self {
        Self(vec![100..=599])
    }

    /// Whether this is one of them.
    #[must_use]
    pub fn contains(&self, status: u16) -> bool {
        self.0.iter().any(|range| range.contains(&status))
    }
}

impl Default for Statuses {
    fn default() -> Self {
        Self::success()
    }
}

impl FromStr for Statuses {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |part: &str| {
            Error::invalid("statuses", format!("{part:?} is no status or range of them, such as 200-299"))
        };
        let status = |part: &str, text: &str| {
            let status: u16 = text.trim().parse().map_err(|_| wrong(part))?;
            if (100..=599).contains(&status) { Ok(status) } else { Err(wrong(part)) }
        };
        let ranges = text.split(',').map(|part| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let range = status(part, first)?..=status(part, last)?;
            if range.is_empty() { Err(wrong(part)) } else { Ok(range) }
        });
        ranges.collect::<Result<_>>().map(Self)
    }
}

impl TryFrom<String> for Statuses {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Statuses> for String {
    fn from(statuses: Statuses) -> Self {
        statuses.to_string()
    }
}

impl fmt::Display for Statuses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, range) in self.0.iter().enumerate() {
            let comma = if number == 0 { "" } else { ", " };
            match (range.start(), range.end()) {
                (first, last) if first == last => write!(f, "{comma}{first}")?,
                (first, last) => write!(f, "{comma}{first}-{last}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_data() {
        let statuses: Statuses = serde_json::from_str(r#""200-299,404""#).unwrap();
        assert!(statuses.contains(204) && statuses.contains(404) && !statuses.contains(403));
        assert_eq!(serde_json::to_string(&statuses).unwrap(), r#""200-299, 404""#);
        for wrong in ["", "20", "200-", "299-200", "600", "ok", "200 299", "1-2-3"] {
            assert!(wrong.parse::<Statuses>().is_err(), "{wrong}");
        }
    }
}
