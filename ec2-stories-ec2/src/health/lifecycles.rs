//! Which instances are spot: never asked twice.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ec2_stories_core::model::{Instance, InstanceId};

/// Instances beyond those last asked about that are remembered: others may ask about others in turn.
const SPARE: usize = 10_000;

/// An instance is spot, or is not, for its whole life.
#[derive(Debug, Default)]
pub(crate) struct Lifecycles(Mutex<HashMap<InstanceId, bool>>);

impl Lifecycles {
    pub(super) fn unknown(&self, ids: &[InstanceId]) -> Vec<InstanceId> {
        let known = self.known();
        ids.iter().filter(|id| !known.contains_key(*id)).cloned().collect()
    }

    /// Remembers them, and forgets those that nobody asks about any more once they are too many.
    pub(super) fn learn(&self, instances: &[Instance], asked: &[InstanceId]) {
        let mut known = self.known();
        if known.len() > asked.len() + SPARE {
            let asked: HashSet<&InstanceId> = asked.iter().collect();
            known.retain(|id, _| asked.contains(id));
        }
        known.extend(instances.iter().map(|instance| (instance.id.clone(), instance.spot)));
    }

    /// Remembers what another call told, as far as there is room.
    pub(crate) fn note(&self, instances: &[Instance]) {
        let mut known = self.known();
        let room = SPARE.saturating_sub(known.len());
        known.extend(instances.iter().take(room).map(|instance| (instance.id.clone(), instance.spot)));
    }

    pub(super) fn spot(&self, ids: &[InstanceId]) -> Vec<InstanceId> {
        let known = self.known();
        ids.iter().filter(|id| known.get(*id) == Some(&true)).cloned().collect()
    }

    fn known(&self) -> MutexGuard<'_, HashMap<InstanceId, bool>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
