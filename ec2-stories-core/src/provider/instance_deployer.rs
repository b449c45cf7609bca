//! Launching, watching and terminating instances.

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::Instant as Deadline;

use crate::model::{Diagnosis, Instance, InstanceHealth, InstanceId, Launch, LaunchRequest, OwnedBy};
use crate::{Error, ErrorKind, Result};

/// What a wait waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Goal {
    /// The instance runs.
    Running,
    /// The instance is terminated, or was so long ago that the cloud has forgotten it.
    Terminated,
}

/// How bad a preflight finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing; also what could not be checked.
    Note,
    /// The launch would fail.
    Error,
}

/// One finding of a preflight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How bad.
    pub severity: Severity,
    /// The field to change, as in a description: `fleet.web.instance_types`.
    pub field: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

/// What became of one instance in a terminate call.
#[derive(Debug)]
pub struct Termination {
    /// The instance.
    pub id: InstanceId,
    /// Accepted, or why not. An instance that the cloud does not know (any more) is accepted.
    pub outcome: Result<(), Error>,
}

/// Launches instances and looks after them.
///
/// # Contract
/// - **Launch** is one call for the whole batch, under the request's token, with every tag in the same call. The same
///   request again returns the same instances and launches nothing. Fewer than asked for (but at least
///   `at_least`) is an `Ok`. It never changes the request: another type or zone is the caller's decision.
/// - **Describe** takes any number of ids; an id that the cloud does not know (yet) is absent from the
///   answer and does not hide the others. No ids: no call, no instances.
/// - **Find** lists what carries the deployment's tag; it is eventually consistent, so an empty answer is not proof of
///   absence. Terminated instances that are still visible are listed.
/// - **Wait** ends when the goal is reached, when it can no longer be, or at the deadline, and says which, with a
///   diagnosis. Many waits at once share their calls. An id that is not known yet is waited for.
/// - **Terminate** is idempotent, in batches, and each id has its own outcome; one bad id does not keep the others
///   alive. It does not wait. No ids: no call.
/// - **Health** is one call for many, as describe: state, status checks, scheduled events, notices of the spot market. An id that
///   the cloud does not know is absent; a terminated instance that is still visible is there.
/// - **Extend** moves the time after which an instance ends itself, in one call for many; a describe shows it in the instance's
///   [`ownership`](Instance::ownership). Repeating it is harmless. An id that the cloud does not know (yet) is passed over.
/// - There is no call over "all instances".
/// - Cancel safety: describe, find, wait, preflight and diagnose may be dropped at any time. A launch that is dropped may
///   have happened: replay it. A terminate that is dropped may have happened: repeat it.
///
/// # Errors
/// [`Capacity`](crate::ErrorKind::Capacity) is definitive for this type and place, [`Throttled`](crate::ErrorKind::Throttled)
/// and [`Limit`](crate::ErrorKind::Limit) are not capacity; an ambiguous launch is replayed under its token.
/// [`Conflict`](crate::ErrorKind::Conflict) from launch: the token was used for another request
/// (`IdempotentParameterMismatch`); [`Failed`](crate::ErrorKind::Failed) from launch: the token's instances were terminated
/// (`IdempotentInstanceTerminated`). [`Failed`](crate::ErrorKind::Failed) from wait: the goal cannot be reached;
/// [`Timeout`](crate::ErrorKind::Timeout): the deadline passed, and the cloud says that the goal was not reached. Where the
/// cloud did not say, as asking failed, it is that failure's kind, temporary: nothing is known of the instance.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait InstanceDeployer: fmt::Debug + Send + Sync {
    /// Launches a batch, or returns what the same request launched before.
    async fn launch(&self, request: &LaunchRequest) -> Result<Launch>;

    /// Describes these instances.
    async fn describe(&self, ids: &[InstanceId]) -> Result<Vec<Instance>>;

    /// Lists what a deployment owns.
    async fn find(&self, owned: &OwnedBy) -> Result<Vec<Instance>>;

    /// Waits until an instance has reached the goal.
    async fn wait(&self, id: &InstanceId, goal: Goal, deadline: Deadline) -> Result<Instance>;

    /// Terminates these instances; see the contract for each one's outcome.
    async fn terminate(&self, ids: &[InstanceId]) -> Result<Vec<Termination>>;

    /// Checks, without spending anything, whether the request would work. `field` is the description's path to the
    /// fleet, such as `fleet.web`, with which each finding's field begins.
    async fn preflight(&self, request: &LaunchRequest, field: &str) -> Result<Vec<Finding>>;

    /// Says what is known of an instance that does not do what it should. It collects what it can get and fails for
    /// nothing that it cannot.
    async fn diagnose(&self, id: &InstanceId) -> Diagnosis;

    /// How these instances are, beyond their state. A cloud without status checks says what a describe tells.
    async fn health(&self, ids: &[InstanceId]) -> Result<Vec<InstanceHealth>> {
        Ok(self.describe(ids).await?.iter().map(InstanceHealth::of).collect())
    }

    /// Moves the expiry of these instances, which they read themselves. A cloud that cannot says so
    /// ([`Unsupported`](crate::ErrorKind::Unsupported)).
    async fn extend(&self, ids: &[InstanceId], until: Timestamp) -> Result<()> {
        let why = format!("this cloud cannot extend the life of {} instances to {until}", ids.len());
        Err(Error::new(ErrorKind::Unsupported, why).during("extend"))
    }

    /// What the instance has printed on its console: all that the cloud keeps, `None` while there is nothing. A cloud
    /// without consoles says that it offers none ([`Unsupported`](crate::ErrorKind::Unsupported)).
    ///
    /// It is the guest's own word, and may hold what must not be in a log.
    async fn console(&self, id: &InstanceId) -> Result<Option<String>> {
        Err(Error::new(ErrorKind::Unsupported, "this cloud gives no console output").on(id.to_string()))
    }
}
