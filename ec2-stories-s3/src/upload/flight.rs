//! The parts on their way, and which of them to send a second time.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::moves::Moves;

/// A part is slow when it takes, or stands still for, as many times longer than half of the parts did.
const SLOW: u32 = 3;

/// No part is slow before that.
const NEVER_SLOW: Duration = Duration::from_millis(250);

/// As many parts' times are known before one is called slow, and as many are remembered.
const ENOUGH: usize = 4;
const REMEMBERED: usize = 64;

/// A part whose second copy is slow as well is sent once more, and not again.
const MOST_COPIES: usize = 3;

/// As many parts have more than one copy at most: copies take the line from the others, and many parts that are slow at once
/// share a slow line.
const MOST_HEDGED: usize = 4;

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

/// The parts on their way, each with its copies.
#[derive(Debug, Default)]
pub(crate) struct Flight {
    parts: BTreeMap<u32, Vec<Moves>>,
    times: Times,
    standstills: Times,
}

impl Flight {
    /// A copy of part `number` begins.
    pub(crate) fn begin(&mut self, number: u32, now: Instant) -> Moves {
        let moves = Moves::begin(now);
        self.parts.entry(number).or_default().push(moves.clone());
        moves
    }

    /// How many requests are on their way.
    pub(crate) fn requests(&self) -> u32 {
        self.parts.values().map(Vec::len).sum::<usize>() as u32
    }

    /// Part `number` was found at S3: nothing was sent, so its time says nothing.
    pub(crate) fn found(&mut self, number: u32) {
        self.parts.remove(&number);
    }

    /// A copy of part `number` was acknowledged; the others are of no use any more.
    pub(crate) fn acknowledged(&mut self, number: u32, copy: &Moves, now: Instant) {
        if self.parts.remove(&number).is_some() {
            copy.moved(now);
            self.times.remember(now.duration_since(copy.begun()));
            self.standstills.remember(copy.longest_standstill());
        }
    }

    /// A copy of part `number` failed. Returns whether another one is on its way.
    pub(crate) fn failed(&mut self, number: u32, copy: &Moves) -> bool {
        let Some(copies) = self.parts.get_mut(&number) else { return true };
        copies.retain(|other| !other.is(copy));
        let others = !copies.is_empty();
        if !others {
            self.parts.remove(&number);
        }
        others
    }

    /// Which part to send once more: the one that is slow first.
    pub(crate) fn hedge(&self, now: Instant) -> Hedge {
        let (Some(time), Some(standstill)) = (self.times.usual(), self.standstills.usual()) else {
            return Hedge::Nothing;
        };
        let slow = |usual: Duration| NEVER_SLOW.max(usual * SLOW);
        let slow_at = |copies: &Vec<Moves>| {
            // What counts is the copy that got on last.
            let last = copies.iter().map(Moves::last).max()?;
            let begun = copies.iter().map(Moves::begun).max()?;
            Some((last + slow(standstill)).min(begun + slow(time)))
        };
        let hedged = self.parts.values().filter(|copies| copies.len() > 1).count();
        let may_be =
            |copies: &Vec<Moves>| copies.len() < MOST_COPIES && (copies.len() > 1 || hedged < MOST_HEDGED);
        let parts = self.parts.iter().filter(|(_, copies)| may_be(copies));
        let slowest = parts.filter_map(|(number, copies)| Some((slow_at(copies)?, *number))).min();
        match slowest {
            Some((at, number)) if at <= now => Hedge::Now(number),
            Some((at, _)) => Hedge::At(at),
            None => Hedge::Nothing,
        }
    }
}

/// The last times that something took.
#[derive(Debug, Default)]
struct Times {
    all: Vec<Duration>,
    next: usize,
}

impl Times {
    fn remember(&mut self, time: Duration) {
        if self.all.len() < REMEMBERED {
            self.all.push(time);
        } else {
            self.all[self.next] = time;
            self.next = (self.next + 1) % REMEMBERED;
        }
    }

    /// What half of them were at most.
    fn usual(&self) -> Option<Duration> {
        if self.all.len() < ENOUGH {
            return None;
        }
        let mut all = self.all.clone();
        all.sort_unstable();
        Some(all[all.len() / 2])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    /// A flight that has seen parts of a second each, which moved every tenth of it.
    fn flight(now: Instant) -> Flight {
        let mut flight = Flight::default();
        for number in 1..=4 {
            let copy = flight.begin(number, now);
            moving(&copy, now, 1_000);
            flight.acknowledged(number, &copy, now + ms(1_000));
        }
        flight
    }

    fn moving(copy: &Moves, since: Instant, until: u64) {
        (100..=until).step_by(100).for_each(|at| copy.moved(since + ms(at)));
    }

    #[test]
    fn the_oldest_part_is_sent_again_once_it_is_slow() {
        let now = Instant::now();
        let mut flight = flight(now);
        moving(&flight.begin(5, now), now, 2_900);
        let later = now + ms(500);
        moving(&flight.begin(6, later), later, 2_400);
        let slow = now + ms(3_000);
        assert_eq!(flight.hedge(now), Hedge::At(slow));
        assert_eq!(flight.hedge(slow), Hedge::Now(5));
        flight.begin(5, slow);
        assert_eq!(flight.requests(), 3);
    }

    #[test]
    fn a_part_that_stands_still_is_slow_long_before_its_time() {
        let now = Instant::now();
        let mut flight = flight(now);
        moving(&flight.begin(5, now), now, 2_000);
        flight.begin(6, now).moved(now + ms(200));
        assert_eq!(flight.hedge(now + ms(300)), Hedge::At(now + ms(500)));
        assert_eq!(flight.hedge(now + ms(500)), Hedge::Now(6));
    }

    #[test]
    fn a_copy_that_stands_still_as_well_is_made_up_for_once() {
        let now = Instant::now();
        let mut flight = flight(now);
        flight.begin(5, now);
        flight.begin(5, now + ms(300));
        assert_eq!(flight.hedge(now + ms(300)), Hedge::At(now + ms(600)));
        flight.begin(5, now + ms(600));
        assert_eq!(flight.hedge(now + ms(60_000)), Hedge::Nothing);
    }

    #[test]
    fn a_line_that_is_slow_for_all_is_not_filled_with_copies() {
        let now = Instant::now();
        let mut flight = flight(now);
        for number in 5..50 {
            flight.begin(number, now);
        }
        let later = now + ms(10_000);
        while let Hedge::Now(number) = flight.hedge(later) {
            flight.begin(number, later);
        }
        assert_eq!(flight.requests(), 45 + MOST_HEDGED as u32);
    }

    #[test]
    fn the_first_copy_counts_and_the_other_is_forgotten() {
        let now = Instant::now();
        let mut flight = flight(now);
        let (one, other) = (flight.begin(5, now), flight.begin(5, now));
        flight.acknowledged(5, &one, now);
        assert!(flight.failed(5, &other), "nobody minds a copy that came too late");
        assert_eq!((flight.requests(), flight.hedge(now)), (0, Hedge::Nothing));
    }

    #[test]
    fn a_copy_that_fails_leaves_the_other() {
        let now = Instant::now();
        let mut flight = flight(now);
        let (one, other) = (flight.begin(5, now), flight.begin(5, now));
        assert!(flight.failed(5, &one));
        assert!(!flight.failed(5, &other));
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
