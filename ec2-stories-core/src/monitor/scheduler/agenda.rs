//! Whose turn it is: phases that differ by node, periods that differ a little from turn to turn.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use crate::model::NodeAddress;
use crate::monitor::machine::{At, Key};

/// Probes that are due, the earliest first. One of a watch that has ended is found out when its turn comes.
#[derive(Debug, Default)]
pub(super) struct Agenda(BinaryHeap<Reverse<(At, Key, u32)>>);

impl Agenda {
    pub(super) fn add(&mut self, due: At, key: Key, watch: u32) {
        self.0.push(Reverse((due, key, watch)));
    }

    pub(super) fn next(&self) -> Option<At> {
        self.0.peek().map(|Reverse((due, ..))| *due)
    }

    /// The first that is due, and when it was.
    pub(super) fn pop(&mut self, now: At) -> Option<(At, Key, u32)> {
        self.next().filter(|due| *due <= now)?;
        self.0.pop().map(|Reverse(first)| first)
    }
}

/// Where in a period a node's turn comes: always the same, and different from its neighbors'.
pub(super) fn phase(node: &NodeAddress, period: Duration) -> Duration {
    let name = node.fleet.as_str().bytes().fold(0, |hash, byte| mix(hash ^ u64::from(byte)));
    part(period, mix(name ^ u64::from(node.slot)))
}

/// When the next turn comes after one that was due: a period later, give or take a tenth, and never in the past.
pub(super) fn after(due: At, key: Key, period: Duration, now: At) -> At {
    let chance = mix(due.0 ^ u64::from(key.slot) << 32 ^ u64::from(key.fleet));
    let next = due.plus(period * 9 / 10).plus(part(period / 5, chance));
    if next > now { next } else { now.plus(part(period, chance)) }
}

/// A part of a duration.
fn part(whole: Duration, chance: u64) -> Duration {
    let thousandth = u32::try_from(chance % 1000).expect("less than a thousand");
    whole * thousandth / 1000
}

/// The finalizer of SplitMix64, which spreads neighbors.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Name;

    const PERIOD: Duration = Duration::from_secs(10);

    #[test]
    fn phases_are_spread_evenly_and_stay_the_same() {
        let mut tenths = [0_u32; 10];
        for slot in 0..10_000 {
            let node = NodeAddress::new(Name::new("web").unwrap(), slot);
            let phase = phase(&node, PERIOD);
            assert_eq!(phase, super::phase(&node, PERIOD));
            tenths[usize::try_from(phase.as_secs()).unwrap()] += 1;
        }
        assert!(tenths.iter().all(|tenth| (800..1200).contains(tenth)), "{tenths:?}");
    }

    #[test]
    fn turns_come_a_period_later_give_or_take_a_tenth() {
        let key = Key { fleet: 0, slot: 7 };
        let (mut due, mut shortest, mut longest) = (At::START, PERIOD * 2, Duration::ZERO);
        for _ in 0..1000 {
            let next = after(due, key, PERIOD, due);
            (shortest, longest) = (shortest.min(next.since(due)), longest.max(next.since(due)));
            due = next;
        }
        assert!((9.0..9.1).contains(&shortest.as_secs_f64()), "{shortest:?}");
        assert!((10.9..=11.0).contains(&longest.as_secs_f64()), "{longest:?}");
    }

    #[test]
    fn a_turn_that_was_missed_is_not_made_up_for() {
        let now = At::after(PERIOD * 60);
        let next = after(At::START, Key { fleet: 0, slot: 1 }, PERIOD, now);
        assert!(next >= now && next <= now.plus(PERIOD), "{next:?}");
    }
}
