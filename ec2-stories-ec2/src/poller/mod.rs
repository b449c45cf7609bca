//! One poller for everyone who waits.
//!
//! A wait registers and sleeps; a task that lives while anyone waits asks for all of them at once and tells each what
//! became of its instance. When to ask is [`schedule`]'s decision, from what [`boot_times`] has learned.

mod births;
mod boot_times;
mod memory;
mod round;
mod schedule;
mod task;
mod verdict;
mod wait;
mod waiters;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ec2_stories_core::Error;
use ec2_stories_core::model::{ClientToken, Instance, InstanceId};
use ec2_stories_core::provider::TupleStore;
use tokio::sync::Notify;
use tokio::time::Instant;

pub use boot_times::EC2_BOOT;
pub(crate) use wait::wait;

use crate::api::Api;
use births::Births;
use boot_times::BootTimes;
use memory::Memory;
use waiters::Waiters;

#[derive(Debug)]
pub(crate) struct Poller(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    api: Arc<Api>,
    state: Mutex<State>,
    memory: Memory,
    /// Someone began to wait.
    wake: Notify,
}

#[derive(Debug)]
struct State {
    waiters: Waiters,
    births: Births,
    boot_times: BootTimes,
    /// How long a describe takes, smoothed: what is left of the second that a node may go unnoticed.
    round_trip: Duration,
    /// The last describe's error, and since when they have failed.
    failing: Option<(Error, Instant)>,
    task_runs: bool,
}

impl Default for State {
    fn default() -> Self {
        Self {
            waiters: Waiters::default(),
            births: Births::default(),
            boot_times: BootTimes::default(),
            // A guess on the safe side, until the first reply.
            round_trip: Duration::from_millis(100),
            failing: None,
            task_runs: false,
        }
    }
}

impl Poller {
    /// A poller that keeps what it learns of boot times in `store`.
    pub(crate) fn new(api: Arc<Api>, store: Option<Arc<dyn TupleStore>>) -> Self {
        let memory = Memory::new(store);
        Self(Arc::new(Shared { api, state: Mutex::default(), memory, wake: Notify::new() }))
    }

    /// Remembers when a token was sent for the first time, and says it.
    pub(crate) fn first_sent(&self, token: &ClientToken) -> Instant {
        self.0.state().births.first_sent(token, Instant::now())
    }

    /// Forgets that a token was sent, which then launched nothing.
    pub(crate) fn not_sent(&self, token: &ClientToken) {
        self.0.state().births.not_sent(token);
    }

    /// Notes instances that a call sent at `at` has launched.
    pub(crate) fn launched(&self, instances: &[Instance], at: Instant) {
        self.0.state().births.launched(instances, at);
    }

    /// How old an instance is that this process launched.
    pub(crate) fn age(&self, id: &InstanceId) -> Option<Duration> {
        self.0.state().births.get(id).map(|birth| birth.at.elapsed())
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
