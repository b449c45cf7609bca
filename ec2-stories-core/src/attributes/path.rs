//! The path of an attribute.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::model::NodeAddress;
use crate::{Error, Result};

/// Where an attribute is: `db/0.private_ip`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AttributePath {
    /// The node.
    pub node: NodeAddress,
    /// The attribute's name; dots nest.
    pub key: String,
}

impl fmt::Display for AttributePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.node, self.key)
    }
}

impl FromStr for AttributePath {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            Error::invalid(
                "attribute",
                format!("{text:?} is not of the form fleet/slot.name, such as db/0.private_ip"),
            )
        };
        let (node, key) = text.split_once('.').ok_or_else(wrong)?;
        let named = |part: &str| {
            !part.is_empty()
                && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ':'))
        };
        if !key.split('.').all(named) {
            return Err(wrong());
        }
        Ok(Self { node: node.parse().map_err(|_| wrong())?, key: key.to_owned() })
    }
}

impl TryFrom<String> for AttributePath {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<AttributePath> for String {
    fn from(path: AttributePath) -> Self {
        path.to_string()
    }
}
