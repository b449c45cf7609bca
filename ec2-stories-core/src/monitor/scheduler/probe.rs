//! One probe of one node.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::time::timeout;

use super::{Shared, agenda};
use crate::monitor::machine::{At, Event, Key};
use crate::provider::{Liveness, Node, Probe};

/// A probe that is due.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) key: Key,
    pub(super) watch: u32,
    pub(super) due: At,
    pub(super) node: Node,
    pub(super) probe: Arc<dyn Probe>,
    pub(super) timeout: Duration,
    pub(super) period: Duration,
}

impl Job {
    /// Asks, tells the machine, and plans the next.
    pub(super) async fn run(self, shared: Arc<Shared>) {
        let liveness = ask(&*self.probe, &self.node, self.timeout).await;
        let now = shared.now();
        let mut engine = shared.lock();
        let (key, watch) = (self.key, self.watch);
        shared.step_in(&mut engine, Event::Answer { key, watch, liveness }, now);
        if engine.machine.listens(key, watch) {
            shared.plan(&mut engine, key, watch, agenda::after(self.due, key, self.period, now));
        }
        if engine.running == shared.max_probes {
            shared.hurry.notify_one();
        }
        engine.running -= 1;
    }
}

/// The probe's answer, or why there is none.
pub(in crate::monitor) async fn ask(probe: &dyn Probe, node: &Node, patience: Duration) -> Liveness {
    let check = AssertUnwindSafe(async { timeout(patience, probe.check(node)).await });
    match check.catch_unwind().await {
        Ok(Ok(liveness)) => liveness,
        Ok(Err(_)) => Liveness::Failing(format!("{}: no answer within {patience:?}", probe.name())),
        // Its own fault is not the node's.
        Err(panic) => Liveness::Unknown(format!("the probe panicked: {}", message(&*panic))),
    }
}

pub(super) fn message(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a word")
}
