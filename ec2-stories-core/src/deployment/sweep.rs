//! Looking for what nobody owns.

mod expired;

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Deployment;
use super::driver::{On, call, recover};
use super::journal::{Journal, SweepRecord};
use super::machine::Whose;
use crate::Result;
use crate::model::{Generation, Instance, InstanceId, NodeAddress};

/// Between the two sightings that it takes; tags and listings are consistent long before.
pub(super) const APART: Duration = Duration::from_secs(60);

/// An instance that carries the deployment's tag and is no node's, or a node's whose time is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stray {
    /// The instance.
    pub instance: InstanceId,
    /// The node it was launched for, where its tags say so.
    pub node: Option<NodeAddress>,
    /// Its generation, where its tags say so.
    pub generation: Option<Generation>,
    /// Whether it was terminated.
    pub terminated: bool,
    /// Why, or why not.
    pub why: String,
}

/// What a sweep found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sweep {
    /// Every stray.
    pub strays: Vec<Stray>,
}

impl fmt::Display for Sweep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.strays.is_empty() {
            return writeln!(f, "no strays");
        }
        for stray in &self.strays {
            writeln!(f, "{stray}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Stray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let done = if self.terminated { "terminated" } else { "left" };
        write!(f, "{}: {done}: {}", self.instance, self.why)
    }
}

/// Why another's instance is left, and what to do about it.
pub(super) const FOREIGN: &str = "launched under another journal, and neither adopted nor ended: another deployment has this \
                                  name, so give one of the two another; if there is none, terminate under a journal that is empty";

/// What becomes of a stray that was seen first so long ago: whether it is terminated, and why, or why not.
pub(super) fn judge(whose: Whose, seen_for: Duration) -> (bool, &'static str) {
    match (whose, seen_for >= APART) {
        (Whose::Foreign, _) => (false, FOREIGN),
        (Whose::Older, true) => (true, "of an older generation, seen twice"),
        (Whose::Older, false) => {
            (false, "of an older generation, seen for the first time; sweep again in a minute")
        }
        _ => (false, "not of an older generation: look at it"),
    }
}

impl Deployment {
    /// Looks for instances that carry this deployment's tag and are no node's. Only one of an older generation than its
    /// node's, seen by two sweeps at least a minute apart, is terminated; any other is reported. Dropped in the middle, it is
    /// repeated. A controller does the same by itself, and tells of it as [`EventKind::Stray`](super::EventKind::Stray).
    ///
    /// Nodes that have [expired](crate::model::Expiry) and did not end themselves are terminated too, where no controller has
    /// the deployment; to make sure of that takes a lease's time at most.
    ///
    /// # Errors
    /// The journal or the cloud could not be read, or the terminate call failed.
    pub async fn sweep(&self) -> Result<Sweep> {
        let context = self.context();
        let recovered = recover(&context).await?.complete()?;
        let mut expired = expired::end(self, &context, &recovered).await?;
        let before: SweepRecord = context.journal.read(Journal::SWEEP).await?.unwrap_or_default();
        let now = context.now();
        let mut record = SweepRecord::default();
        let mut doomed = Vec::new();
        let mut strays = Vec::new();
        for super::driver::Stray { instance, whose } in recovered.strays {
            if expired.iter().any(|expired| expired.instance == instance.id) {
                continue;
            }
            let first = before.seen.get(&instance.id).copied().unwrap_or(now);
            record.seen.insert(instance.id.clone(), first);
            let seen_for = Duration::try_from(now.duration_since(first)).unwrap_or_default();
            let (ends, why) = judge(whose, seen_for);
            if ends {
                doomed.push(instance.id.clone());
            }
            strays.push(Stray::of(&instance, why));
        }
        context.journal.write(Journal::SWEEP, &record).await?;
        if !doomed.is_empty() {
            let ended =
                call(&context, "terminate", On::Instances(doomed.len()), context.cloud.terminate(&doomed))
                    .await?;
            for end in ended {
                let Some(stray) = strays.iter_mut().find(|stray| stray.instance == end.id) else { continue };
                match end.outcome {
                    Ok(()) => stray.terminated = true,
                    Err(error) => stray.why = error.chain(),
                }
            }
        }
        strays.append(&mut expired);
        Ok(Sweep { strays })
    }
}

impl Stray {
    /// One that was not terminated.
    pub(super) fn of(instance: &Instance, why: &str) -> Self {
        Self {
            instance: instance.id.clone(),
            node: instance.node(),
            generation: instance.ownership().map(|owner| owner.generation),
            terminated: false,
            why: why.to_owned(),
        }
    }
}
