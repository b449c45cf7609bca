//! Requests that are repeated until they have an answer: the only retry layer of an upload.

use std::sync::{Mutex, PoisonError};

use ec2_stories_core::{ErrorKind, Result};
use tokio::time::Instant;

use super::climb::Climb;
use super::pulse::Pulse;
use super::retry::{Budget, TRIES, backoff};
use super::wire::Wire;

/// One upload's requests.
#[derive(Debug)]
pub(crate) struct Requests {
    pub(crate) wire: Wire,
    budget: Budget,
    climb: Mutex<Climb>,
}

impl Requests {
    pub(crate) fn new(wire: Wire, connections: Option<u32>) -> Self {
        let climb = Mutex::new(Climb::new(connections, Instant::now()));
        Self { wire, budget: Budget::full(), climb }
    }

    /// How many parts may be on their way.
    pub(crate) fn limit(&self) -> u32 {
        self.climb.lock().unwrap_or_else(PoisonError::into_inner).limit()
    }

    /// A part was acknowledged.
    pub(crate) fn acknowledged(&self, bytes: u64) {
        self.climb.lock().unwrap_or_else(PoisonError::into_inner).acknowledged(bytes, Instant::now());
    }

    /// Sends a request until it has an answer. It must be one that may be sent twice.
    pub(crate) async fn repeat<T, F>(&self, mut send: impl FnMut(Pulse) -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let mut patience = self.patience();
        loop {
            let asked = Instant::now();
            let pulse = Pulse::new();
            match pulse.watch(send(pulse.clone())).await {
                Ok(answer) => {
                    self.budget.reward();
                    return Ok(answer);
                }
                Err(error) => patience.after(error, asked).await?,
            }
        }
    }

    /// How long one request is repeated.
    pub(crate) fn patience(&self) -> Patience<'_> {
        Patience { requests: self, failures: 0, refused: false }
    }
}

/// What is left of a request's tries.
#[derive(Debug)]
pub(crate) struct Patience<'a> {
    requests: &'a Requests,
    failures: u32,
    /// The last answer was that the credentials are not good.
    refused: bool,
}

impl Patience<'_> {
    /// Waits until the request may be sent again, after it was sent at `asked` and failed.
    ///
    /// # Errors
    /// The same error where sending it again would not help.
    pub(crate) async fn after(&mut self, error: ec2_stories_core::Error, asked: Instant) -> Result<()> {
        let refused = error.kind() == ErrorKind::Credentials && error.api_code().is_some();
        if refused && !self.refused {
            // Credentials that were asked for after the first refusal and are refused as well are not just old.
            self.refused = true;
            self.requests.wire.refresh_credentials();
            return Ok(());
        }
        self.refused = refused;
        self.failures += 1;
        if refused || error.is_permanent() || self.failures >= TRIES || !self.requests.budget.spend() {
            return Err(error);
        }
        // Too many connections for a thin line look like a standstill.
        if matches!(error.kind(), ErrorKind::Throttled | ErrorKind::Timeout) {
            let mut climb = self.requests.climb.lock().unwrap_or_else(PoisonError::into_inner);
            climb.slow_down(asked, Instant::now());
        }
        tracing::debug!(%error, failures = self.failures, "again after a while");
        tokio::time::sleep(backoff(self.failures, rand::random())).await;
        Ok(())
    }
}
