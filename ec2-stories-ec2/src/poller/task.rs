//! The task that asks, which lives while anyone waits.

use std::sync::Arc;

use tokio::time::sleep_until;

use super::{Shared, memory, round};

pub(super) fn spawn(shared: Arc<Shared>) {
    tokio::spawn(run(shared));
}

async fn run(shared: Arc<Shared>) {
    let mut alive = Alive { shared: &shared, finished: false };
    memory::recall(&shared).await;
    loop {
        let due = shared.state().next_due_or_end();
        let Some(due) = due else { break };
        tokio::select! {
            biased;
            // A newcomer may be due sooner.
            () = shared.wake.notified() => {}
            () = sleep_until(due) => round::ask(&shared).await,
        }
    }
    alive.finished = true;
    memory::keep(&shared).await;
}

impl super::State {
    /// When to ask next; without anyone who waits the task has ended, as of this very moment.
    fn next_due_or_end(&mut self) -> Option<tokio::time::Instant> {
        let due = self.waiters.iter().map(|(_, waiter)| self.due(waiter)).min();
        self.task_runs = due.is_some();
        due
    }
}

/// Lets the waiters begin again elsewhere when the task is dropped before its end, with the runtime it ran on.
struct Alive<'a> {
    shared: &'a Shared,
    finished: bool,
}

impl Drop for Alive<'_> {
    fn drop(&mut self) {
        if !self.finished {
            let mut state = self.shared.state();
            state.task_runs = false;
            state.waiters.clear();
        }
    }
}
