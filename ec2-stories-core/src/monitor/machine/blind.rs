//! Whether the watcher can trust its own eyes.

use std::time::Duration;

use super::target::State;
use super::{At, Key, Machine, Outcome, index};
use crate::monitor::What;

/// More of a zone's nodes failing than this, in percent, is more likely the watcher's own network; Kubernetes' node life cycle
/// controller has the same threshold.
const ZONE_FAILS_ABOVE: u64 = 55;

/// Fewer failing nodes do not make a failing zone (as in Kubernetes): the two nodes of a small fleet may well die together.
const ZONE_FAILS_FROM: u32 = 3;

/// In this many zones, or in the only one that has as many nodes: to lose a zone is common, to lose all nodes at once is not.
const ZONES: usize = 2;

/// Coming back later than this after the time that was announced is lag.
const LAG: Duration = Duration::from_secs(1);

/// For how long after a lag the watcher does not trust its eyes: probes that were under way fail for nothing.
const AFTER_LAG: Duration = Duration::from_secs(10);

#[derive(Debug, Default)]
pub(super) struct Sight {
    zones: Vec<Zone>,
    canaries: (u32, u32),
    expected: Option<At>,
    lag: Option<(Duration, At)>,
    pub(super) blind: Option<String>,
    /// Since when it sees, after it was blind.
    pub(super) since: At,
    /// How many times it was blind.
    pub(super) spell: u32,
    /// Whether something has changed by which blindness is judged.
    pub(super) changed: bool,
}

#[derive(Debug)]
struct Zone {
    name: String,
    visible: u32,
    failing: u32,
}

impl Zone {
    fn can_fail(&self) -> bool {
        self.visible >= ZONE_FAILS_FROM
    }

    fn fails(&self) -> bool {
        self.failing >= ZONE_FAILS_FROM
            && u64::from(self.failing) * 100 > u64::from(self.visible) * ZONE_FAILS_ABOVE
    }
}

impl Sight {
    pub(super) fn zone(&mut self, name: &str) -> u32 {
        let known = self.zones.iter().position(|zone| zone.name == name);
        index(known.unwrap_or_else(|| {
            self.zones.push(Zone { name: name.to_owned(), visible: 0, failing: 0 });
            self.zones.len() - 1
        }))
    }

    /// Counts a node in or out.
    pub(super) fn count(&mut self, zone: u32, visible: i8, failing: i8) {
        if let Some(zone) = self.zones.get_mut(zone as usize) {
            zone.visible = zone.visible.saturating_add_signed(visible.into());
            zone.failing = zone.failing.saturating_add_signed(failing.into());
            self.changed = true;
        }
    }

    pub(super) fn canaries(&mut self, failing: u32, of: u32) {
        self.canaries = (failing, of);
        self.changed = true;
    }

    pub(super) fn expect(&mut self, at: At) {
        self.expected = Some(at);
    }

    pub(super) fn lag_until(&self) -> Option<At> {
        self.lag.map(|(_, until)| until)
    }

    /// Whether the caller comes much later than it said.
    pub(super) fn notice_lag(&mut self, now: At) {
        if let Some(late) = self.expected.map(|expected| now.since(expected)).filter(|late| *late > LAG) {
            (self.lag, self.expected, self.changed) = (Some((late, now.plus(AFTER_LAG))), None, true);
        }
        if self.lag.is_some_and(|(_, until)| until <= now) {
            (self.lag, self.changed) = (None, true);
        }
    }

    fn reason(&self) -> Option<String> {
        if let Some((late, _)) = self.lag {
            return Some(format!("the monitor was kept from running for {late:?}"));
        }
        let (failing, of) = self.canaries;
        if failing * 2 > of {
            return Some(format!("{failing} of {of} canaries do not answer"));
        }
        let failing: Vec<&Zone> = self.zones.iter().filter(|zone| zone.fails()).collect();
        let enough = ZONES.min(self.zones.iter().filter(|zone| zone.can_fail()).count());
        (!failing.is_empty() && failing.len() >= enough).then(|| {
            let zones =
                failing.iter().map(|zone| format!("{} of {} in {}", zone.failing, zone.visible, zone.name));
            format!("too many nodes fail at once: {}", zones.collect::<Vec<_>>().join(", "))
        })
    }
}

impl Machine {
    /// Finds out whether it is blind.
    pub(super) fn look(&mut self, now: At, out: &mut Vec<Outcome>) {
        if !std::mem::take(&mut self.sight.changed) {
            return;
        }
        match (self.sight.reason(), self.sight.blind.is_some()) {
            (Some(why), false) => {
                out.push(Outcome::Tell(None, What::Blind(why.clone())));
                self.sight.blind = Some(why);
            }
            // The figures change with every node; the first that were seen are good enough.
            (Some(_), true) | (None, false) => {}
            (None, true) => self.see_again(now, out),
        }
    }

    fn see_again(&mut self, now: At, out: &mut Vec<Outcome>) {
        self.sight.blind = None;
        (self.sight.since, self.sight.spell) = (now, self.sight.spell.wrapping_add(1));
        out.push(Outcome::Tell(None, What::Sees));
        for key in self.waiting() {
            self.judge(key, now, out);
        }
        self.touched = (0..index(self.fleets.len())).collect();
    }

    /// All who are to be replaced.
    fn waiting(&self) -> Vec<Key> {
        let fleets = (0..).zip(&self.fleets);
        let zones = fleets.flat_map(|(fleet, state)| state.zones.iter().map(move |zone| (fleet, zone)));
        let slots = zones.flat_map(|(fleet, zone)| {
            zone.waiting.iter().map(move |(_, _, slot)| Key { fleet, slot: *slot })
        });
        slots.collect()
    }

    /// Whether a death that was found by looking was found before sight was lost, and so counts no more.
    pub(super) fn is_stale(&self, state: State, definitive: bool, since: At) -> bool {
        state == State::Dead && !definitive && since < self.sight.since
    }
}
