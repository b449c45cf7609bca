//! Whether a request still gets on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ec2_stories_core::{Error, ErrorKind, Status};
use tokio::time::Instant;

use super::moves::Moves;

/// A request of which nothing was heard for so long is given up. There is no limit to how long it may take otherwise.
const PATIENCE: Duration = Duration::from_secs(25);

/// Beats whenever a chunk of a request is taken by its connection.
#[derive(Clone, Debug)]
pub(crate) struct Pulse(Arc<Inner>, Option<Moves>);

#[derive(Debug)]
struct Inner {
    origin: Instant,
    /// Milliseconds from `origin` to the last beat.
    last: AtomicU64,
}

impl Pulse {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner { origin: Instant::now(), last: AtomicU64::new(0) }), None)
    }

    /// The same, which also tells how a part gets on.
    pub(crate) fn of(self, moves: Moves) -> Self {
        Self(self.0, Some(moves))
    }

    pub(crate) fn beat(&self) {
        let now = Instant::now();
        self.0.last.store(now.duration_since(self.0.origin).as_millis() as u64, Ordering::Relaxed);
        if let Some(moves) = &self.1 {
            moves.moved(now);
        }
    }

    /// Ends when there was no beat for a while.
    async fn lost(&self) {
        loop {
            let last = self.0.last.load(Ordering::Relaxed);
            tokio::time::sleep_until(self.0.origin + Duration::from_millis(last) + PATIENCE).await;
            if self.0.last.load(Ordering::Relaxed) == last {
                return;
            }
        }
    }

    /// The outcome of `work`, or an error when it gets no further.
    pub(crate) async fn watch<T>(
        &self,
        work: impl Future<Output = ec2_stories_core::Result<T>>,
    ) -> ec2_stories_core::Result<T> {
        tokio::select! {
            biased;
            outcome = work => outcome,
            () = self.lost() => {
                let why = format!("nothing moved for {} s", PATIENCE.as_secs());
                Err(Error::new(ErrorKind::Timeout, why).status(Status::Ambiguous))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_request_may_take_for_ever_while_it_moves() {
        let pulse = Pulse::new();
        let slow = async {
            for _ in 0..100 {
                tokio::time::sleep(PATIENCE - Duration::from_secs(1)).await;
                pulse.beat();
            }
            Ok(7)
        };
        assert_eq!(pulse.watch(slow).await.unwrap(), 7);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_stands_still_is_given_up() {
        let pulse = Pulse::new();
        let still = async {
            tokio::time::sleep(Duration::from_secs(10)).await;
            pulse.beat();
            std::future::pending::<ec2_stories_core::Result<()>>().await
        };
        let before = Instant::now();
        let error = pulse.watch(still).await.unwrap_err();
        assert_eq!((error.kind(), error.is_ambiguous()), (ErrorKind::Timeout, true));
        assert_eq!(before.elapsed(), Duration::from_secs(10) + PATIENCE);
    }
}
