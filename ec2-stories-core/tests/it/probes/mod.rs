//! Probes against real servers on loopback addresses.

mod certificates;
mod cloud;
mod combined;
mod heartbeats;
mod http;
mod icmp;
mod refused;
mod server;
mod tcp;
mod tls;

use std::time::Duration;

use ec2_stories_core::provider::Liveness;

/// How long the tests wait for what will not come.
const SHORT: Duration = Duration::from_millis(400);
const PATIENT: Duration = Duration::from_secs(20);

/// A name that no resolver sends anywhere: a label has at most 63 characters (RFC 1035, section 2.3.4).
fn no_name() -> String {
    "x".repeat(64)
}

#[track_caller]
fn fails(answer: &Liveness, why: &str) {
    match answer {
        Liveness::Failing(said) if said.contains(why) => {}
        other => panic!("must fail with {why:?}: {other:?}"),
    }
}
