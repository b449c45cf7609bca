//! Watching nodes.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Node;
use crate::model::{Generation, NodeAddress};
use crate::{Error, ErrorKind, Result};

/// What a monitor has decided about a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "verdict", content = "why")]
pub enum Verdict {
    /// It lives.
    Live,
    /// Something is wrong, not enough to act.
    Suspect(String),
    /// It lives, and will be taken away: it is to be drained and replaced before.
    Leaving {
        /// By what.
        why: String,
        /// When, at the earliest.
        by: Timestamp,
    },
    /// It must be replaced.
    Replace(String),
}

/// Keeps a node from being replaced for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Who asked for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// When it ends.
    pub until: Timestamp,
}

impl Hold {
    /// The longest one: a hold that is forgotten ends within a day.
    pub const LONGEST: Duration = Duration::from_secs(24 * 3600);
}

/// Watches nodes and says which must be replaced.
///
/// # Contract
/// - `watch` again with a later generation replaces what was known of the node; an earlier one is ignored; the same one begins
///   the node's start-up time anew, and what was decided of it is void.
/// - A node of which the monitor was told that it is `lost` is `Replace` as soon as the budgets allow, behind those that died before.
/// - A node that was said to be `Replace` or `Leaving`, or of which that was told to the monitor, counts against the budgets until a later
///   generation of it is live, or it is forgotten.
/// - `changed` returns the next change of a verdict, with the generation it is about, and waits until there is one. Each change is
///   returned once, a node's changes in their order. Cancel-safe.
/// - A node that is held is probed, but never `Replace`; when the hold ends the verdict follows.
/// - Healthy nodes are never `Replace` because the watcher is sick.
/// - `release` of a node that is not held, and `forget` of one that is not watched, are successes.
///
/// # Errors
/// [`NotFound`](crate::ErrorKind::NotFound) from `hold` and `condemn` for a node that is not watched.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Monitor: fmt::Debug + Send + Sync {
    /// Starts to watch a node's instance.
    async fn watch(&self, node: &Node, generation: Generation) -> Result<()>;

    /// Stops to watch a node.
    async fn forget(&self, node: &NodeAddress) -> Result<()>;

    /// The next change of a verdict.
    async fn changed(&self) -> Result<(NodeAddress, Generation, Verdict)>;

    /// Keeps a node from being replaced.
    async fn hold(&self, node: &NodeAddress, hold: Hold) -> Result<()>;

    /// Ends a hold.
    async fn release(&self, node: &NodeAddress) -> Result<()>;

    /// Starts to watch a node that was live when it was last watched, as after a restart of the controller: it has no start-up
    /// time.
    async fn resume(&self, node: &Node, generation: Generation) -> Result<()> {
        self.watch(node, generation).await
    }

    /// Starts to watch a node that was launched so long ago, as after a restart of the controller: its start-up time counts from then.
    async fn adopt(&self, node: &Node, generation: Generation, age: Duration) -> Result<()> {
        let _ = age;
        self.watch(node, generation).await
    }

    /// Says that a replacement of the node is under way, of which this was the last generation: an earlier controller or an
    /// operator decided it. It counts against the budgets as if it had been `Replace`.
    async fn replacing(&self, node: &NodeAddress, generation: Generation) -> Result<()> {
        let _ = (node, generation);
        Ok(())
    }

    /// Says that a node that works is on its way out, and that this is its last generation: somebody ordered that. It counts against the
    /// budgets as if it had been `Leaving`, and becomes `Replace` when it dies meanwhile.
    async fn leaves(&self, node: &NodeAddress, generation: Generation, why: &str) -> Result<()> {
        let _ = why;
        self.replacing(node, generation).await
    }

    /// Says of nodes that their instances ended while nobody watched them, which was their last generation, and how: each becomes `Replace`
    /// as soon as the budgets allow, like any that dies. A monitor without budgets refuses
    /// ([`Unsupported`](crate::ErrorKind::Unsupported)).
    async fn lost(&self, nodes: &[(NodeAddress, Generation, String)]) -> Result<()> {
        let refusal = format!("this monitor cannot say when {} dead nodes may be replaced", nodes.len());
        Err(Error::new(ErrorKind::Unsupported, refusal).during("lost"))
    }

    /// Wants a node replaced that may be healthy, as for another image: it becomes `Leaving` as soon as the budgets allow. A
    /// monitor without budgets refuses ([`Unsupported`](crate::ErrorKind::Unsupported)).
    async fn condemn(&self, node: &NodeAddress, why: &str) -> Result<()> {
        let refusal = format!("this monitor cannot say when a healthy node may be replaced ({why})");
        Err(Error::new(ErrorKind::Unsupported, refusal).during("condemn").on(node.to_string()))
    }

    /// Gives a node up: it is neither probed nor judged until it is watched anew.
    async fn quarantine(&self, node: &NodeAddress, why: &str) -> Result<()> {
        let _ = why;
        self.forget(node).await
    }
}
