//! Waiting for what an instance is to become.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::call::{back_off, jittered};
use super::{Context, On, call};
use crate::model::{InstanceId, InstanceState, NodeAddress};
use crate::provider::Goal;
use crate::{Error, ErrorKind, Result};

/// How long the last look of a wait that ran out may take.
const LAST_LOOK: Duration = Duration::from_secs(30);

/// Waits for a goal. Only the cloud's own word ends it before the deadline; a watcher's trouble does not, nor its time-outs.
pub(super) async fn reach(
    context: &Context,
    node: &NodeAddress,
    instance: &InstanceId,
    goal: Goal,
    deadline: Instant,
) -> Result<()> {
    let mut tries = 0;
    loop {
        let error = match call(context, "wait", node, context.cloud.wait(instance, goal, deadline)).await {
            Ok(seen) => {
                context.view.saw(node, &seen);
                return Ok(());
            }
            Err(error) => error,
        };
        let pause = jittered(back_off(tries));
        if error.kind() == ErrorKind::Failed && error.is_permanent() {
            return Err(error);
        }
        if Instant::now() + pause >= deadline {
            return last_look(context, node, instance, goal, error).await;
        }
        tries += 1;
        sleep(pause).await;
    }
}

/// A wait that ran out says as much of the watcher as of the instance: one describe tells. Where that fails too, the error is
/// not a time-out, and nobody may take it for the instance's own.
async fn last_look(
    context: &Context,
    node: &NodeAddress,
    instance: &InstanceId,
    goal: Goal,
    error: Error,
) -> Result<()> {
    let ids = std::slice::from_ref(instance);
    let look = call(context, "describe", On::Instances(1), context.cloud.describe(ids));
    let Ok(Ok(seen)) = timeout(LAST_LOOK, look).await else {
        let why = "neither a wait nor a describe says how the instance is";
        return Err(Error::new(ErrorKind::Unavailable, why)
            .during("wait")
            .on(instance.as_str())
            .because(error));
    };
    let state = seen.iter().find(|seen| seen.id == *instance).map(|seen| seen.state);
    let reached = match goal {
        Goal::Running => state == Some(InstanceState::Running),
        Goal::Terminated => state == Some(InstanceState::Terminated),
    };
    if reached {
        seen.iter().for_each(|seen| context.view.saw(node, seen));
        return Ok(());
    }
    Err(error)
}
