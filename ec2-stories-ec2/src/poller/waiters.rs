//! Those who wait.

use std::collections::{BTreeMap, HashMap};

use ec2_stories_core::Result;
use ec2_stories_core::model::{Instance, InstanceId};
use ec2_stories_core::provider::Goal;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::births::Birth;
use super::boot_times::Kind;

/// One wait.
#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) id: InstanceId,
    pub(super) goal: Goal,
    pub(super) deadline: Instant,
    /// Where this process launched the instance.
    pub(super) birth: Option<Birth>,
    /// Since when it waits.
    pub(super) since: Instant,
    /// When it was last asked about.
    pub(super) asked: Option<Instant>,
    /// When it was last asked about with success.
    pub(super) answered: Option<Instant>,
    /// When it was last seen in another state than the wanted one.
    pub(super) not_yet: Option<Instant>,
    /// What was last seen.
    pub(super) seen: Option<Instance>,
    /// Since when no call has shown it.
    pub(super) absent: Option<Instant>,
    pub(super) reply: oneshot::Sender<Result<Instance>>,
}

impl Waiter {
    fn awaited_kind(&self) -> Option<&Kind> {
        (self.goal == Goal::Running).then_some(self.birth.as_ref()).flatten().map(|birth| &birth.kind)
    }
}

#[derive(Debug, Default)]
pub(super) struct Waiters {
    next: u64,
    waiting: BTreeMap<u64, Waiter>,
    awaited: HashMap<Kind, usize>,
}

impl Waiters {
    pub(super) fn add(&mut self, waiter: Waiter) -> u64 {
        if let Some(kind) = waiter.awaited_kind() {
            *self.awaited.entry(kind.clone()).or_default() += 1;
        }
        self.next += 1;
        self.waiting.insert(self.next, waiter);
        self.next
    }

    pub(super) fn remove(&mut self, key: u64) -> Option<Waiter> {
        let waiter = self.waiting.remove(&key)?;
        if let Some(kind) = waiter.awaited_kind()
            && let Some(count) = self.awaited.get_mut(kind)
        {
            *count -= 1;
            if *count == 0 {
                self.awaited.remove(kind);
            }
        }
        Some(waiter)
    }

    /// How many instances of a kind are waited for to run.
    pub(super) fn awaited(&self, kind: &Kind) -> usize {
        self.awaited.get(kind).copied().unwrap_or(0)
    }

    pub(super) fn get(&self, key: u64) -> Option<&Waiter> {
        self.waiting.get(&key)
    }

    pub(super) fn get_mut(&mut self, key: u64) -> Option<&mut Waiter> {
        self.waiting.get_mut(&key)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &Waiter)> {
        self.waiting.iter().map(|(key, waiter)| (*key, waiter))
    }

    /// Lets everyone go: those who still want to wait will ask again.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
        self.awaited.clear();
    }
}
