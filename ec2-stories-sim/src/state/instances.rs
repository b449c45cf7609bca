//! All instances of a region, and who may see which when.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use super::instance::Instance;
use super::timeline::State;
use crate::wire::ApiError;

/// Terminated instances stay visible for under an hour (EC2 user guide, "Terminate Amazon EC2 instances").
const SHOWN_AFTER_END: Duration = Duration::from_secs(50 * 60);

#[derive(Clone, Debug, Default)]
pub(crate) struct Instances {
    by_id: BTreeMap<String, Instance>,
    /// Reservations with their instances in launch order.
    reservations: BTreeMap<String, Vec<String>>,
    /// Instances whose end still has effects to come.
    unsettled: BTreeSet<String>,
}

/// What an ended instance gives back.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    pub(crate) id: String,
    pub(crate) interface: String,
    pub(crate) instance_type: &'static str,
    pub(crate) zone: String,
    pub(crate) reason: String,
}

impl Instances {
    pub(crate) fn insert(&mut self, instance: Instance) {
        self.reservations.entry(instance.reservation.clone()).or_default().push(instance.id.clone());
        self.unsettled.insert(instance.id.clone());
        self.by_id.insert(instance.id.clone(), instance);
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Instance> {
        self.by_id.values()
    }

    /// Those named, each once, or all when none is.
    pub(crate) fn named_or_all<'a>(
        &'a self,
        ids: &'a [String],
    ) -> Box<dyn Iterator<Item = &'a Instance> + 'a> {
        if ids.is_empty() {
            return Box::new(self.all());
        }
        let once: BTreeSet<&String> = ids.iter().collect();
        Box::new(once.into_iter().filter_map(|id| self.by_id.get(id)))
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Instance> {
        self.by_id.get(id)
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Instance> {
        self.by_id.get_mut(id)
    }

    pub(crate) fn in_reservation(&self, reservation: &str) -> impl Iterator<Item = &Instance> {
        self.reservations.get(reservation).into_iter().flatten().filter_map(|id| self.by_id.get(id))
    }

    /// Checks ids that a call names: one unknown id fails the whole call.
    ///
    /// Source: "Error codes for the Amazon EC2 API", InvalidInstanceID.NotFound and .Malformed; "Eventual consistency in
    /// the Amazon EC2 API": a new id can be unknown for a while.
    pub(crate) fn known(&self, ids: &[String], now: Timestamp) -> Result<(), ApiError> {
        if let Some(id) = ids.iter().find(|id| !well_formed(id)) {
            return Err(ApiError::malformed_id("InvalidInstanceID.Malformed", id, "i"));
        }
        let visible = |id: &&String| self.by_id.get(*id).is_some_and(|instance| instance.visible_at <= now);
        let unknown: Vec<&str> = ids.iter().filter(|id| !visible(id)).map(String::as_str).collect();
        let message = match unknown[..] {
            [] => return Ok(()),
            [id] => format!("The instance ID '{id}' does not exist"),
            _ => format!("The instance IDs '{}' do not exist", unknown.join(", ")),
        };
        Err(ApiError::new("InvalidInstanceID.NotFound", message))
    }

    /// vCPUs and instances that count against quotas: those that run or are about to.
    ///
    /// Source: EC2 user guide, "Amazon EC2 service quotas", on-demand quotas count running instances.
    pub(crate) fn usage(&self, now: Timestamp) -> (i32, u32) {
        let active = self.by_id.values().filter(|i| matches!(i.state(now), State::Pending | State::Running));
        active.fold((0, 0), |(vcpus, count), instance| (vcpus + instance.kind.vcpus, count + 1))
    }

    pub(crate) fn take_ended(&mut self, now: Timestamp) -> Vec<Ended> {
        let ended = |id: &&String| self.by_id[*id].state(now) == State::Terminated;
        let ids: Vec<String> = self.unsettled.iter().filter(ended).cloned().collect();
        ids.iter()
            .map(|id| {
                self.unsettled.remove(id);
                let instance = &self.by_id[id];
                Ended {
                    id: id.clone(),
                    interface: instance.interface.clone(),
                    instance_type: instance.kind.name,
                    zone: instance.zone.clone(),
                    reason: instance.timeline.current(now).reason.code.clone(),
                }
            })
            .collect()
    }

    /// Drops instances that are no longer shown.
    pub(crate) fn take_forgotten(&mut self, now: Timestamp) -> Vec<String> {
        let gone =
            |instance: &&Instance| instance.timeline.end().is_some_and(|end| end + SHOWN_AFTER_END <= now);
        let ids: Vec<String> = self.by_id.values().filter(gone).map(|instance| instance.id.clone()).collect();
        for id in &ids {
            self.by_id.remove(id);
        }
        ids
    }
}

/// `i-` and 8 or 17 hexadecimal digits (EC2 user guide, "Resource IDs").
fn well_formed(id: &str) -> bool {
    id.strip_prefix("i-").is_some_and(|digits| {
        matches!(digits.len(), 8 | 17)
            && digits.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase())
    })
}
