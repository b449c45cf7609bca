//! How long the simulated cloud takes, all of it in virtual time.

use std::time::Duration;

use bon::Builder;

/// How long things take. A test sets what matters to it:
///
/// ```
/// use std::time::Duration;
/// use ec2_stories_sim::Latencies;
///
/// let slow_boot = Latencies::builder().boot(Duration::from_secs(300)).jitter(0.0).build();
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Builder)]
#[non_exhaustive]
pub struct Latencies {
    /// From the caller to the effect of a call.
    #[builder(default = Duration::from_millis(30))]
    pub request: Duration,
    /// From the effect of a call to its reply at the caller.
    #[builder(default = Duration::from_millis(20))]
    pub reply: Duration,
    /// From `pending` to `running`.
    #[builder(default = Duration::from_secs(30))]
    pub boot: Duration,
    /// From `running` until the status checks pass.
    #[builder(default = Duration::from_secs(60))]
    pub status_checks: Duration,
    /// From `stopping` to `stopped`.
    #[builder(default = Duration::from_secs(20))]
    pub stop: Duration,
    /// From `shutting-down` to `terminated`.
    #[builder(default = Duration::from_secs(25))]
    pub terminate: Duration,
    /// For how long at most a new id is unknown to the calls that name it. Each resource draws its own time.
    #[builder(default = Duration::from_millis(800))]
    pub visibility: Duration,
    /// For how long at most after that a tag does not show in listings that filter by it.
    #[builder(default = Duration::from_millis(800))]
    pub tag_index: Duration,
    /// From `pending` to `available` of an image that RegisterImage made.
    #[builder(default = Duration::from_secs(5))]
    pub register: Duration,
    /// What every ImportSnapshot takes.
    #[builder(default = Duration::from_secs(60))]
    pub import: Duration,
    /// What ImportSnapshot takes on top for each GiB of the disk.
    #[builder(default = Duration::from_secs(20))]
    pub import_per_gib: Duration,
    /// What every snapshot of a volume takes.
    #[builder(default = Duration::from_secs(20))]
    pub snapshot: Duration,
    /// What a snapshot of a volume takes on top for each GiB.
    #[builder(default = Duration::from_secs(3))]
    pub snapshot_per_gib: Duration,
    /// What every copy of an image or snapshot takes.
    #[builder(default = Duration::from_secs(60))]
    pub copy: Duration,
    /// What a copy takes on top for each GiB.
    #[builder(default = Duration::from_secs(10))]
    pub copy_per_gib: Duration,
    /// The share (0 to 1) by which all times but those of requests vary around the values above.
    #[builder(default = 0.2)]
    pub jitter: f64,
}

impl Default for Latencies {
    fn default() -> Self {
        Self::builder().build()
    }
}

impl Latencies {
    /// Nothing takes time and everything is visible at once.
    #[must_use]
    pub fn none() -> Self {
        Self {
            request: Duration::ZERO,
            reply: Duration::ZERO,
            boot: Duration::ZERO,
            status_checks: Duration::ZERO,
            stop: Duration::ZERO,
            terminate: Duration::ZERO,
            visibility: Duration::ZERO,
            tag_index: Duration::ZERO,
            register: Duration::ZERO,
            import: Duration::ZERO,
            import_per_gib: Duration::ZERO,
            snapshot: Duration::ZERO,
            snapshot_per_gib: Duration::ZERO,
            copy: Duration::ZERO,
            copy_per_gib: Duration::ZERO,
            jitter: 0.0,
        }
    }
}
