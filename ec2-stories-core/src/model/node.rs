//! A node: a slot of a fleet.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Name;
use crate::{Error, Result};

/// Where a node sits in its deployment: `web/2` is slot 2 of fleet `web`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NodeAddress {
    /// The fleet.
    pub fleet: Name,
    /// The slot, from 0.
    pub slot: u32,
}

impl NodeAddress {
    /// The node in `slot` of `fleet`.
    #[must_use]
    pub fn new(fleet: Name, slot: u32) -> Self {
        Self { fleet, slot }
    }
}

impl fmt::Display for NodeAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}", self.fleet, self.slot))
    }
}

impl FromStr for NodeAddress {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong =
            || Error::invalid("node", format!("{text:?} is not of the form fleet/slot, such as web/2"));
        let (fleet, slot) = text.split_once('/').ok_or_else(wrong)?;
        Ok(Self { fleet: fleet.parse().map_err(|_| wrong())?, slot: slot.parse().map_err(|_| wrong())? })
    }
}

impl TryFrom<String> for NodeAddress {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<NodeAddress> for String {
    fn from(address: NodeAddress) -> Self {
        address.to_string()
    }
}

/// Counts the instances that a node has had, from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Generation(pub u32);

impl Generation {
    /// A node's first instance.
    pub const FIRST: Self = Self(1);

    /// The one after this.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
