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
    /// `now`, where the token was not sent before. A replay may be about instances that are older than it.
    pub(super) fn first_sent(&mut self, token: &ClientToken, now: Instant) -> Option<Instant> {
        self.sent.retain(|_, at| now.duration_since(*at) < KEPT);
        match self.sent.insert(token.clone(), now) {
            None => Some(now),
            Some(_) => None,
        }
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
