//! Each action, and who performs it.

use std::sync::Arc;

use super::super::machine::{Action, Batch, Event, Timer};
use super::Context;
use super::call::jittered;
use super::controller::Events;
use super::replace::{Cause, replace};
use super::{launch, prepare, steps, terminate};

/// Performs an action; its events go to `events`, as soon as there are any.
pub(super) async fn perform(
    context: Arc<Context>,
    action: Action,
    batch: Option<Batch>,
    cause: Cause,
    events: Events,
) {
    let context = &*context;
    // Nobody listens any more only when the controller is gone.
    let tell = |event: Event| drop(events.send(event));
    match action {
        Action::Prepare => prepare::prepare(context, &tell).await,
        Action::Launch { token, call } => {
            if let Some(batch) = batch {
                tell(launch::launch(context, token, call, batch).await);
            }
        }
        Action::Look { token } => {
            if let Some(batch) = batch {
                tell(launch::look(context, token, batch).await);
            }
        }
        Action::Await { node, instance, patience } => {
            tell(steps::wait(context, node, instance, patience).await);
        }
        Action::Customize { node, instance } => tell(steps::customize(context, node, instance).await),
        Action::Register { node, instance } => steps::register(context, node, instance, &tell).await,
        Action::Deregister { node, registrations } => {
            tell(steps::deregister(context, node, &registrations).await);
        }
        Action::Undo { node, instance } => tell(steps::undo(context, node, instance).await),
        Action::Replace { node, instance } => replace(context, node, instance, cause, &tell).await,
        Action::Terminate { nodes } => terminate::terminate(context, nodes, &tell).await,
        Action::Delay { timer, by } => {
            // What rests, is drained or proves itself has the whole time.
            let exact = matches!(timer, Timer::Drain(..) | Timer::Relaunch(_) | Timer::Roll(_));
            tokio::time::sleep(if exact { by } else { jittered(by) }).await;
            tell(Event::Elapsed(timer));
        }
        Action::Prove => {
            terminate::prove(context).await;
            tell(Event::Proven);
        }
        Action::RemoveShared => {
            terminate::remove_shared(context).await;
            tell(Event::SharedRemoved);
        }
    }
}
