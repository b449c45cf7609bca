//! Customising a node that runs.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::Node;
use crate::Result;

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    /// It changed the node.
    Changed,
    /// The node was as it should be already.
    Unchanged,
    /// It failed; the text says why and holds no secret.
    Failed(String),
    /// It was not tried: one before it failed, or it is not for this node as that is now.
    Skipped,
}

/// A step and how it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepReport {
    /// The step, for people.
    pub step: String,
    /// How it ended.
    pub outcome: StepOutcome,
}

/// Runs steps on a node.
///
/// # Contract
/// - `customize` reports on every step, in order; a failed step ends the run, and the rest are `Skipped`. A failed step
///   is an `Ok` with that report; an `Err` is for what never reached the node.
/// - A step whose own condition says that it is not for this node is `Skipped` too, and the run goes on.
/// - Steps are idempotent: a second run changes nothing.
/// - `undo` goes through the steps in reverse, goes on after a failure, and is a success on a node that was never customized.
/// - Both may be dropped and repeated.
/// - `revision` differs when `customize` would leave a node otherwise than it did before. It asks no node.
///
/// # Errors
/// The status says whether the same call may succeed later: a node that cannot be reached yet is temporary.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Customizer: fmt::Debug + Send + Sync {
    /// What it does, for people.
    fn name(&self) -> String;

    /// What it would do, as a text to compare: a hash, a version. Live nodes that were customized at another revision are
    /// customized again. Empty where it does not say; then they are not.
    async fn revision(&self) -> Result<String> {
        Ok(String::new())
    }

    /// Runs the steps.
    async fn customize(&self, node: &Node) -> Result<Vec<StepReport>>;

    /// Takes them back.
    async fn undo(&self, node: &Node) -> Result<Vec<StepReport>>;

    /// Waits until what dropped calls had begun on nodes has ended there. Whoever leaves nodes to themselves asks it, once the calls
    /// are dropped, and does not wait for long. By default there is nothing to wait for.
    async fn settle(&self) {}
}
