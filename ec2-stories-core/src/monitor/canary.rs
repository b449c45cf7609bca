//! Something else that must answer, or the watcher is sick.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;

use crate::provider::{Liveness, Node, Probe};

/// What a monitor asks beside its nodes, to know whether its own network works: a gateway, a neighbor, the cloud's own
/// endpoint. It must not depend on the nodes.
///
/// With more than half of the canaries not `Live` a monitor is blind. To a canary `Unknown` is as bad as `Failing`: that the
/// prober cannot find out is what is asked.
#[derive(Clone)]
pub struct Canary {
    pub(super) name: String,
    check: Arc<dyn Fn() -> BoxFuture<'static, Liveness> + Send + Sync>,
}

impl Canary {
    /// A canary that is asked by this function.
    pub fn new<F>(name: impl Into<String>, check: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Liveness> + Send + 'static,
    {
        Self { name: name.into(), check: Arc::new(move || check().boxed()) }
    }

    /// A canary that is asked by a probe, as if it were this node.
    #[must_use]
    pub fn probed(node: Node, probe: Arc<dyn Probe>) -> Self {
        let (name, node) = (format!("{} of {node}", probe.name()), Arc::new(node));
        Self::new(name, move || {
            let (node, probe) = (node.clone(), probe.clone());
            async move { probe.check(&node).await }
        })
    }

    pub(super) fn check(&self) -> BoxFuture<'static, Liveness> {
        (self.check)()
    }
}

impl fmt::Debug for Canary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Canary").field(&self.name).finish()
    }
}
