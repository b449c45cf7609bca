//! The record of API calls.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

/// One API call as the simulation saw it; each attempt of a retried call is one.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CallRecord {
    /// Its number over all calls, from 1: what `sim.faults().at_call(k, …)` counts.
    pub number: u64,
    /// When its effect took place, or would have.
    pub at: Timestamp,
    /// The region it was signed for.
    pub region: String,
    /// The operation, such as `RunInstances`.
    pub operation: String,
    /// The key that signed it.
    pub access_key_id: Option<String>,
    /// Its parameters in wire names, in the order sent, without `Action` and `Version`.
    pub params: Vec<(String, String)>,
    /// How it ended. A call that is still on its way counts as lost.
    pub outcome: CallOutcome,
    /// Bytes of its body that arrived.
    pub received: u64,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum CallOutcome {
    /// It succeeded and the reply went out.
    Ok,
    /// It was refused.
    Error {
        /// EC2's error code.
        code: String,
        /// The HTTP status.
        status: u16,
    },
    /// The connection broke before a whole reply went out.
    Lost {
        /// Whether the call took effect all the same.
        effect: bool,
    },
}

/// Counts of calls by operation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calls(BTreeMap<String, u64>);

impl Calls {
    pub(crate) fn of<'a>(records: impl IntoIterator<Item = &'a CallRecord>) -> Self {
        let mut counts = BTreeMap::new();
        for record in records {
            *counts.entry(record.operation.clone()).or_default() += 1;
        }
        Self(counts)
    }

    /// How often `operation` was called.
    #[must_use]
    pub fn count(&self, operation: &str) -> u64 {
        self.0.get(operation).copied().unwrap_or_default()
    }

    /// Calls of every kind.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// Operations and their counts, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(operation, count)| (operation.as_str(), *count))
    }
}

/// `DescribeInstances 3, RunInstances 1`.
impl fmt::Display for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (operation, count)) in self.iter().enumerate() {
            let separator = if i == 0 { "" } else { ", " };
            write!(f, "{separator}{operation} {count}")?;
        }
        Ok(())
    }
}
