//! Who has a deployment: one controller works, every other is told.
//!
//! A controller keeps the tuple `deployments/NAME/lease` and writes it anew every third of the lease. Whoever else wants the
//! deployment watches that tuple: one renewal, and it is told who has it; none for a whole lease, and it takes over, with a write
//! that expects the very version that it watched. Nobody compares wall clocks: each goes by the time that passes for itself.
//!
//! # Guarantees
//! - A controller that did not get its renewal through for nine tenths of a lease, counted from before it asked, asks for nothing
//!   more until it has; the other waits for a whole one, counted from after it looked.
//! - A controller that sees another's name in the tuple stops.
//! - A machine that sleeps may stop the clock that this is counted by: a controller that wakes up learns at its next look that it
//!   is none any more, and until then the head of the journal keeps it from launching and ending.
//! - A controller that ends in good order gives the lease back, and the next need not wait.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::driver::nonce;
use super::journal::Envelope;
use crate::model::Name;
use crate::provider::{Expect, Tuple, TupleStore, Version};
use crate::{Error, ErrorKind, Result};

/// How long a controller may be silent before another takes over, where the caller does not say.
pub(crate) const LEASE: Duration = Duration::from_secs(30);
/// Renewals within a lease: two may fail.
const RENEWALS: u32 = 3;
/// How often whoever wants a deployment looks at its lease.
const LOOKS: u32 = 20;
/// Leases without a renewal after which a controller gives up although nobody took over.
const GIVES_UP: u32 = 10;
/// Tries to take a lease that the store failed.
const TRIES: u32 = 4;

/// Who wants a deployment, and on what terms.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    /// Whoever has the same name is known to be gone.
    pub(crate) holder: Option<String>,
    /// A controller that is known to be gone.
    pub(crate) succeeds: Option<String>,
    pub(crate) lease: Duration,
}

/// The tuple's content.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Record {
    controller: String,
    holder: Option<String>,
    /// For people.
    process: String,
    since: Timestamp,
    #[serde(with = "humantime_serde")]
    lease: Duration,
    renewals: u64,
    /// Given back, in good order.
    released: bool,
}

impl Record {
    fn who(&self) -> String {
        let Self { holder, process, .. } = self;
        holder.as_ref().map_or_else(|| process.clone(), |holder| format!("{holder} ({process})"))
    }
}

/// How a controller stands.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    /// Until when nobody else can have the deployment.
    until: Instant,
    /// Why it has the deployment no more.
    lost: Option<String>,
}

impl Standing {
    /// The error of a controller that has the deployment no more.
    pub(crate) fn lost(&self) -> Option<Error> {
        self.lost.as_ref().map(|why| Error::new(ErrorKind::Conflict, why.as_str()).during("renew the lease"))
    }

    fn is_sure(&self) -> bool {
        self.lost.is_some() || Instant::now() < self.until
    }
}

/// Waits while it is in doubt whether a controller still has its deployment.
///
/// # Errors
/// [`ErrorKind::Conflict`] once it has it no more.
pub(crate) async fn sure(standing: &watch::Receiver<Standing>) -> Result<()> {
    let mut standing = standing.clone();
    // A keeper that is gone went with its controller.
    let now = standing.wait_for(Standing::is_sure).await.map(|now| now.lost());
    match now {
        Ok(Some(error)) => Err(error),
        Ok(None) => Ok(()),
        Err(_) => Err(Error::new(ErrorKind::Canceled, "the controller ended").during("renew the lease")),
    }
}

/// A deployment that is this controller's. Dropped without [`release`](Self::release) it lapses, as after a death.
#[derive(Debug)]
pub(crate) struct Lease {
    keeper: Keeper,
    task: AbortHandle,
    standing: watch::Receiver<Standing>,
}

impl Lease {
    /// Takes the deployment, at once where nobody has it, or once its controller has been silent for a whole lease.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`], naming the controller that lives; others when the store failed.
    pub(crate) async fn take(
        store: &Arc<dyn TupleStore>,
        deployment: &Name,
        claim: &Claim,
        now: Timestamp,
    ) -> Result<Self> {
        let record = Record {
            controller: nonce(),
            holder: claim.holder.clone(),
            process: process(),
            since: now,
            lease: claim.lease,
            renewals: 0,
            released: false,
        };
        let tuple = Arc::<str>::from(format!("deployments/{deployment}/lease"));
        let mut keeper = Keeper { store: Arc::clone(store), tuple, record, version: Version(String::new()) };
        let asked = keeper.take(claim).await?;
        let (sender, standing) = watch::channel(Standing { until: keeper.until(asked), lost: None });
        let task = tokio::spawn(keeper.clone().keep(asked, sender)).abort_handle();
        Ok(Self { keeper, task, standing })
    }

    /// The controller's name in the journal.
    pub(crate) fn controller(&self) -> &str {
        &self.keeper.record.controller
    }

    /// How it stands, from now on.
    pub(crate) fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.clone()
    }

    /// Waits until it is lost. Cancel-safe.
    pub(crate) async fn lost(&mut self) {
        if self.standing.wait_for(|now| now.lost.is_some()).await.is_err() {
            // The keeper's runtime goes down, and this controller with it.
            std::future::pending::<()>().await;
        }
    }

    /// Gives it back. Where that fails it lapses.
    pub(crate) async fn release(&self) {
        self.task.abort();
        let mut keeper = self.keeper.clone();
        keeper.record.released = true;
        let given_back = async {
            let Ok(Some(seen)) = keeper.look().await else { return };
            if seen.record.as_ref().is_some_and(|record| record.controller == keeper.record.controller) {
                // Where that fails, whoever comes next has to wait.
                let _ = keeper.write(seen.expect()).await;
            }
        };
        let _ = timeout(keeper.record.lease, given_back).await;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Clone, Debug)]
struct Keeper {
    store: Arc<dyn TupleStore>,
    tuple: Arc<str>,
    record: Record,
    version: Version,
}

impl Keeper {
    fn until(&self, asked: Instant) -> Instant {
        asked + self.record.lease * 9 / 10
    }

    async fn look(&self) -> Result<Option<Seen>> {
        match self.store.get(&self.tuple).await {
            Ok(None) => Ok(None),
            Ok(Some(Tuple { value, version })) => {
                let record = Envelope::<Record>::open(&self.tuple, &value).ok();
                Ok(Some(Seen { record: record.map(|envelope| envelope.record), version: Some(version) }))
            }
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                Ok(Some(Seen { record: None, version: None }))
            }
            Err(error) => Err(error),
        }
    }

    async fn write(&self, expect: Expect) -> Result<Version> {
        let controller = Some(self.record.controller.clone());
        let envelope = Envelope { incarnation: None, controller, record: &self.record };
        let value = envelope.seal(&self.tuple).map_err(|error| {
            Error::new(ErrorKind::Unexpected, error.to_string()).on(self.tuple.to_string())
        })?;
        self.store.put(&self.tuple, &value, expect).await
    }

    /// Takes the tuple, and says from when on it counts.
    async fn take(&mut self, claim: &Claim) -> Result<Instant> {
        let mut watched = None;
        let mut tries = 0;
        loop {
            let found = self.look().await;
            let looked = Instant::now();
            let next = match found {
                Ok(None) => Ok(Next::Write(Expect::Absent)),
                Ok(Some(seen)) => Ok(self.judge(claim, &mut watched, seen, looked)?),
                Err(error) => Err(error),
            };
            let error = match next {
                Ok(Next::Look(after)) => {
                    sleep(after).await;
                    continue;
                }
                Ok(Next::Write(expect)) => match self.write(expect).await {
                    Ok(version) => {
                        self.version = version;
                        return Ok(looked);
                    }
                    // Somebody was faster; the next look says who.
                    Err(error) if error.kind() == ErrorKind::Conflict => continue,
                    Err(error) => error,
                },
                Err(error) => error,
            };
            tries += 1;
            if error.is_permanent() || tries == TRIES {
                return Err(error);
            }
            sleep(Duration::from_secs(1)).await;
        }
    }

    /// What a look says of whoever has the tuple.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] when it lives.
    fn judge(
        &self,
        claim: &Claim,
        watched: &mut Option<(Option<Version>, Instant)>,
        seen: Seen,
        looked: Instant,
    ) -> Result<Next> {
        let gone = seen.record.as_ref().is_some_and(|record| {
            let same = record.holder.is_some() && record.holder == claim.holder;
            // Its own: the reply was lost.
            let own = record.controller == self.record.controller;
            record.released || same || own || claim.succeeds.as_ref() == Some(&record.controller)
        });
        let lease = seen.record.as_ref().map_or(claim.lease, |record| record.lease);
        let (version, since) = watched.get_or_insert_with(|| (seen.version.clone(), looked));
        if !gone && *version != seen.version {
            return Err(seen.lives(&self.tuple));
        }
        let silent = looked.duration_since(*since);
        if gone || silent >= lease {
            return Ok(Next::Write(seen.expect()));
        }
        Ok(Next::Look((lease - silent).min(lease / LOOKS)))
    }

    /// Renews until it is lost.
    async fn keep(mut self, mut asked: Instant, standing: watch::Sender<Standing>) {
        let lease = self.record.lease;
        let period = lease / RENEWALS;
        let mut next = asked + period;
        loop {
            sleep_until(next).await;
            let asking = Instant::now();
            let trouble = match timeout(period, self.renew()).await {
                Ok(Ok(None)) => {
                    asked = asking;
                    next = asking + period;
                    let until = self.until(asked);
                    standing.send_modify(|standing| standing.until = until);
                    continue;
                }
                Ok(Ok(Some(other))) => {
                    let why = format!("another controller has the deployment: {other}");
                    return standing.send_modify(|standing| standing.lost = Some(why));
                }
                Ok(Err(error)) => error.chain(),
                Err(_) => format!("no answer within {period:?}"),
            };
            tracing::warn!(lease = &*self.tuple, "not renewed: {trouble}");
            if asked.elapsed() >= lease * GIVES_UP {
                let why = format!("it could not be renewed for {:?}: {trouble}", lease * GIVES_UP);
                return standing.send_modify(|standing| standing.lost = Some(why));
            }
            next = Instant::now() + period / 4;
        }
    }

    /// Writes it anew; says who has it, where that is another.
    async fn renew(&mut self) -> Result<Option<String>> {
        self.record.renewals += 1;
        match self.write(Expect::Unchanged(self.version.clone())).await {
            Ok(version) => self.version = version,
            Err(error) if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::Corrupt) => {
                let expect = match self.look().await? {
                    // The journal was deleted, which gives it to nobody.
                    None => Expect::Absent,
                    Some(seen) => match &seen.record {
                        Some(record) if record.controller != self.record.controller => {
                            return Ok(Some(record.who()));
                        }
                        // What is damaged is watched by whoever wants it, and written over.
                        _ => seen.expect(),
                    },
                };
                self.version = self.write(expect).await?;
            }
            Err(error) => return Err(error),
        }
        Ok(None)
    }
}

/// The tuple, as a look found it.
#[derive(Debug)]
struct Seen {
    /// `None` where it is damaged: then it is nobody's.
    record: Option<Record>,
    /// `None` where the store itself cannot read it.
    version: Option<Version>,
}

impl Seen {
    fn expect(self) -> Expect {
        self.version.map_or(Expect::Anything, Expect::Unchanged)
    }

    fn lives(&self, tuple: &str) -> Error {
        let who =
            self.record.as_ref().map(|record| format!("{} has it since {:.0}", record.who(), record.since));
        let who = who.unwrap_or_else(|| "somebody has it".to_owned());
        let why = format!("another controller is at work on this deployment: {who}");
        Error::new(ErrorKind::Conflict, why).during("take the lease").on(tuple)
    }
}

/// What whoever wants a deployment does next.
enum Next {
    /// It looks again after this.
    Look(Duration),
    /// It takes the tuple.
    Write(Expect),
}

/// For people: nobody decides by it.
fn process() -> String {
    let pid = std::process::id();
    match std::fs::read_to_string("/proc/sys/kernel/hostname") {
        Ok(host) => format!("process {pid} on {}", host.trim()),
        Err(_) => format!("process {pid}"),
    }
}
