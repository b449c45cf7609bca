//! Taking instances down, and proving that nothing is left.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::time::{Instant, sleep};

use super::super::machine::{Event, Failure};
use super::super::report::Leak;
use super::super::sweep::FOREIGN;
use super::Context;
use super::call::{On, back_off, call, jittered, persist};
use super::wait::reach;
use crate::model::{Instance, InstanceId, NodeAddress, OwnedBy};
use crate::provider::{Goal, InstanceDeployer};
use crate::{Error, ErrorKind, Result, Status};

/// How long an instance may take from shutting down to terminated; the slowest bare-metal types take minutes.
const PATIENCE: Duration = Duration::from_secs(900);
/// Terminate calls for what was refused temporarily.
const TRIES: u32 = 7;
/// Searches for what is left: one finds it, one proves that it is gone, one is to spare.
const ROUNDS: u32 = 3;
/// How far a search may lag behind a launch of which only tags tell.
const LAG: Duration = Duration::from_secs(10);

/// Terminates in one call, and waits until each instance is gone.
pub(super) async fn terminate(
    context: &Context,
    nodes: Vec<(NodeAddress, InstanceId)>,
    tell: &(impl Fn(Event) + Sync),
) {
    let mut accepted = Vec::new();
    let mut left: BTreeMap<InstanceId, NodeAddress> =
        nodes.into_iter().map(|(node, id)| (id, node)).collect();
    let mut tries = 0;
    while !left.is_empty() {
        let ids: Vec<InstanceId> = left.keys().cloned().collect();
        let mut refused = Vec::new();
        match call(context, "terminate", On::Instances(ids.len()), context.cloud.terminate(&ids)).await {
            Err(error) => {
                refused.extend(left.iter().map(|(id, node)| (id.clone(), node.clone(), (&error).into())));
            }
            Ok(outcomes) => {
                for outcome in outcomes {
                    let Some(node) = left.get(&outcome.id).cloned() else { continue };
                    match outcome.outcome {
                        Ok(()) => {
                            left.remove(&outcome.id);
                            accepted.push((node, outcome.id));
                        }
                        Err(error) => refused.push((outcome.id, node, Failure::from(&error))),
                    }
                }
            }
        }
        tries += 1;
        for (id, node, failure) in refused {
            if failure.status == Status::Permanent || tries == TRIES {
                left.remove(&id);
                tell(Event::NotGone { node, instance: id, failure });
            }
        }
        if tries == TRIES {
            for (id, node) in std::mem::take(&mut left) {
                let failure = Failure::new(ErrorKind::Unexpected, "the cloud did not say what became of it");
                tell(Event::NotGone { node, instance: id, failure });
            }
        }
        if !left.is_empty() {
            sleep(jittered(back_off(tries))).await;
        }
    }
    let deadline = Instant::now() + PATIENCE;
    let mut waits: FuturesUnordered<_> =
        accepted.into_iter().map(|(node, id)| gone(context, node, id, deadline)).collect();
    while let Some(event) = waits.next().await {
        tell(event);
    }
}

async fn gone(context: &Context, node: NodeAddress, instance: InstanceId, deadline: Instant) -> Event {
    match reach(context, &node, &instance, Goal::Terminated, deadline).await {
        Ok(()) => {
            context.view.ended(&node, &instance);
            context.known().gone.insert(instance.clone());
            Event::Gone { node, instance }
        }
        Err(error) => Event::NotGone { failure: Failure::from(&error), node, instance },
    }
}

/// What lives of the deployment's own; what lives of another's of its name is noted.
async fn alive(context: &Context) -> Result<Vec<Instance>> {
    let owned = OwnedBy::deployment(&context.spec.name);
    let mut found =
        persist(context, "find", On::Deployment, || InstanceDeployer::find(&*context.cloud, &owned)).await?;
    found.retain(|instance| !instance.state.is_ending());
    let mut known = context.known();
    let (own, foreign): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|instance| known.kin.launched(instance));
    known.foreign = foreign;
    Ok(own)
}

/// Searches by tag until nothing lives, terminating what does; what still lives then is a leak.
pub(super) async fn prove(context: &Context) {
    let mut why: BTreeMap<InstanceId, String> = BTreeMap::new();
    let mut lags = context.known().tags_only;
    for round in 1..=ROUNDS {
        let left = match alive(context).await {
            Ok(left) => left,
            Err(error) => {
                let resource = format!("deployment {}", context.spec.name);
                let reason = format!("whether anything is left could not be found out: {}", error.chain());
                return context.view.leak(Leak { resource, reason });
            }
        };
        if left.is_empty() {
            if !std::mem::take(&mut lags) {
                return;
            }
            sleep(LAG).await;
            continue;
        }
        if round == ROUNDS {
            for Instance { id, state, .. } in left {
                let reason = why.remove(&id).unwrap_or_else(|| format!("it is still {state}"));
                context.view.leak(Leak { resource: id.to_string(), reason });
            }
            return;
        }
        // What another controller launched is seen only after its head was written.
        if context.is_fenced().await {
            return;
        }
        let ids: Vec<InstanceId> = left.iter().map(|instance| instance.id.clone()).collect();
        let end = || context.cloud.terminate(&ids);
        match persist(context, "terminate", On::Instances(ids.len()), end).await {
            Err(error) => why.extend(ids.iter().map(|id| (id.clone(), error.chain()))),
            Ok(outcomes) => {
                let failed =
                    outcomes.into_iter().filter_map(|end| Some((end.id, end.outcome.err()?.chain())));
                why.extend(failed);
            }
        }
        let deadline = Instant::now() + PATIENCE;
        let ended = ids.iter().filter(|id| !why.contains_key(*id));
        let waits = ended.map(|id| context.cloud.wait(id, Goal::Terminated, deadline));
        // What a wait says does not matter: the next search tells.
        drop(futures::future::join_all(waits).await);
    }
}

/// Removes what the fleets shared. A failure of one keeps nothing from being tried on the other.
pub(super) async fn remove_shared(context: &Context) {
    let name = &context.spec.name;
    let foreign = context.known().foreign.clone();
    if !foreign.is_empty() {
        let ids = foreign.iter().map(|instance| instance.id.as_str()).collect::<Vec<_>>().join(", ");
        let shared = "security groups and key pairs are found by that name too, and are left to them";
        return context.problem(None, format!("{ids}: {FOREIGN}; {shared}"));
    }
    let leak = |what: &str, error: &Error| {
        let resource = format!("{what} of {name}");
        context.view.leak(Leak { resource, reason: error.chain() });
    };
    // A group in use was waited for already, within the provider's own bound.
    let remove = async || match context.cloud.remove_groups(name).await {
        Err(error) if error.kind() == ErrorKind::InUse => Err(error.status(Status::Permanent)),
        result => result,
    };
    if let Err(error) = persist(context, "remove_groups", On::Deployment, remove).await {
        leak("security groups", &error);
    }
    if let Err(error) =
        persist(context, "remove_keys", On::Deployment, || context.cloud.remove_keys(name)).await
    {
        leak("key pairs", &error);
    }
}
