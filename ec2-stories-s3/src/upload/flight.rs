//! The parts on their way, and which of them to send a second time.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

/// A part is slow when it takes as many times longer than half of the parts did.
const SLOW: u32 = 3;

/// No part is slow before that.
const NEVER_SLOW: Duration = Duration::from_millis(250);

/// As many parts' times are known before one is called slow, and as many are remembered.
const ENOUGH: usize = 4;
const REMEMBERED: usize = 64;

/// What to do with the tail of an upload, when no part is left to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hedge {
    /// Send this part again: whichever comes first counts.
    Now(u32),
    /// One may be slow then.
    At(Instant),
    /// Nothing would be gained.
    Nothing,
}

/// The parts on their way.
#[derive(Debug, Default)]
pub(crate) struct Flight {
    parts: BTreeMap<u32, Part>,
    copies: u32,
    /// How long the last parts took.
    times: Vec<Duration>,
    next_time: usize,
}

#[derive(Debug)]
struct Part {
    since: Instant,
    copies: u32,
}

impl Flight {
    /// Part `number` begins.
    pub(crate) fn begin(&mut self, number: u32, now: Instant) {
        self.parts.entry(number).or_insert(Part { since: now, copies: 0 }).copies += 1;
        self.copies += 1;
    }

    /// How many requests are on their way.
    pub(crate) fn requests(&self) -> u32 {
        self.copies
    }

    /// Part `number` was found at S3: nothing was sent, so its time says nothing.
    pub(crate) fn found(&mut self, number: u32) {
        if let Some(part) = self.parts.remove(&number) {
            self.copies -= part.copies;
        }
    }

    /// A copy of part `number` was acknowledged; the others are of no use any more.
    pub(crate) fn acknowledged(&mut self, number: u32, now: Instant) {
        let Some(part) = self.parts.remove(&number) else { return };
        self.copies -= part.copies;
        let time = now.duration_since(part.since);
        if self.times.len() < REMEMBERED {
            self.times.push(time);
        } else {
            self.times[self.next_time] = time;
            self.next_time = (self.next_time + 1) % REMEMBERED;
        }
    }

    /// A copy of part `number` failed. Returns whether another one is on its way.
    pub(crate) fn failed(&mut self, number: u32) -> bool {
        let Some(part) = self.parts.get_mut(&number) else { return true };
        part.copies -= 1;
        self.copies -= 1;
        let others = part.copies > 0;
        if !others {
            self.parts.remove(&number);
        }
        others
    }

    /// Which part to send a second time.
    pub(crate) fn hedge(&self, now: Instant) -> Hedge {
        let Some((number, since)) = self.oldest_single() else { return Hedge::Nothing };
        let Some(usual) = self.usual() else { return Hedge::Nothing };
        let slow_at = since + NEVER_SLOW.max(usual * SLOW);
        if slow_at <= now { Hedge::Now(number) } else { Hedge::At(slow_at) }
    }

    fn oldest_single(&self) -> Option<(u32, Instant)> {
        let single = self.parts.iter().filter(|(_, part)| part.copies == 1);
        single.map(|(number, part)| (*number, part.since)).min_by_key(|(_, since)| *since)
    }

    /// What half of the parts took at most.
    fn usual(&self) -> Option<Duration> {
        if self.times.len() < ENOUGH {
            return None;
        }
        let mut times = self.times.clone();
        times.sort_unstable();
        Some(times[times.len() / 2])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A flight that has seen parts of a second each.
    fn flight(now: Instant) -> Flight {
        let mut flight = Flight::default();
        for number in 1..=4 {
            flight.begin(number, now);
            flight.acknowledged(number, now + Duration::from_secs(1));
        }
        flight
    }

    #[test]
    fn the_oldest_part_is_sent_again_once_it_is_slow() {
        let now = Instant::now();
        let mut flight = flight(now);
        flight.begin(5, now);
        flight.begin(6, now + Duration::from_millis(500));
        let slow = now + Duration::from_secs(3);
        assert_eq!(flight.hedge(now), Hedge::At(slow));
        assert_eq!(flight.hedge(slow), Hedge::Now(5));
        flight.begin(5, slow);
        assert_eq!(flight.hedge(slow), Hedge::At(slow + Duration::from_millis(500)));
        assert_eq!(flight.requests(), 3);
    }

    #[test]
    fn the_first_copy_counts_and_the_other_is_forgotten() {
        let now = Instant::now();
        let mut flight = flight(now);
        flight.begin(5, now);
        flight.begin(5, now);
        flight.acknowledged(5, now);
        assert!(flight.failed(5), "nobody minds a copy that came too late");
        assert_eq!((flight.requests(), flight.hedge(now)), (0, Hedge::Nothing));
    }

    #[test]
    fn a_copy_that_fails_leaves_the_other() {
        let now = Instant::now();
        let mut flight = flight(now);
        flight.begin(5, now);
        flight.begin(5, now);
        assert!(flight.failed(5));
        assert!(!flight.failed(5));
        assert_eq!(flight.requests(), 0);
    }

    #[test]
    fn nothing_is_slow_while_nothing_is_known() {
        let now = Instant::now();
        let mut flight = Flight::default();
        flight.begin(1, now);
        assert_eq!(flight.hedge(now + Duration::from_secs(60)), Hedge::Nothing);
    }
}
