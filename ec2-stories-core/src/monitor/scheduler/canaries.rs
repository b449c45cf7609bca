//! Asking the canaries.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::join_all;
use tokio::time::{sleep, timeout};

use super::Shared;
use crate::monitor::Canary;
use crate::monitor::machine::Event;
use crate::provider::Liveness;

/// As often as nodes are probed by default, so that the canaries are heard well before anybody is dead.
const PERIOD: Duration = Duration::from_secs(10);

/// Less than the period.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn run(shared: Arc<Shared>) {
    loop {
        let silent = join_all(shared.canaries.iter().map(is_silent)).await;
        let count = |silent: usize| u32::try_from(silent).unwrap_or(u32::MAX);
        let failing = count(silent.iter().filter(|silent| **silent).count());
        shared.step(Event::Canaries { failing, of: count(silent.len()) });
        sleep(PERIOD).await;
    }
}

async fn is_silent(canary: &Canary) -> bool {
    let check = AssertUnwindSafe(async { timeout(PATIENCE, canary.check()).await });
    let answer = check.catch_unwind().await;
    let live = matches!(answer, Ok(Ok(Liveness::Live)));
    if !live {
        tracing::debug!(target: "ec2_stories::health", canary = canary.name, "not live: {answer:?}");
    }
    !live
}
