//! Seeded faults on the path that a real call takes.

mod engine;
mod operations;
mod plan;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(crate) use engine::{Engine, METADATA, Struck, Target};
pub use plan::{FaultPlan, FaultPlanError, Outage, Rule};

/// What goes wrong with a call, or with the instances that it launches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fault {
    /// `RequestLimitExceeded`, 503, or S3's `SlowDown`; no effect.
    Throttle,
    /// An error of your choice; no effect. The SDK retries 500, 502, 503 and 504.
    Error {
        /// EC2's error code.
        code: String,
        /// The HTTP status.
        status: u16,
    },
    /// `InsufficientInstanceCapacity`, 500, for a launch; no effect.
    Capacity,
    /// The connection is reset before the call has an effect.
    ReplyLostBefore,
    /// The call takes effect, then the connection is reset.
    ReplyLostAfter,
    /// The reply comes later by this much: the effect is there, a client that gives up does not know it.
    Slow(#[serde(with = "humantime_serde")] Duration),
    /// The call takes effect, and half of the reply arrives before the connection is reset.
    TruncatedReply,
    /// S3 only: the connection is reset when half of an upload's body has arrived; no effect. A call without a body
    /// loses half of its reply.
    ResetMidway,
    /// S3 only: half of an upload's body arrives, and nothing moves any more on a connection that stays open. For a call
    /// without a body the reply stops halfway.
    Stall,
    /// CompleteMultipartUpload, CopyObject and UploadPartCopy only: status 200, then this error code in the body; no
    /// effect.
    ErrorInside(String),
    /// Launched instances end as `terminated` without ever running: half a boot time later, with this state reason
    /// (`Server.InternalError`, `Client.VolumeLimitExceeded`, …).
    LateLaunchFailure(String),
    /// Launched instances run, but fail their status checks from so long after they started running.
    Impaired(#[serde(with = "humantime_serde")] Duration),
    /// What the call starts ends in failure for this reason: an import as `error`, a snapshot as `error`, an image that is
    /// registered, copied or made of an instance as `failed`.
    EndsInFailure(String),
    /// Launched spot instances get their interruption notice so long after the launch, and end two minutes after it.
    SpotNotice(#[serde(with = "humantime_serde")] Duration),
    /// Launched instances get a scheduled event.
    ScheduledEvent {
        /// EC2's code: `instance-retirement`, `instance-stop`, `instance-reboot`, `system-reboot` or `system-maintenance`.
        code: String,
        /// How long after the launch it is told.
        #[serde(with = "humantime_serde")]
        after: Duration,
        /// How long after that it is carried out.
        #[serde(with = "humantime_serde")]
        notice: Duration,
    },
    /// Launched instances are unknown to every call that names them for so long.
    UnknownIdFor(#[serde(with = "humantime_serde")] Duration),
}

/// What is in store for the instances of one launch.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Fate {
    pub(crate) no_capacity: bool,
    pub(crate) late_failure: Option<String>,
    pub(crate) impaired_after: Option<Duration>,
    pub(crate) failure: Option<String>,
    pub(crate) spot_notice_after: Option<Duration>,
    pub(crate) event: Option<EventToCome>,
    pub(crate) unknown_for: Option<Duration>,
}

/// A scheduled event in store for an instance.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct EventToCome {
    pub(crate) code: String,
    pub(crate) after: Duration,
    pub(crate) notice: Duration,
}
