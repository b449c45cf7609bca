//! What a handler knows about the call it serves.

use std::cell::{RefCell, RefMut};
use std::time::Duration;

use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};

use crate::access::Principal;
use crate::fault::Fate;
use crate::iam::Iam;
use crate::latency::Latencies;
use crate::objects::Lookup;
use crate::state::Library;

/// One call. Handlers are synchronous: time comes in as `now`, randomness from the seeded `rng`.
///
/// A dry run needs nothing from a handler: it is served on a copy of the cloud that is thrown away.
#[derive(Debug)]
pub(crate) struct Ctx {
    pub(crate) now: Timestamp,
    pub(crate) region: String,
    pub(crate) account: String,
    pub(crate) principal: Principal,
    /// The request's parameters without its token: equal exactly when EC2 takes two requests for the same.
    pub(crate) fingerprint: String,
    pub(crate) latencies: Latencies,
    /// What faults have in store for instances that this call launches.
    pub(crate) fate: Fate,
    pub(crate) iam: Iam,
    /// What a copy copies from: images and snapshots of the region that the call names as its source.
    pub(crate) source: Option<Library>,
    /// The object in S3 that the call names.
    pub(crate) object: Option<Lookup>,
    rng: RefCell<StdRng>,
}

impl Ctx {
    pub(crate) fn new(now: Timestamp, region: &str, account: &str, principal: Principal, seed: u64) -> Self {
        Self {
            now,
            region: region.to_owned(),
            account: account.to_owned(),
            principal,
            fingerprint: String::new(),
            latencies: Latencies::default(),
            fate: Fate::default(),
            iam: Iam::default(),
            source: None,
            object: None,
            rng: RefCell::new(StdRng::seed_from_u64(seed)),
        }
    }

    /// A new resource id: `prefix-0` and 16 hexadecimal digits.
    pub(crate) fn id(&self, prefix: &str) -> String {
        format!("{prefix}-0{:016x}", self.rng().next_u64())
    }

    /// From when calls know something that this call makes.
    pub(crate) fn visible_at(&self) -> Timestamp {
        self.now + self.fate.unknown_for.unwrap_or_else(|| self.up_to(self.latencies.visibility))
    }

    /// When work on so many GiB is done that starts now.
    pub(crate) fn done_at(&self, work: Work, gib: i32) -> Timestamp {
        let (fixed, per_gib) = match work {
            Work::Import => (self.latencies.import, self.latencies.import_per_gib),
            Work::Snapshot => (self.latencies.snapshot, self.latencies.snapshot_per_gib),
            Work::Copy => (self.latencies.copy, self.latencies.copy_per_gib),
        };
        let mean = fixed + per_gib.mul_f64(f64::from(gib.max(0)));
        self.now + self.jitter(mean, self.latencies.jitter)
    }

    /// A duration within `share` (0 to 1) of `mean` on either side.
    pub(crate) fn jitter(&self, mean: Duration, share: f64) -> Duration {
        mean.mul_f64(1.0 + share.clamp(0.0, 1.0) * self.rng().random_range(-1.0..=1.0))
    }

    /// A duration between zero and `max`.
    pub(crate) fn up_to(&self, max: Duration) -> Duration {
        max.mul_f64(self.rng().random_range(0.0..=1.0))
    }

    pub(crate) fn rng(&self) -> RefMut<'_, StdRng> {
        self.rng.borrow_mut()
    }
}

/// Work that takes longer the more there is of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    Import,
    Snapshot,
    Copy,
}
