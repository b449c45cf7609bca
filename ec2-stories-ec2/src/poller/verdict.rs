//! What one look at an instance means for one who waits.

use std::time::Duration;

use ec2_stories_core::model::{Instance, InstanceId, InstanceState};
use ec2_stories_core::provider::Goal;
use ec2_stories_core::{Error, ErrorKind, Result};
use tokio::time::Instant;

use super::waiters::Waiter;

/// An instance that was not seen for this long, in one call after the other, is gone. New ones may be unknown for seconds
/// (<https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html>).
const FORGOTTEN: Duration = Duration::from_secs(60);

/// The outcome of the wait, or `None` to go on waiting.
pub(super) fn verdict(
    waiter: &mut Waiter,
    seen: Option<&Instance>,
    now: Instant,
) -> Option<Result<Instance>> {
    let Some(instance) = seen else { return absent(waiter, now) };
    waiter.absent = None;
    waiter.seen = Some(instance.clone());
    let verdict = match (waiter.goal, instance.state) {
        (Goal::Running, InstanceState::Running) | (Goal::Terminated, InstanceState::Terminated) => {
            Some(Ok(instance.clone()))
        }
        (Goal::Terminated, _) | (Goal::Running, InstanceState::Pending) => None,
        // Nobody starts a stopped instance while it is waited for.
        (Goal::Running, _) => Some(Err(cannot_run(instance))),
    };
    if verdict.is_none() {
        waiter.not_yet = Some(now);
    }
    verdict
}

fn absent(waiter: &mut Waiter, now: Instant) -> Option<Result<Instance>> {
    let since = *waiter.absent.get_or_insert(now);
    if waiter.goal == Goal::Running {
        return None;
    }
    let was_ending = waiter.seen.as_ref().is_some_and(|instance| instance.state.is_ending());
    if !was_ending && now.saturating_duration_since(since) < FORGOTTEN {
        return None;
    }
    let last = waiter.seen.take().unwrap_or_else(|| never_seen(&waiter.id));
    Some(Ok(Instance { state: InstanceState::Terminated, ..last }))
}

fn cannot_run(instance: &Instance) -> Error {
    let message = match &instance.state_reason {
        Some(reason) => {
            format!("{} instead of running ({}: {})", instance.state, reason.code, reason.message)
        }
        None => format!("{} instead of running", instance.state),
    };
    let error = Error::new(ErrorKind::Failed, message);
    match &instance.state_reason {
        Some(reason) => error.code(&reason.code),
        None => error,
    }
}

/// All that can be said of an instance that EC2 has forgotten.
fn never_seen(id: &InstanceId) -> Instance {
    Instance {
        id: id.clone(),
        state: InstanceState::Terminated,
        state_reason: None,
        reservation: "".into(),
        launch_index: 0,
        token: None,
        image: "".into(),
        instance_type: "".into(),
        zone: "".into(),
        private_ip: None,
        public_ip: None,
        private_dns: None,
        public_dns: None,
        spot: false,
        launched_at: None,
        tags: ec2_stories_core::model::Tags::new(),
    }
}
