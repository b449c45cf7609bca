//! The limits of a deployment, held just before a call from what the journal says.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use super::super::journal::{LaunchOutcome, LaunchRecord};
use super::Context;
use super::context::Known;
use crate::model::{ClientToken, InstanceId, Limits};
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

    fn launched(&self) -> u32 {
        let before = self.head.as_ref().map_or(0, |head| head.launched);
        before + self.launches.values().map(LaunchRecord::launches).sum::<u32>()
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
        let launched = known.launched();
        let mut recent: Vec<(Timestamp, u32)> =
            known.launches.values().map(|record| (record.written_at, record.launches())).collect();
        if let Some(head) = &mut known.head {
            recent.append(&mut head.recent);
            recent.retain(|(at, count)| *at > since && *count > 0);
            recent.sort();
            head.launched = launched;
            head.recent = recent;
        }
        known.launches.clear();
    }
}
