//! What a caller sees of the poller.

use std::sync::Arc;
use std::time::Duration;

use ec2_stories_core::model::{Instance, InstanceId};
use ec2_stories_core::provider::Goal;
use ec2_stories_core::{Error, ErrorKind, Result};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout, timeout_at};

use super::waiters::Waiter;
use super::{Poller, Shared, task};
use crate::Ec2;
use crate::diagnose;

/// A wait that has failed takes this much longer at most, to say why.
const DIAGNOSIS: Duration = Duration::from_secs(10);

pub(crate) async fn wait(ec2: &Ec2, id: &InstanceId, goal: Goal, deadline: Instant) -> Result<Instance> {
    loop {
        let mut ticket = ec2.poller().register(id, goal, deadline);
        let error = match timeout_at(deadline, &mut ticket.reply).await {
            Ok(Ok(Ok(instance))) => return Ok(instance),
            Ok(Ok(Err(error))) => error,
            // The poller's task went down with the runtime of another waiter: begin again on this one.
            Ok(Err(_)) => continue,
            Err(_) => ec2.poller().0.state().timed_out(ticket.key, goal),
        };
        drop(ticket);
        return Err(explained(ec2, error, id).await);
    }
}

/// The error with what can be found out about the instance; its console is left to those who ask for a diagnosis.
async fn explained(ec2: &Ec2, error: Error, id: &InstanceId) -> Error {
    let error = error.during("wait").on(id.as_str());
    if !matches!(error.kind(), ErrorKind::Failed | ErrorKind::Timeout) {
        return error;
    }
    let Ok(diagnosis) = timeout(DIAGNOSIS, diagnose::from_outside(ec2.api(), id)).await else { return error };
    let message = format!("{}; {diagnosis}", error.message());
    let told = Error::new(error.kind(), message).during("wait").on(id.as_str());
    match error.api_code() {
        Some(code) => told.code(code),
        None => told,
    }
}

/// A place among the waiters, given up when dropped.
struct Ticket {
    shared: Arc<Shared>,
    key: u64,
    reply: oneshot::Receiver<Result<Instance>>,
}

impl Poller {
    fn register(&self, id: &InstanceId, goal: Goal, deadline: Instant) -> Ticket {
        let (sender, reply) = oneshot::channel();
        let mut state = self.0.state();
        let birth = state.births.get(id).cloned();
        let key = state.waiters.add(Waiter {
            id: id.clone(),
            goal,
            deadline,
            birth,
            since: Instant::now(),
            asked: None,
            answered: None,
            not_yet: None,
            seen: None,
            absent: None,
            reply: sender,
        });
        if !state.task_runs {
            state.task_runs = true;
            task::spawn(Arc::clone(&self.0));
        }
        self.0.wake.notify_one();
        Ticket { shared: Arc::clone(&self.0), key, reply }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.shared.state().waiters.remove(self.key).is_some() {
            self.shared.wake.notify_one();
        }
    }
}
