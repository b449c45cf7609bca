//! What a region has to give: capacity, offerings, quotas.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::types::TypeInfo;
use crate::wire::ApiError;

/// A new AWS account gets far less; here a test that is about quotas sets them, and no other meets them.
const DEFAULT_VCPUS: i32 = 100_000;

#[derive(Clone, Debug)]
pub(crate) struct Capacity {
    /// Instances that a (type, zone) can still hold; without an entry there is no bound.
    free: BTreeMap<(String, String), u32>,
    unsupported: BTreeSet<(String, String)>,
    outages: Vec<(String, Timestamp, Timestamp)>,
    pub(crate) vcpu_limit: i32,
    pub(crate) instance_limit: Option<u32>,
}

impl Default for Capacity {
    fn default() -> Self {
        Self {
            free: BTreeMap::new(),
            unsupported: BTreeSet::new(),
            outages: Vec::new(),
            vcpu_limit: DEFAULT_VCPUS,
            instance_limit: None,
        }
    }
}

impl Capacity {
    pub(crate) fn set(&mut self, instance_type: &str, zone: &str, free: u32) {
        self.free.insert((instance_type.to_owned(), zone.to_owned()), free);
    }

    pub(crate) fn set_unsupported(&mut self, instance_type: &str, zone: &str) {
        self.unsupported.insert((instance_type.to_owned(), zone.to_owned()));
    }

    pub(crate) fn set_outages(&mut self, outages: Vec<(String, Timestamp, Timestamp)>) {
        self.outages = outages;
    }

    pub(crate) fn offers(&self, instance_type: &str, zone: &str) -> bool {
        !self.unsupported.contains(&(instance_type.to_owned(), zone.to_owned()))
    }

    /// The start of the outage that a zone is in.
    pub(crate) fn outage(&self, zone: &str, now: Timestamp) -> Option<Timestamp> {
        let hit =
            self.outages.iter().find(|(name, from, until)| name == zone && *from <= now && now < *until);
        hit.map(|(_, from, _)| *from)
    }

    /// How many more instances of a type fit into a zone.
    pub(crate) fn free(&self, instance_type: &str, zone: &str, now: Timestamp) -> u32 {
        if self.outage(zone, now).is_some() {
            return 0;
        }
        self.free.get(&(instance_type.to_owned(), zone.to_owned())).copied().unwrap_or(u32::MAX)
    }

    pub(crate) fn take(&mut self, instance_type: &str, zone: &str, count: u32) {
        if let Some(free) = self.free.get_mut(&(instance_type.to_owned(), zone.to_owned())) {
            *free = free.saturating_sub(count);
        }
    }

    pub(crate) fn give_back(&mut self, instance_type: &str, zone: &str) {
        if let Some(free) = self.free.get_mut(&(instance_type.to_owned(), zone.to_owned())) {
            *free += 1;
        }
    }

    /// How many of `wanted` instances the quotas allow beside those that run.
    ///
    /// Source: "Error codes for the Amazon EC2 API", VcpuLimitExceeded and InstanceLimitExceeded.
    pub(crate) fn within_quota(
        &self,
        kind: &TypeInfo,
        wanted: std::ops::RangeInclusive<u32>,
        used_vcpus: i32,
        used_instances: u32,
    ) -> Result<u32, ApiError> {
        let (min, max) = wanted.into_inner();
        let by_vcpu = u32::try_from((self.vcpu_limit - used_vcpus) / kind.vcpus).unwrap_or(0);
        if by_vcpu < min {
            let message = format!(
                "You have requested more vCPU capacity than your current vCPU limit of {} allows for the instance \
                 bucket that the specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/\
                 ec2-request to request an adjustment to this limit.",
                self.vcpu_limit
            );
            return Err(ApiError::new("VcpuLimitExceeded", message));
        }
        let by_count = self.instance_limit.map_or(u32::MAX, |limit| limit.saturating_sub(used_instances));
        if by_count < min {
            let message = format!(
                "You have requested more instances ({}) than your current instance limit of {} allows for the \
                 specified instance type. Please visit http://aws.amazon.com/contact-us/ec2-request to request an \
                 adjustment to this limit.",
                used_instances + min,
                self.instance_limit.unwrap_or_default()
            );
            return Err(ApiError::new("InstanceLimitExceeded", message));
        }
        Ok(max.min(by_vcpu).min(by_count))
    }
}

/// Source: "Error codes for the Amazon EC2 API", server error codes: a 500, which SDKs retry.
pub(crate) fn insufficient(instance_type: &str, zone: &str, others: &[String]) -> ApiError {
    let message = format!(
        "We currently do not have sufficient {instance_type} capacity in the Availability Zone you requested ({zone}). \
         Our system will be working on provisioning additional capacity. You can currently get {instance_type} \
         capacity by not specifying an Availability Zone in your request or choosing {}.",
        others.join(", ")
    );
    ApiError::new("InsufficientInstanceCapacity", message).with_status(500)
}

/// Source: "Error codes for the Amazon EC2 API", Unsupported.
pub(crate) fn unsupported(instance_type: &str, zone: &str, others: &[String]) -> ApiError {
    let message = format!(
        "Your requested instance type ({instance_type}) is not supported in your requested Availability Zone ({zone}). \
         Please retry your request by not specifying an Availability Zone or choosing {}.",
        others.join(", ")
    );
    ApiError::new("Unsupported", message)
}
