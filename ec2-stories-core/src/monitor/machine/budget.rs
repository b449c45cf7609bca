//! How many of a fleet may be replaced at a time.

use std::collections::BTreeSet;

use super::At;
use super::target::Urgency;
use crate::model::{Health, Replace};

#[derive(Debug)]
pub(super) struct Fleet {
    pub(super) name: String,
    pub(super) health: Health,
    /// Whether its nodes have a probe, or have the cloud's word alone.
    pub(super) probed: bool,
    pub(super) nodes: u32,
    pub(super) unhealthy: u32,
    /// How many of them somebody holds.
    pub(super) held: u32,
    pub(super) in_flight: u32,
    /// With too many unhealthy, how many are replaced at a time.
    pub(super) cautious: Option<u32>,
    pub(super) zones: Vec<FleetZone>,
}

/// A fleet's part in a zone.
#[derive(Debug, Default)]
pub(super) struct FleetZone {
    pub(super) zone: u32,
    pub(super) nodes: u32,
    pub(super) in_flight: u32,
    /// Who is to be replaced, in this order.
    pub(super) waiting: BTreeSet<(Urgency, At, u32)>,
}

/// Fewer unhealthy nodes than this are never too many: one that dies while another is replaced is nothing unusual.
const NEVER_TOO_MANY: u32 = 2;

impl Fleet {
    pub(super) fn new(name: &str, health: Health, probed: bool) -> Self {
        Self {
            name: name.to_owned(),
            health,
            probed,
            nodes: 0,
            unhealthy: 0,
            held: 0,
            in_flight: 0,
            cautious: None,
            zones: Vec::new(),
        }
    }

    /// Its part in a zone.
    pub(super) fn zone(&mut self, zone: u32) -> &mut FleetZone {
        let position = self.zones.iter().position(|known| known.zone == zone);
        let position = position.unwrap_or_else(|| {
            self.zones.push(FleetZone { zone, ..FleetZone::default() });
            self.zones.len() - 1
        });
        &mut self.zones[position]
    }

    /// With more unhealthy nodes than this they are replaced one at a time.
    pub(super) fn limit(&self) -> u32 {
        self.health.max_unhealthy.of(self.nodes).max(NEVER_TOO_MANY)
    }

    /// How many may be replaced at a time, in all its zones.
    pub(super) fn allowed(&self) -> u32 {
        let most = self.health.max_in_flight.of(self.nodes).max(1);
        self.cautious.map_or(most, |cautious| most.min(cautious))
    }

    /// Becomes cautious or ceases to be; whether that was a change.
    pub(super) fn weigh(&mut self) -> bool {
        let too_many = self.unhealthy > self.limit();
        let change = too_many != self.cautious.is_some();
        if change {
            self.cautious = too_many.then_some(1);
        }
        change
    }

    /// A replacement has come to life.
    pub(super) fn succeeded(&mut self) {
        self.cautious = self.cautious.map(|cautious| cautious.saturating_mul(2));
    }

    /// A replacement has died before it lived.
    pub(super) fn failed(&mut self) {
        self.cautious = self.cautious.map(|_| 1);
    }

    /// The next that may be replaced, if one may.
    pub(super) fn next(&self) -> Option<(Urgency, u32, u32)> {
        if self.in_flight >= self.allowed() {
            return None;
        }
        let most = |zone: &FleetZone| self.health.max_in_flight.of(zone.nodes).max(1);
        let roomy = self.zones.iter().filter(|zone| zone.in_flight < most(zone));
        let heads = roomy.filter_map(|zone| Some((*zone.waiting.first()?, zone.zone)));
        let ((urgency, _, slot), zone) = heads.min()?;
        // Whoever works must not be the one too many; whom somebody holds, he sees to.
        let may = urgency != Urgency::Wanted || self.unhealthy - self.held < self.limit();
        may.then_some((urgency, slot, zone))
    }

    /// The next that is dead and that nobody will replace: it waits for nothing, and nobody waits for it.
    pub(super) fn left_dead(&self) -> Option<u32> {
        let all = self.zones.iter().flat_map(|zone| &zone.waiting);
        let mut dead = all.filter(|(urgency, ..)| *urgency == Urgency::Dead).map(|(.., slot)| *slot);
        dead.next().filter(|_| self.health.replace == Replace::Never)
    }

    pub(super) fn waiting(&self) -> u32 {
        super::index(self.zones.iter().map(|zone| zone.waiting.len()).sum())
    }
}
