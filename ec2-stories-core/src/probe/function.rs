//! A closure as a probe.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use super::{default_timeout, refuse, within};
use crate::Result;
use crate::provider::{Liveness, Node, Probe};

/// A probe that is a closure; see [`probe_fn`].
#[derive(Clone)]
pub struct ProbeFn<F> {
    name: String,
    check: F,
    timeout: Duration,
}

/// Asks the closure about each node. One that has state of its own gives each future a clone of it.
///
/// ```
/// use ec2_stories_core::probe::probe_fn;
/// use ec2_stories_core::provider::{Liveness, Node};
///
/// let probe = probe_fn("zone", async |node: Node| match node.instance.zone.as_str() {
///     "eu-west-1a" => Liveness::Live,
///     zone => Liveness::Failing(format!("it is in {zone}")),
/// });
/// # drop(probe);
/// ```
pub fn probe_fn<F, A>(name: impl Into<String>, check: F) -> ProbeFn<F>
where
    F: Fn(Node) -> A + Send + Sync,
    A: Future<Output = Liveness> + Send,
{
    ProbeFn { name: name.into(), check, timeout: default_timeout() }
}

impl<F> ProbeFn<F> {
    /// How long it may take; 5 s where not said.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl<F> fmt::Debug for ProbeFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProbeFn")
            .field("name", &self.name)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl<F, A> Probe for ProbeFn<F>
where
    F: Fn(Node) -> A + Send + Sync,
    A: Future<Output = Liveness> + Send,
{
    fn name(&self) -> String {
        self.name.clone()
    }

    fn consistent(&self) -> Result<()> {
        refuse::timeout(self.timeout)
    }

    async fn check(&self, node: &Node) -> Liveness {
        within(self.timeout, (self.check)(node.clone())).await
    }
}
