//! What a test does to a provider in memory: read its log, and fail the calls that it picks.

use std::fmt;
use std::future::{Future, pending};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::{Error, ErrorKind, Result, Status};

/// How a call fails.
#[derive(Debug)]
pub enum Fault {
    /// It never arrives: no effect, a temporary error.
    Before,
    /// It has its effect, but the reply is lost: an ambiguous error.
    After,
    /// It has its effect, and the reply comes so much later.
    Slow(Duration),
    /// It is refused with this error: no effect.
    Error(Error),
    /// It never arrives and never returns; a test that drops it there plays a process that dies before the effect.
    StallBefore,
    /// It has its effect and never returns; a test that drops it there plays a process that dies after the effect.
    StallAfter,
}

/// Which call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When<O> {
    /// The call of this index in the log, from 0.
    Call(usize),
    /// The next one of this operation that has no fault yet.
    Next(O),
}

impl<O> From<usize> for When<O> {
    fn from(index: usize) -> Self {
        Self::Call(index)
    }
}

/// The log of a provider's calls, and the faults that wait for one.
#[derive(Debug)]
pub struct Script<O> {
    inner: Mutex<Inner<O>>,
    stalled: watch::Sender<usize>,
}

#[derive(Debug)]
struct Inner<O> {
    log: Vec<O>,
    planned: Vec<(When<O>, Fault)>,
    weather: Vec<Weather>,
}

/// A fault that strikes again and again.
struct Weather {
    share: f64,
    random: StdRng,
    fault: Box<dyn Fn() -> Fault + Send>,
}

impl fmt::Debug for Weather {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Weather").field("share", &self.share).finish_non_exhaustive()
    }
}

impl<O> Default for Script<O> {
    fn default() -> Self {
        let inner = Mutex::new(Inner { log: Vec::new(), planned: Vec::new(), weather: Vec::new() });
        Self { inner, stalled: watch::Sender::new(0) }
    }
}

impl<O: Copy + PartialEq + fmt::Display> Script<O> {
    /// Plans a fault. It strikes once; several for one operation strike one after the other.
    pub fn fail(&self, when: impl Into<When<O>>, fault: Fault) {
        self.lock().planned.push((when.into(), fault));
    }

    /// Lets a fault strike such a share of all calls, from 0 to 1, until [`heal`](Self::heal); the seed says which. A fault that was
    /// [planned](Self::fail) for a call goes before.
    ///
    /// ```
    /// use ec2_stories_core::memory::{Fault, MemoryCloud};
    ///
    /// let cloud = MemoryCloud::new();
    /// cloud.script().sometimes(0.3, 7, || Fault::After); // Three replies in ten are lost.
    /// ```
    pub fn sometimes(&self, share: f64, seed: u64, fault: impl Fn() -> Fault + Send + 'static) {
        let (share, random) = (share.clamp(0.0, 1.0), StdRng::seed_from_u64(seed));
        self.lock().weather.push(Weather { share, random, fault: Box::new(fault) });
    }

    /// Drops the faults that have not struck, and ends those that strike sometimes.
    pub fn heal(&self) {
        let mut inner = self.lock();
        inner.planned.clear();
        inner.weather.clear();
    }

    /// The calls so far, in the order in which they began.
    #[must_use]
    pub fn calls(&self) -> Vec<O> {
        self.lock().log.clone()
    }

    /// How many calls of this operation there were.
    #[must_use]
    pub fn count(&self, operation: O) -> usize {
        self.lock().log.iter().filter(|logged| **logged == operation).count()
    }

    /// Waits until a call is stalled; one that was dropped no longer is. Cancel-safe.
    pub async fn stalled(&self) {
        // An error would mean that the sender is gone, and it is ours.
        let _ = self.stalled.subscribe().wait_for(|stalled| *stalled > 0).await;
    }

    /// Logs the call, then lets it have its effect or its fault.
    pub(crate) async fn perform<T>(
        &self,
        operation: O,
        effect: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        let fault = self.enter(operation);
        // Callers meet each other here as they would on a network.
        tokio::task::yield_now().await;
        let unavailable = |why| Error::new(ErrorKind::Unavailable, why).during(operation.to_string());
        match fault {
            None => effect.await,
            Some(Fault::Error(error)) => Err(error),
            Some(Fault::Before) => Err(unavailable("connection refused, as the test asked for")),
            Some(Fault::After) => {
                drop(effect.await);
                Err(unavailable("reply lost, as the test asked for").status(Status::Ambiguous))
            }
            Some(Fault::Slow(late)) => {
                let outcome = effect.await;
                sleep(late).await;
                outcome
            }
            Some(Fault::StallBefore) => self.stall().await,
            Some(Fault::StallAfter) => {
                drop(effect.await);
                self.stall().await
            }
        }
    }

    fn enter(&self, operation: O) -> Option<Fault> {
        let mut inner = self.lock();
        let index = inner.log.len();
        inner.log.push(operation);
        let struck = inner.planned.iter().position(|(when, _)| match when {
            When::Call(planned) => *planned == index,
            When::Next(planned) => *planned == operation,
        });
        match struck {
            Some(planned) => Some(inner.planned.remove(planned).1),
            None => inner.weather.iter_mut().find_map(Weather::strikes),
        }
    }

    async fn stall<T>(&self) -> T {
        let _stalled = Stalled::new(&self.stalled);
        pending().await
    }

    fn lock(&self) -> MutexGuard<'_, Inner<O>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Weather {
    fn strikes(&mut self) -> Option<Fault> {
        self.random.random_bool(self.share).then(|| (self.fault)())
    }
}

/// Counts a call as stalled until it is dropped.
struct Stalled<'a>(&'a watch::Sender<usize>);

impl<'a> Stalled<'a> {
    fn new(count: &'a watch::Sender<usize>) -> Self {
        count.send_modify(|stalled| *stalled += 1);
        Self(count)
    }
}

impl Drop for Stalled<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|stalled| *stalled -= 1);
    }
}

/// An enum of operations that displays as the trait's method, and can say when a fault strikes.
macro_rules! operations {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $(#[doc = concat!("`", $text, "`")] $variant,)*
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(match self { $(Self::$variant => $text,)* })
            }
        }

        impl From<$name> for $crate::memory::When<$name> {
            fn from(operation: $name) -> Self {
                Self::Next(operation)
            }
        }
    };
}
pub(crate) use operations;
