//! A monitor whose verdicts a test writes.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;

use crate::model::{Generation, NodeAddress};
use crate::provider::{Hold, Monitor, Node, Verdict};
use crate::{Clock, Error, ErrorKind, Result};

/// Passes on the verdicts that a test gives, with generations and holds as the contract says. Clones share the nodes.
#[derive(Clone, Debug)]
pub struct MemoryMonitor(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    watched: BTreeMap<NodeAddress, Watched>,
    unread: VecDeque<(NodeAddress, Generation, Verdict)>,
}

#[derive(Debug)]
struct Watched {
    generation: Generation,
    given: Verdict,
    shown: Verdict,
    hold: Option<Hold>,
}

impl MemoryMonitor {
    /// Watches nothing; holds end by this clock.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Inner { clock, state: Mutex::default(), changed: Notify::new() }))
    }

    /// Gives a verdict about a node that is watched; it is `Live` when the watch begins.
    pub fn judge(&self, node: &NodeAddress, verdict: Verdict) {
        if let Some(watched) = self.lock().watched.get_mut(node) {
            watched.given = verdict;
        }
        self.0.changed.notify_waiters();
    }

    /// The nodes that are watched.
    #[must_use]
    pub fn watched(&self) -> Vec<(NodeAddress, Generation)> {
        self.lock().watched.iter().map(|(node, watched)| (node.clone(), watched.generation)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next change that nobody has read, or how long until a hold ends.
    fn next(&self) -> Result<(NodeAddress, Generation, Verdict), Option<Duration>> {
        let now = self.0.clock.now();
        let State { watched, unread } = &mut *self.lock();
        let mut ends = Vec::new();
        for (node, watched) in watched {
            watched.hold.take_if(|hold| hold.until <= now);
            let verdict = match (&watched.given, &watched.hold) {
                (Verdict::Replace(why), Some(hold)) => {
                    ends.push(hold.until.duration_since(now).unsigned_abs());
                    Verdict::Suspect(format!("{why}; held by {}: {}", hold.owner, hold.reason))
                }
                (given, _) => given.clone(),
            };
            if verdict != watched.shown {
                watched.shown = verdict.clone();
                unread.push_back((node.clone(), watched.generation, verdict));
            }
        }
        unread.pop_front().ok_or_else(|| ends.into_iter().min())
    }
}

#[async_trait]
impl Monitor for MemoryMonitor {
    async fn watch(&self, node: &Node, generation: Generation) -> Result<()> {
        let mut state = self.lock();
        if state.watched.get(&node.address).is_some_and(|watched| watched.generation > generation) {
            return Ok(());
        }
        let hold = state.watched.remove(&node.address).and_then(|watched| watched.hold);
        state.unread.retain(|(unread, ..)| *unread != node.address);
        let watched = Watched { generation, given: Verdict::Live, shown: Verdict::Live, hold };
        state.watched.insert(node.address.clone(), watched);
        Ok(())
    }

    async fn forget(&self, node: &NodeAddress) -> Result<()> {
        let mut state = self.lock();
        state.watched.remove(node);
        state.unread.retain(|(unread, ..)| unread != node);
        Ok(())
    }

    async fn changed(&self) -> Result<(NodeAddress, Generation, Verdict)> {
        loop {
            let changed = self.0.changed.notified();
            match self.next() {
                Ok(change) => return Ok(change),
                Err(Some(hold)) => {
                    tokio::select! {
                        () = tokio::time::sleep(hold) => {}
                        () = changed => {}
                    }
                }
                Err(None) => changed.await,
            }
        }
    }

    async fn hold(&self, node: &NodeAddress, hold: Hold) -> Result<()> {
        let unwatched =
            || Error::new(ErrorKind::NotFound, "the node is not watched").during("hold").on(node.to_string());
        self.lock().watched.get_mut(node).ok_or_else(unwatched)?.hold = Some(hold);
        self.0.changed.notify_waiters();
        Ok(())
    }

    async fn release(&self, node: &NodeAddress) -> Result<()> {
        if let Some(watched) = self.lock().watched.get_mut(node) {
            watched.hold = None;
        }
        self.0.changed.notify_waiters();
        Ok(())
    }
}
