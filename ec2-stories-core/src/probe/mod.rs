//! Probes: what it means that a node lives.
//!
//! | Probe | Asks |
//! | --- | --- |
//! | [`Tcp`] | whether a port takes connections |
//! | [`Http`] | a page, by HTTP or HTTPS: status, content, headers |
//! | [`TlsExpiry`] | how long the certificate of a port is still good |
//! | [`Icmp`] | whether the node answers an echo request, where this machine may send one |
//! | [`CloudState`] | the cloud: state and status checks of the instance |
//! | [`Heartbeat`] | nobody: the node itself says so, to [`Heartbeats`] |
//! | [`probe_fn`] | whatever a closure asks |
//!
//! They are put together with [`all_of`], [`any_of`] and [`not`], and [`Thresholds`] lets each of them fail a few times first.
//! `ec2-stories-ssh` has one that runs a command on the node, and the step that has a node send heartbeats.
//!
//! ```
//! # #[cfg(feature = "probes")]
//! # fn example() -> ec2_stories_core::Result<()> {
//! use ec2_stories_core::probe::{Http, ProbeExt, Tcp, all_of};
//!
//! let page = Http::get(80, "/health").body("(?i)ready")?;
//! let probe = all_of([Tcp::port(22).shared(), page.thresholds(5, 2).shared()]);
//! # drop(probe);
//! # Ok(())
//! # }
//! ```
//!
//! # What an answer means
//! A refused or broken connection, no answer in time and a wrong answer are `Failing`. What went wrong on this machine, such as name
//! resolution, too many open files, no free port, no route or no right to ask, is `Unknown`: it says nothing of the node.
//! Each probe has a time-out of its own, 5 s where not said, and gives its reason in a few words, without what was sent.

mod address;
mod cloud;
mod combine;
mod connect;
mod ext;
mod function;
#[cfg(feature = "probes")]
mod heartbeat;
mod heartbeat_key;
#[cfg(feature = "probes")]
mod http;
#[cfg(feature = "probes")]
mod icmp;
mod refuse;
mod tcp;
mod thresholds;
#[cfg(feature = "probes")]
mod tls;

use std::time::Duration;

use tokio::time::timeout;

pub use cloud::CloudState;
pub(crate) use cloud::liveness;
pub use combine::{AllOf, AnyOf, Not, all_of, any_of, not};
pub use connect::broken;
pub use ext::ProbeExt;
pub use function::{ProbeFn, probe_fn};
#[cfg(feature = "probes")]
pub use heartbeat::{Heartbeat, HeartbeatSpec, Heartbeats, HeartbeatsBuilder, heartbeats_builder};
pub use heartbeat_key::HeartbeatKey;
#[cfg(feature = "probes")]
pub use http::{Http, Method, Pattern, Redirects, Statuses};
#[cfg(feature = "probes")]
pub use icmp::Icmp;
pub use tcp::Tcp;
pub use thresholds::Thresholds;
#[cfg(feature = "probes")]
pub use tls::{Certificates, HostName, Pin, TlsExpiry};

use crate::provider::Liveness;

/// As long as a busy node may take, across zones.
fn default_timeout() -> Duration {
    Duration::from_secs(5)
}

fn is_default_timeout(timeout: &Duration) -> bool {
    *timeout == default_timeout()
}

/// The answer, or that there was none in time.
async fn within(limit: Duration, answer: impl Future<Output = Liveness>) -> Liveness {
    match timeout(limit, answer).await {
        Ok(answer) => answer,
        Err(_) => Liveness::Failing(format!("no answer within {limit:?}")),
    }
}
