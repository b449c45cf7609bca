//! One job on many nodes.

use std::fmt;

use ec2_stories_core::{Error, ErrorKind, Result};
use futures::stream::{self, StreamExt};
use tokio_util::sync::CancellationToken;

/// Does one job on many nodes: a bounded number at once, in the order given, each with its own outcome. A node that fails does
/// not stop the others.
///
/// Dropping the run drops the jobs, and with them the commands that they run.
#[derive(Clone, Debug)]
pub struct FanOut {
    at_once: usize,
    cancel: CancellationToken,
}

impl FanOut {
    /// At most this many nodes at once; none is taken as one.
    #[must_use]
    pub fn at_once(at_once: usize) -> Self {
        Self { at_once: at_once.max(1), cancel: CancellationToken::new() }
    }

    /// Stops when this says so: jobs under way are dropped, and nodes without an outcome have
    /// [`Canceled`](ErrorKind::Canceled) for theirs.
    #[must_use]
    pub fn canceled_by(mut self, cancel: CancellationToken) -> Self {
        self.cancel = cancel;
        self
    }

    /// Does the job on all nodes.
    pub async fn run<N, T, F>(
        &self,
        nodes: impl IntoIterator<Item = N>,
        job: impl Fn(N) -> F,
    ) -> Outcomes<N, T>
    where
        N: Clone,
        F: Future<Output = Result<T>>,
    {
        let job = &job;
        let one = |(at, node): (usize, N)| async move {
            let outcome = match self.cancel.run_until_cancelled(job(node.clone())).await {
                Some(outcome) => outcome,
                None => Err(Error::new(ErrorKind::Canceled, "it was stopped before its end")),
            };
            (at, node, outcome)
        };
        let nodes: Vec<_> = nodes.into_iter().enumerate().map(one).collect();
        let mut outcomes: Vec<_> = stream::iter(nodes).buffer_unordered(self.at_once).collect().await;
        outcomes.sort_by_key(|(at, ..)| *at);
        Outcomes(outcomes.into_iter().map(|(_, node, outcome)| (node, outcome)).collect())
    }
}

/// What became of each node, in the order given.
#[derive(Debug)]
pub struct Outcomes<N, T>(pub Vec<(N, Result<T>)>);

impl<N: fmt::Display, T> Outcomes<N, T> {
    /// How many succeeded.
    #[must_use]
    pub fn succeeded(&self) -> usize {
        self.0.iter().filter(|(_, outcome)| outcome.is_ok()).count()
    }

    /// The successes, if there are at least `k`.
    ///
    /// # Errors
    /// Else one that names the nodes that failed, with the first one's cause.
    pub fn at_least(self, k: usize) -> Result<Vec<(N, T)>> {
        let (succeeded, all) = (self.succeeded(), self.0.len());
        let mut good = Vec::with_capacity(succeeded);
        let (mut failed, mut first) = (Vec::new(), None);
        for (node, outcome) in self.0 {
            match outcome {
                Ok(value) => good.push((node, value)),
                Err(error) => {
                    failed.push(node.to_string());
                    first = first.or(Some(error));
                }
            }
        }
        if succeeded >= k {
            return Ok(good);
        }
        let message = match failed.is_empty() {
            true => format!("there are {all} nodes, and {k} were wanted"),
            false => {
                format!("{succeeded} of {all} succeeded, {k} were wanted; failed: {}", failed.join(", "))
            }
        };
        let kind = first.as_ref().map_or(ErrorKind::Limit, Error::kind);
        let failure = Error::new(kind, message);
        Err(match first {
            Some(error) => failure.status(error.status_of()).because(error),
            None => failure,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use tokio::time::{Instant, sleep};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_more_than_the_bound_at_once_and_all_in_the_end() {
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let job = |n: u64| {
            let (now, most) = (&now, &most);
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                sleep(Duration::from_secs(1)).await;
                now.fetch_sub(1, Ordering::SeqCst);
                Ok(n * 2)
            }
        };
        let started = Instant::now();
        let outcomes = FanOut::at_once(10).run(0..95, job).await;
        assert_eq!(most.load(Ordering::SeqCst), 10);
        assert_eq!(started.elapsed(), Duration::from_secs(10));
        let values: Vec<u64> = outcomes.at_least(95).unwrap().into_iter().map(|(_, value)| value).collect();
        assert_eq!(values, (0..95).map(|n| n * 2).collect::<Vec<_>>());
    }

    async fn odd_fail(n: u32) -> Result<u32> {
        if n % 2 == 1 { Err(Error::new(ErrorKind::Failed, "odd")) } else { Ok(n) }
    }

    #[tokio::test]
    async fn a_failing_node_does_not_stop_the_others() {
        let outcomes = FanOut::at_once(2).run(0..5, odd_fail).await;
        assert_eq!(outcomes.succeeded(), 3);
        assert_eq!(outcomes.at_least(3).unwrap().len(), 3);
        let error = FanOut::at_once(2).run(0..5, odd_fail).await.at_least(4).unwrap_err();
        assert_eq!(error.chain(), "3 of 5 succeeded, 4 were wanted; failed: 1, 3: odd");
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_gives_every_node_an_outcome() {
        let cancel = CancellationToken::new();
        let stop = cancel.clone();
        let job = |n: u64| async move {
            sleep(Duration::from_secs(n)).await;
            Ok(())
        };
        let fan_out = FanOut::at_once(2).canceled_by(cancel);
        let run = fan_out.run([1, 100, 100], job);
        let (outcomes, ()) = tokio::join!(run, async {
            sleep(Duration::from_secs(5)).await;
            stop.cancel();
        });
        let kinds: Vec<_> =
            outcomes.0.iter().map(|(_, outcome)| outcome.as_ref().err().map(Error::kind)).collect();
        assert_eq!(kinds, [None, Some(ErrorKind::Canceled), Some(ErrorKind::Canceled)]);
    }
}
