//! How a monitor is told things, and what it sees is passed on.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::future::select;
use tokio::sync::mpsc;

use super::super::event::EventKind;
use super::super::machine::{Event, Failure, SUPERSEDED};
use super::Context;
use super::controller::Events;
use crate::ErrorKind;
use crate::model::{Generation, InstanceId, NodeAddress};
use crate::monitor::{HealthEvent, What};
use crate::provider::{Monitor, Node};

/// What a monitor is told, one after the other.
#[derive(Debug)]
pub(super) enum Word {
    Watch(Box<Node>, Generation),
    Resume(Box<Node>, Generation),
    Adopt(Box<Node>, Generation, Duration),
    Replacing(NodeAddress, Generation),
    Leaves(NodeAddress, Generation, String),
    Condemn(NodeAddress, InstanceId),
    Lost(Vec<(NodeAddress, Generation, String)>),
    Quarantine(NodeAddress, String),
    Forget(NodeAddress),
}

/// Tells the monitor everything in its order, and tells of what it sees.
pub(super) async fn pass_on(context: Arc<Context>, mut queue: mpsc::UnboundedReceiver<Word>, events: Events) {
    let Some(monitor) = context.monitor.clone() else { return };
    let sees = pin!(pass_on_events(&context));
    let hears = pin!(async {
        while let Some(word) = queue.recv().await {
            let result = match &word {
                Word::Watch(node, generation) => monitor.watch(node, *generation).await,
                Word::Resume(node, generation) => monitor.resume(node, *generation).await,
                Word::Adopt(node, generation, age) => monitor.adopt(node, *generation, *age).await,
                Word::Replacing(node, generation) => monitor.replacing(node, *generation).await,
                Word::Leaves(node, generation, why) => monitor.leaves(node, *generation, why).await,
                Word::Condemn(node, instance) => {
                    condemn(&context, &*monitor, node, instance, &events).await;
                    Ok(())
                }
                Word::Lost(nodes) => {
                    lose(&context, &*monitor, nodes, &events).await;
                    Ok(())
                }
                Word::Quarantine(node, why) => monitor.quarantine(node, why).await,
                Word::Forget(node) => monitor.forget(node).await,
            };
            if let Err(error) = result {
                context.problem(None, format!("the monitor: {}", error.chain()));
            }
        }
    });
    select(sees, hears).await;
}

/// Asks that a node may leave for a rollout. Where nobody counts how many do, it may.
async fn condemn(
    context: &Context,
    monitor: &dyn Monitor,
    node: &NodeAddress,
    instance: &InstanceId,
    events: &Events,
) {
    let Err(error) = monitor.condemn(node, SUPERSEDED).await else { return };
    if error.kind() != ErrorKind::Unsupported {
        context.problem(Some(node), format!("the monitor: {}", error.chain()));
    }
    let (node, instance) = (node.clone(), instance.clone());
    let failure = Failure::new(ErrorKind::Canceled, SUPERSEDED);
    // Nobody listens any more only when the controller is gone.
    drop(events.send(Event::Leaving { node, instance, failure, by: None }));
}

/// Asks that nodes may be launched anew that have lost their instances. Where nobody counts how many are, they may.
async fn lose(
    context: &Context,
    monitor: &dyn Monitor,
    nodes: &[(NodeAddress, Generation, String)],
    events: &Events,
) {
    let Err(error) = monitor.lost(nodes).await else { return };
    if error.kind() != ErrorKind::Unsupported {
        context.problem(None, format!("the monitor: {}", error.chain()));
    }
    for (node, ..) in nodes {
        // Nobody listens any more only when the controller is gone.
        drop(events.send(Event::Admitted { node: node.clone() }));
    }
}

/// Tells what the deployment's own monitor sees, and no verdict says.
async fn pass_on_events(context: &Context) {
    let Some(health) = &context.health else { return std::future::pending().await };
    let mut events = pin!(health.events());
    while let Some(HealthEvent { node, what, .. }) = events.next().await {
        let is_verdict = matches!(
            what,
            What::Live
                | What::Suspect(_)
                | What::Dead { .. }
                | What::Replace(_)
                | What::Leaving { .. }
                | What::Replaced
                | What::Held(_)
                | What::Released
                | What::Quarantined(_)
        );
        if !is_verdict {
            context.tell(node.as_ref().map(|(node, _)| node), EventKind::Health(what));
        }
    }
}
