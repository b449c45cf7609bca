//! The last moment before an instance that is to be replaced is terminated.

use super::super::event::EventKind;
use super::super::machine::{Event, Failure};
use super::super::orders::Pause;
use super::{Context, terminate};
use crate::ErrorKind;
use crate::model::{InstanceId, NodeAddress};
use crate::provider::{Hold, Verdict};

/// Why an instance is to be replaced, as far as that can be taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The monitor said so, of the node's present instance.
    Verdict,
    /// Nothing that is said of the present instance changes it.
    Settled,
}

/// Terminates an instance, unless its node is held by now, or the monitor has taken back what it said.
pub(super) async fn replace(
    context: &Context,
    node: NodeAddress,
    instance: InstanceId,
    cause: Cause,
    tell: &(impl Fn(Event) + Sync),
) {
    let verdict = context.known().verdicts.get(&node).cloned();
    let taken_back = matches!((cause, &verdict), (Cause::Verdict, Some(Verdict::Live | Verdict::Suspect(_))));
    let kept = kept(context, &node);
    // Of a dead node that is held a monitor says no more than that it is suspect.
    let lives = taken_back && (kept.is_none() || verdict == Some(Verdict::Live));
    let why = kept.or(taken_back.then(|| "the monitor has taken it back".to_owned()));
    let Some(why) = why else {
        return terminate::terminate(context, vec![(node, instance)], tell).await;
    };
    context.tell(Some(&node), EventKind::Spared(why.clone()));
    let failure = Failure::new(ErrorKind::Canceled, format!("not terminated: {why}"));
    tell(Event::Held { node, instance, failure, lives });
}

/// Who keeps anything of the node from being terminated, now.
pub(super) fn kept(context: &Context, node: &NodeAddress) -> Option<String> {
    if let Some(Hold { owner, reason, until }) = context.hold_of(node) {
        return Some(format!("held by {owner} until {until}: {reason}"));
    }
    let Pause { owner, reason, .. } = context.known().pause.clone()?;
    Some(format!("paused by {owner}: {reason}"))
}

impl Context {
    /// Who keeps a node from being replaced, now.
    pub(super) fn hold_of(&self, node: &NodeAddress) -> Option<Hold> {
        let now = self.now();
        self.known().holds.get(node).filter(|hold| hold.until > now).cloned()
    }
}
