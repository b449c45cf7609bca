//! A probe whose answers a test writes.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::model::NodeAddress;
use crate::provider::{Liveness, Node, Probe};

/// Answers as a test says, and `Live` where it says nothing. Clones share the answers.
#[derive(Clone, Debug, Default)]
pub struct ScriptedProbe(Arc<Mutex<BTreeMap<NodeAddress, Answers>>>);

#[derive(Debug, Default)]
struct Answers {
    next: VecDeque<Liveness>,
    then: Option<Liveness>,
    asked: usize,
}

impl ScriptedProbe {
    /// Everything lives.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers this about the node once, after what was said before.
    pub fn once(&self, node: &NodeAddress, answer: Liveness) {
        self.lock().entry(node.clone()).or_default().next.push_back(answer);
    }

    /// Answers this about the node from now on, after what was said once.
    pub fn always(&self, node: &NodeAddress, answer: Liveness) {
        self.lock().entry(node.clone()).or_default().then = Some(answer);
    }

    /// How many times it was asked about the node.
    #[must_use]
    pub fn asked(&self, node: &NodeAddress) -> usize {
        self.lock().get(node).map_or(0, |answers| answers.asked)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<NodeAddress, Answers>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Probe for ScriptedProbe {
    fn name(&self) -> String {
        "scripted".to_owned()
    }

    async fn check(&self, node: &Node) -> Liveness {
        let mut answers = self.lock();
        let answers = answers.entry(node.address.clone()).or_default();
        answers.asked += 1;
        answers.next.pop_front().or_else(|| answers.then.clone()).unwrap_or(Liveness::Live)
    }
}
