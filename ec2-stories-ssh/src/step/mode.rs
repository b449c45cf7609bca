//! Permission bits, as people write them.

use std::fmt;
use std::str::FromStr;

use ec2_stories_core::{Error, Result};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// Permission bits, written in octal: `"0640"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(into = "String")]
pub struct Mode(u32);

impl Mode {
    /// These bits: `Mode::new(0o640)`. What is above `0o7777` is cut off.
    #[must_use]
    pub fn new(bits: u32) -> Self {
        Self(bits & 0o7777)
    }

    /// The bits.
    #[must_use]
    pub fn bits(self) -> u32 {
        self.0
    }
}

impl FromStr for Mode {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let digits = text.strip_prefix("0o").unwrap_or(text);
        // As a number it might have a sign.
        let plain = (3..=5).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit());
        let bits = plain.then(|| u32::from_str_radix(digits, 8).ok()).flatten();
        bits.filter(|bits| *bits <= 0o7777).map(Self).ok_or_else(|| {
            Error::invalid("mode", format!("{text:?} is not octal permissions such as \"0640\""))
        })
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

impl<'de> Deserialize<'de> for Mode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written)
    }
}

struct Written;

impl Visitor<'_> for Written {
    type Value = Mode;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("octal permissions in quotes, such as \"0640\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Mode, E> {
        text.parse().map_err(E::custom)
    }

    /// The digits are octal to whoever wrote them, and decimal to the format: better to ask.
    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Mode, E> {
        Err(E::custom(format!("permissions are octal, and written in quotes: \"{number:04}\"")))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Mode, E> {
        Err(E::custom(format!("permissions are octal, and written in quotes: \"{number:04}\"")))
    }
}

impl From<Mode> for String {
    fn from(mode: Mode) -> Self {
        mode.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_octal() {
        for (text, bits) in [("0640", 0o640), ("755", 0o755), ("0o600", 0o600), ("4755", 0o4755)] {
            assert_eq!(text.parse::<Mode>().unwrap().bits(), bits);
        }
        for text in ["", "7", "0888", "rw-r--r--", "+644", "17777"] {
            assert!(text.parse::<Mode>().is_err(), "{text}");
        }
        let error = serde_json::from_str::<Mode>("640").unwrap_err().to_string();
        assert!(error.contains("in quotes: \"0640\""), "{error}");
        assert_eq!(serde_json::from_str::<Mode>("\"0640\"").unwrap().bits(), 0o640);
        assert_eq!(Mode::new(0o5).to_string().parse::<Mode>().unwrap(), Mode::new(0o5));
    }
}
