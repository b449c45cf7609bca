//! All that the cloud remembers.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant as Moment;

use super::MemoryCloud;
use super::firewall::Group;
use super::images::public_images;
use super::keys::Keys;
use super::launch::Reservation;
use super::machine::{End, Machine};
use crate::TokioClock;
use crate::model::{
    AvailabilityZone, ClientToken, ImageId, InstanceHealth, InstanceId, InstanceType, Name, Region,
    RegisteredImage, SecurityGroupId, StateReason, SubnetId,
};

/// 2026-01-01T00:00:00Z, in seconds.
const NEW_YEAR_2026: i64 = 1_767_225_600;

#[derive(Debug)]
pub(super) struct State {
    pub(super) clock: TokioClock,
    pub(super) boot_time: Duration,
    pub(super) shutdown_time: Duration,
    pub(super) settle_time: Duration,
    pub(super) lag: Duration,
    pub(super) outages: Vec<Outage>,
    pub(super) capacity: BTreeMap<(InstanceType, AvailabilityZone), u32>,
    pub(super) boot_failures: VecDeque<StateReason>,
    pub(super) machines: BTreeMap<InstanceId, Machine>,
    pub(super) reservations: HashMap<ClientToken, Reservation>,
    pub(super) images: BTreeMap<ImageId, RegisteredImage>,
    pub(super) registered: BTreeMap<String, (String, ImageId)>,
    pub(super) shares: BTreeMap<ImageId, BTreeSet<String>>,
    pub(super) copies: BTreeMap<(ImageId, Region), RegisteredImage>,
    pub(super) groups: BTreeMap<(Name, Name), Group>,
    pub(super) foreign_groups: BTreeSet<SecurityGroupId>,
    pub(super) rule_changes: u64,
    pub(super) keys: Keys,
    serial: u64,
}

/// A zone that fails for a while.
#[derive(Debug)]
pub(super) struct Outage {
    pub(super) zone: AvailabilityZone,
    /// The same moment, as a status check tells it and as it is counted.
    pub(super) since: Timestamp,
    pub(super) from: Moment,
    pub(super) until: Moment,
}

impl State {
    pub(super) fn new() -> Self {
        let epoch = Timestamp::from_second(NEW_YEAR_2026).expect("a time that jiff can hold");
        Self {
            clock: TokioClock::starting_at(epoch),
            boot_time: Duration::from_secs(30),
            shutdown_time: Duration::from_secs(20),
            settle_time: Duration::ZERO,
            lag: Duration::ZERO,
            outages: Vec::new(),
            capacity: BTreeMap::new(),
            boot_failures: VecDeque::new(),
            machines: BTreeMap::new(),
            reservations: HashMap::new(),
            images: public_images(epoch).map(|image| (image.id.clone(), image)).collect(),
            registered: BTreeMap::new(),
            shares: BTreeMap::new(),
            copies: BTreeMap::new(),
            groups: BTreeMap::new(),
            foreign_groups: BTreeSet::new(),
            rule_changes: 0,
            keys: Keys::default(),
            serial: 0,
        }
    }

    /// An id in EC2's long form.
    pub(super) fn new_id(&mut self, prefix: &str) -> String {
        format!("{prefix}-{:017x}", self.next_serial())
    }

    pub(super) fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// Begins to end an instance, once.
    pub(super) fn end(&mut self, id: &InstanceId, reason: StateReason) {
        let (now, shutdown) = (Moment::now(), self.shutdown_time);
        if let Some(machine) = self.machines.get_mut(id)
            && !machine.is_terminated(now)
            && machine.end.is_none()
        {
            machine.end = Some(End { began_at: now, ended_at: now + shutdown, reason });
        }
    }

    /// Since when a zone has failed.
    pub(super) fn outage(&self, zone: &AvailabilityZone, now: Moment) -> Option<Timestamp> {
        let strikes = |outage: &&Outage| outage.zone == *zone && outage.from <= now && now < outage.until;
        self.outages.iter().find(strikes).map(|outage| outage.since)
    }

    /// What a look at an instance's health shows.
    pub(super) fn health(&self, id: &InstanceId, now: Moment) -> Option<InstanceHealth> {
        let machine = self.machines.get(id)?;
        machine.health(now, self.outage(&machine.instance.zone, now))
    }

    pub(super) fn zones() -> impl Iterator<Item = AvailabilityZone> {
        ["a", "b", "c"]
            .into_iter()
            .map(|letter| AvailabilityZone::new(format!("{}{letter}", MemoryCloud::REGION)))
    }

    /// The zone of a default subnet: `subnet-eu-west-1a` and so on.
    pub(super) fn zone_of(subnet: &SubnetId) -> Option<AvailabilityZone> {
        Self::zones().find(|zone| subnet.as_str().strip_prefix("subnet-") == Some(zone.as_str()))
    }
}
