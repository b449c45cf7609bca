//! Renewing the nodes' time for as long as the controller lives.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::sleep;

use super::super::Context;
use super::super::call::{On, call};
use super::{LOOKS, OFTEN, of_fleet};
use crate::model::{Expires, Expiry, InstanceId};
use crate::{ErrorKind, Result};

/// Between two looks at what is due, at most.
const SELDOM: Duration = Duration::from_secs(60);

/// An instance that has a time.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Life {
    id: InstanceId,
    /// As last seen.
    tag: Timestamp,
    expiry: Expiry,
}

/// What was renewed by this controller: what is seen of an instance can be older.
#[derive(Debug, Default)]
struct Renewed(HashMap<InstanceId, Timestamp>);

impl Renewed {
    /// What is to be renewed now, and until when. One that is due takes the others of its kind along: they share a call.
    /// No time is ever moved to an earlier one.
    fn due(&self, lives: &[Life], now: Timestamp) -> BTreeMap<Timestamp, Vec<InstanceId>> {
        let mut kinds: BTreeMap<Timestamp, (bool, Vec<InstanceId>)> = BTreeMap::new();
        for Life { id, tag, expiry } in lives {
            let until = self.0.get(id).map_or(*tag, |known| *known.max(tag));
            let (target, margin) = match expiry {
                Expiry::Never => (Expires::NEVER, SignedDuration::MAX),
                Expiry::After(after) => {
                    let left = SignedDuration::try_from(*after * 2 / 3).unwrap_or(SignedDuration::MAX);
                    (Expires::after(now, *after).time(), left)
                }
            };
            if until < target {
                let (due, ids) = kinds.entry(target).or_default();
                *due |= until.duration_since(now) <= margin;
                ids.push(id.clone());
            }
        }
        kinds.into_iter().filter(|(_, (due, _))| *due).map(|(until, (_, ids))| (until, ids)).collect()
    }

    fn note(&mut self, ids: &[InstanceId], until: Timestamp) {
        self.0.extend(ids.iter().map(|id| (id.clone(), until)));
    }

    fn forget_all_but(&mut self, lives: &[Life]) {
        let present: std::collections::HashSet<&InstanceId> = lives.iter().map(|life| &life.id).collect();
        self.0.retain(|id, _| present.contains(id));
    }
}

/// Renews at a third of the time, until the nodes are to end. Never ends where there is something to renew; to be dropped
/// with the controller.
pub(crate) async fn keep(context: Arc<Context>) {
    let expiries = context.spec.fleets.iter().map(|fleet| of_fleet(&context.spec, Some(fleet)));
    let shortest = expiries.chain([of_fleet(&context.spec, None)]).filter_map(Expiry::after).min();
    let pause = shortest.map_or(SELDOM, |after| (after / LOOKS).clamp(OFTEN, SELDOM));
    let mut renewed = Renewed::default();
    let mut told = None;
    while !context.view.progress.borrow().ending {
        match renew(&context, &mut renewed).await {
            Ok(()) if shortest.is_none() => return,
            Ok(()) => told = None,
            Err(error) => {
                let why = format!("the nodes' expiry was not moved: {}", error.chain());
                if told.as_ref() != Some(&why) {
                    context.problem(None, why.clone());
                    told = Some(why);
                }
                if error.kind() == ErrorKind::Unsupported {
                    return;
                }
            }
        }
        sleep(pause).await;
    }
}

async fn renew(context: &Context, renewed: &mut Renewed) -> Result<()> {
    let lives = lives(context);
    renewed.forget_all_but(&lives);
    for (until, ids) in renewed.due(&lives, context.now()) {
        call(context, "extend", On::Instances(ids.len()), context.cloud.extend(&ids, until)).await?;
        renewed.note(&ids, until);
    }
    Ok(())
}

/// The nodes' instances that were launched with a time.
fn lives(context: &Context) -> Vec<Life> {
    let life = |node: crate::deployment::NodeStatus| {
        let instance = node.instance.filter(|instance| !instance.state.is_ending())?;
        let tag = Expires::from_tags(&instance.tags)?.time();
        let fleet = context.fleet(&node.address.fleet).map(|fleet| &fleet.spec);
        Some(Life { id: instance.id, tag, expiry: of_fleet(&context.spec, fleet) })
    };
    context.view.nodes().into_iter().filter_map(life).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::constant(1_767_225_600 + 60 * minute, 0)
    }

    fn life(id: &str, expires: i64, hours: Option<u64>) -> Life {
        let expiry = hours.map_or(Expiry::Never, |hours| Expiry::After(Duration::from_secs(3600 * hours)));
        Life { id: id.into(), tag: at(expires), expiry }
    }

    fn ids(ids: &[&str]) -> Vec<InstanceId> {
        ids.iter().map(|id| InstanceId::new(*id)).collect()
    }

    #[test]
    fn one_that_is_due_takes_its_kind_along() {
        let (mut renewed, lives) = (Renewed::default(), [life("i-a", 60, Some(1)), life("i-b", 65, Some(1))]);
        assert!(renewed.due(&lives, at(19)).is_empty());
        let due = renewed.due(&lives, at(20));
        assert_eq!(due, [(at(80), ids(&["i-a", "i-b"]))].into());
        due.iter().for_each(|(until, ids)| renewed.note(ids, *until));
        assert!(renewed.due(&lives, at(39)).is_empty(), "what is seen of them is older");
        assert_eq!(renewed.due(&lives, at(40)), [(at(100), ids(&["i-a", "i-b"]))].into());
    }

    #[test]
    fn what_lives_longer_is_left_and_what_is_past_is_due_at_once() {
        let lives = [life("i-far", 600, Some(1)), life("i-past", -60, Some(1)), life("i-four", 60, Some(4))];
        let due = Renewed::default().due(&lives, at(0));
        assert_eq!(due, [(at(60), ids(&["i-past"])), (at(240), ids(&["i-four"]))].into());
    }

    #[test]
    fn what_never_expires_any_more_is_told_so_once() {
        let (mut renewed, lives) = (Renewed::default(), [life("i-a", 60, None)]);
        assert_eq!(renewed.due(&lives, at(0)), [(Expires::NEVER, ids(&["i-a"]))].into());
        renewed.note(&ids(&["i-a"]), Expires::NEVER);
        assert!(renewed.due(&lives, at(0)).is_empty());
        renewed.forget_all_but(&[]);
        assert!(renewed.0.is_empty());
    }
}
