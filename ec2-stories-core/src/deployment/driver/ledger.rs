//! The limits of a deployment, held just before a call from what the journal says.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use super::super::journal::{Journal, LaunchOutcome, LaunchRecord};
use super::Context;
use super::context::Known;
use crate::model::{ClientToken, Generation, InstanceId, Limits, Name, Ownership};
use crate::{Error, ErrorKind, Result};

const HOUR: Duration = Duration::from_secs(3600);

impl Known {
    /// Instances that there are, or may be.
    fn nodes(&self) -> u32 {
        let mut there: BTreeSet<&InstanceId> = self.adopted.iter().collect();
        let mut open = 0;
        for record in self.launches.values() {
            match &record.outcome {
                None => open += record.request.count(),
                Some(LaunchOutcome::Launched(instances)) => there.extend(instances.values()),
                Some(LaunchOutcome::Refused(_) | LaunchOutcome::Lost(_)) => {}
            }
        }
        there.retain(|id| !self.gone.contains(*id));
        u32::try_from(there.len()).unwrap_or(u32::MAX).saturating_add(open)
    }

    /// Launches that later ones have made void: what each of their slots has came after them, and what they made is gone.
    fn void(&self) -> Vec<ClientToken> {
        let mut latest: BTreeMap<(&Name, u32), (Generation, u32)> = BTreeMap::new();
        for LaunchRecord { request, outcome, .. } in self.launches.values() {
            let Some(LaunchOutcome::Launched(made)) = outcome else { continue };
            let Ownership { fleet, generation, attempt, .. } = &request.ownership;
            for slot in made.keys() {
                let known = latest.entry((fleet, *slot)).or_default();
                *known = (*known).max((*generation, *attempt));
            }
        }
        let is_void = |record: &LaunchRecord| {
            let Ownership { fleet, slots, generation, attempt, .. } = &record.request.ownership;
            let is_gone = match &record.outcome {
                None => false,
                Some(LaunchOutcome::Launched(made)) => made.values().all(|id| self.gone.contains(id)),
                Some(LaunchOutcome::Refused(_) | LaunchOutcome::Lost(_)) => true,
            };
            let is_past = |slot| latest.get(&(fleet, slot)).is_some_and(|now| *now > (*generation, *attempt));
            is_gone && slots.iter().all(is_past)
        };
        let void = self.launches.iter().filter(|(_, record)| is_void(record));
        void.map(|(token, _)| token.clone()).collect()
    }

    fn launched(&self) -> u32 {
        let before = self.head.as_ref().map_or(0, |head| head.launched);
        before + self.launches.values().map(LaunchRecord::launches).sum::<u32>()
    }

    /// Keeps in the head what the limits must remember of these records.
    fn fold<'a>(&mut self, records: impl Iterator<Item = &'a LaunchRecord>, since: Timestamp) {
        let Some(head) = &mut self.head else { return };
        for record in records {
            head.launched += record.launches();
            head.recent.push((record.written_at, record.launches()));
        }
        head.recent.retain(|(at, count)| *at > since && *count > 0);
        head.recent.sort_unstable();
    }

    fn launched_since(&self, since: Timestamp) -> u32 {
        let before = self.head.iter().flat_map(|head| &head.recent).filter(|(at, _)| *at > since);
        let these = self.launches.values().filter(|record| record.written_at > since);
        before.map(|(_, count)| *count).sum::<u32>() + these.map(LaunchRecord::launches).sum::<u32>()
    }
}

impl Context {
    /// Takes up a launch whose intent is about to be written, unless that would exceed a limit.
    pub(super) fn reserve(&self, token: &ClientToken, record: &LaunchRecord) -> Result<()> {
        let Limits { nodes, launches_per_hour, launches } = self.spec.limits;
        let count = record.request.count();
        let mut known = self.known();
        let since = record.written_at - HOUR;
        let checks = [
            ("limits.nodes", known.nodes(), nodes, "nodes at once"),
            (
                "limits.launches_per_hour",
                known.launched_since(since),
                launches_per_hour,
                "launches within an hour",
            ),
            ("limits.launches", known.launched(), launches, "launches in all"),
        ];
        for (field, now, limit, what) in checks {
            if now.saturating_add(count) > limit {
                let why =
                    format!("{field}: {count} more after {now} would exceed the limit of {limit} {what}");
                return Err(Error::new(ErrorKind::Limit, why));
            }
        }
        known.launches.insert(token.clone(), record.clone());
        Ok(())
    }

    /// Keeps in the head what the limits must remember when the launch records go.
    pub(super) fn fold_launches(&self) {
        let since = self.now() - HOUR;
        let mut known = self.known();
        let records = std::mem::take(&mut known.launches);
        known.fold(records.values(), since);
    }

    /// Removes launch records that say nothing any more, so that a journal does not grow with every replacement. The head says first which,
    /// so that none is counted there and here, wherever the controller dies.
    pub(super) async fn prune_launches(&self) {
        let since = self.now() - HOUR;
        let (head, is_new) = {
            let mut known = self.known();
            let void = known.void();
            let records: Vec<LaunchRecord> =
                void.iter().filter_map(|token| known.launches.remove(token)).collect();
            known.fold(records.iter(), since);
            let Some(head) = &mut known.head else { return };
            head.folded.extend(void.iter().cloned());
            let head = head.clone();
            known.folds |= !void.is_empty();
            (head, known.folds)
        };
        let pruned = async {
            if is_new {
                self.journal.write(Journal::HEAD, &head).await?;
                self.known().folds = false;
            }
            for token in &head.folded {
                self.journal.remove(&Journal::launch(token)).await?;
                if let Some(head) = &mut self.known().head {
                    head.folded.remove(token);
                }
            }
            Ok(())
        };
        // What stays is removed with what follows, or after the next start.
        if let Err(error) = pruned.await {
            self.unwritten(None, &error);
        }
    }
}
