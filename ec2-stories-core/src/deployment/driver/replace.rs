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
    if let Some(Hold { owner, reason, until }) = context.hold_of(&node) {
        let why = format!("held by {owner} until {until}: {reason}");
        return spare(context, node, instance, &why, tell);
    }
    let pause = context.known().pause.clone();
    if let Some(Pause { owner, reason, .. }) = pause {
        return spare(context, node, instance, &format!("paused by {owner}: {reason}"), tell);
    }
    let verdict = context.known().verdicts.get(&node).cloned();
    if let (Cause::Verdict, Some(Verdict::Live | Verdict::Suspect(_))) = (cause, verdict) {
        return spare(context, node, instance, "the monitor has taken it back", tell);
    }
    terminate::terminate(context, vec![(node, instance)], tell).await;
}

fn spare(context: &Context, node: NodeAddress, instance: InstanceId, why: &str, tell: &impl Fn(Event)) {
    context.tell(Some(&node), EventKind::Spared(why.to_owned()));
    let failure = Failure::new(ErrorKind::Canceled, format!("not terminated: {why}"));
    tell(Event::Held { node, instance, failure });
}

impl Context {
    /// Who keeps a node from being replaced, now.
    pub(super) fn hold_of(&self, node: &NodeAddress) -> Option<Hold> {
        let now = self.now();
        self.known().holds.get(node).filter(|hold| hold.until > now).cloned()
    }
}
