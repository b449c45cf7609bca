//! When instances were launched, on this process's own clock.

use std::collections::HashMap;
use std::time::Duration;

use ec2_stories_core::model::{ClientToken, Instance, InstanceId};
use tokio::time::Instant;

use super::boot_times::Kind;

/// For how long a launch is remembered: longer than anything boots.
const KEPT: Duration = Duration::from_secs(3_600);

#[derive(Clone, Debug)]
pub(super) struct Birth {
    pub(super) at: Instant,
    pub(super) kind: Kind,
}

#[derive(Debug, Default)]
pub(super) struct Births {
    sent: HashMap<ClientToken, Instant>,
    instances: HashMap<InstanceId, Birth>,
}

impl Births {
    /// When this process sent the token for the first time: what it launched is not older, and a replay says the same.
    pub(super) fn first_sent(&mut self, token: &ClientToken, now: Instant) -> Instant {
        self.sent.retain(|_, at| now.saturating_duration_since(*at) < KEPT);
        *self.sent.entry(token.clone()).or_insert(now)
    }

    /// The token has launched nothing, for certain.
    pub(super) fn not_sent(&mut self, token: &ClientToken) {
        self.sent.remove(token);
    }

    pub(super) fn launched(&mut self, instances: &[Instance], at: Instant) {
        self.instances.retain(|_, birth| at.saturating_duration_since(birth.at) < KEPT);
        for instance in instances {
            let birth = Birth { at, kind: Kind::of(instance) };
            self.instances.entry(instance.id.clone()).or_insert(birth);
        }
    }

    pub(super) fn get(&self, id: &InstanceId) -> Option<&Birth> {
        self.instances.get(id)
    }
}
