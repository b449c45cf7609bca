//! How many parts are sent at once.

use std::time::Duration;

use tokio::time::Instant;

const START: u32 = 8;
const MOST: u32 = 64;

/// A gain that is worth more connections: less is noise.
const GAIN: f64 = 1.05;

/// How many rounds pass before more is tried again.
const REST: u32 = 8;

/// What one answer counts in the share of those that ask to slow down.
const WEIGHT: f64 = 0.25;

/// Throughput of a shorter round says nothing.
const SHORTEST_ROUND: Duration = Duration::from_millis(100);

/// Climbs while more connections bring more acknowledged bytes a second, goes back when they do not, and when S3 asks to slow
/// down it does, by half the share of the answers that ask so (as RFC 8257, DCTCP, has it): one now and then costs an eighth, a
/// burst of them half. What was lost comes back, a step with each round in which S3 does not ask again, and rests there: a
/// refusal now and then must not leave the line idle.
#[derive(Debug)]
pub(crate) struct Climb {
    limit: u32,
    most: u32,
    /// The best rate since the last setback, in bytes a second, and the limit that brought it.
    best: Option<(f64, u32)>,
    round: Round,
    rest: u32,
    /// The share of the late answers that ask to slow down.
    refused: f64,
    slowed: Option<Slowed>,
    /// The limit before it was lowered last, while it is below that.
    before: Option<u32>,
}

/// A time at which S3 asked to slow down.
#[derive(Clone, Copy, Debug)]
struct Slowed {
    at: Instant,
    from: u32,
}

/// What was acknowledged while the limit stayed.
#[derive(Debug)]
struct Round {
    since: Instant,
    bytes: u64,
    parts: u32,
}

impl Round {
    fn begin(now: Instant) -> Self {
        Self { since: now, bytes: 0, parts: 0 }
    }
}

impl Climb {
    pub(crate) fn new(most: Option<u32>, now: Instant) -> Self {
        let most = most.unwrap_or(MOST).max(1);
        Self {
            limit: START.min(most),
            most,
            best: None,
            round: Round::begin(now),
            rest: 0,
            refused: 0.0,
            slowed: None,
            before: None,
        }
    }

    /// How many may be on their way.
    pub(crate) fn limit(&self) -> u32 {
        self.limit
    }

    /// A part was acknowledged.
    pub(crate) fn acknowledged(&mut self, bytes: u64, now: Instant) {
        self.refused -= self.refused * WEIGHT;
        self.round.bytes += bytes;
        self.round.parts += 1;
        let elapsed = now.duration_since(self.round.since);
        if self.round.parts < self.limit || elapsed < SHORTEST_ROUND {
            return;
        }
        let rate = self.round.bytes as f64 / elapsed.as_secs_f64();
        self.next_limit(rate);
        self.round = Round::begin(now);
    }

    fn next_limit(&mut self, rate: f64) {
        if let Some(before) = self.before {
            self.limit = self.more().min(before);
            if self.limit == before {
                self.before = None;
                self.rest = REST;
            }
            return;
        }
        if self.rest > 0 {
            self.rest -= 1;
            self.best = Some((rate, self.limit));
            return;
        }
        match self.best {
            Some((best, at)) if self.limit > at && rate < best * GAIN => {
                self.limit = at;
                self.rest = REST;
            }
            _ => {
                self.best = Some((rate, self.limit));
                self.limit = self.more();
            }
        }
    }

    fn more(&self) -> u32 {
        (self.limit + (self.limit / 2).max(1)).min(self.most)
    }

    /// S3 asked to slow down, in answer to a request of that time. Those that were sent before it last did belong to the same
    /// burst.
    pub(crate) fn slow_down(&mut self, asked: Instant, now: Instant) {
        self.refused += (1.0 - self.refused) * WEIGHT;
        let burst = self.slowed.filter(|slowed| asked <= slowed.at);
        let slowed = burst.unwrap_or(Slowed { at: now, from: self.limit });
        if burst.is_none() {
            self.slowed = Some(slowed);
            self.before = Some(self.limit);
            self.best = None;
            self.round = Round::begin(now);
        }
        let lower = (f64::from(slowed.from) * (1.0 - self.refused / 2.0)).round() as u32;
        self.limit = self.limit.min(lower).max(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Acknowledges parts of a mebibyte at a rate that depends on the limit, and returns the limits seen.
    fn run(climb: &mut Climb, mut now: Instant, parts: u32, rate: impl Fn(u32) -> f64) -> Vec<u32> {
        let mut seen = vec![climb.limit()];
        for _ in 0..parts {
            now += Duration::from_secs_f64(1.0 / rate(climb.limit()));
            climb.acknowledged(1 << 20, now);
            if seen.last() != Some(&climb.limit()) {
                seen.push(climb.limit());
            }
        }
        seen
    }

    #[test]
    fn it_climbs_to_the_top_while_that_pays() {
        let now = Instant::now();
        let mut climb = Climb::new(None, now);
        assert_eq!(run(&mut climb, now, 1_000, |limit| f64::from(limit) * 10.0), [8, 12, 18, 27, 40, 60, 64]);
    }

    #[test]
    fn it_goes_back_to_what_was_enough() {
        let now = Instant::now();
        let mut climb = Climb::new(None, now);
        let seen = run(&mut climb, now, 100, |limit| f64::from(limit.min(12)) * 10.0);
        assert_eq!(seen, [8, 12, 18, 12]);
        // It tries again, seldom.
        let tries = run(&mut climb, now + Duration::from_secs(100), 1_000, |_| 100.0);
        assert!(tries.iter().all(|limit| [12, 18].contains(limit)) && tries.len() < 20, "{tries:?}");
    }

    #[test]
    fn a_burst_of_slow_down_halves_once_and_a_server_that_goes_on_asking_is_left_one() {
        let start = Instant::now();
        let mut climb = Climb::new(None, start);
        let later = start + Duration::from_secs(1);
        for _ in 0..8 {
            climb.slow_down(start, later);
        }
        assert_eq!(climb.limit(), 4);
        for second in 2..10 {
            climb.slow_down(start + Duration::from_secs(second), start + Duration::from_secs(second));
        }
        assert_eq!(climb.limit(), 1);
    }

    #[test]
    fn a_refusal_now_and_then_costs_little_and_comes_back_at_once() {
        let mut now = Instant::now();
        let mut climb = Climb::new(None, now);
        let rate = |limit| f64::from(limit) * 10.0;
        for _ in 0..20 {
            run(&mut climb, now, 32, rate);
            now += Duration::from_secs(60);
            climb.slow_down(now, now);
            assert!(climb.limit() >= 7, "{climb:?}");
        }
    }

    #[test]
    fn what_was_lost_comes_back_and_then_rests() {
        let now = Instant::now();
        let mut climb = Climb::new(None, now);
        (0..8).for_each(|_| climb.slow_down(now, now));
        let rate = |limit| f64::from(limit) * 10.0;
        assert_eq!(run(&mut climb, now, 12, rate), [4, 6, 8]);
        let later = now + Duration::from_secs(60);
        assert_eq!(run(&mut climb, later, 8 * REST, rate), [8]);
        assert!(run(&mut climb, later + Duration::from_secs(60), 1_000, rate).contains(&64));
    }

    #[test]
    fn who_is_asked_to_slow_down_again_does_not_come_back_as_far() {
        let start = Instant::now();
        let mut climb = Climb::new(None, start);
        for second in 1..3 {
            let at = start + Duration::from_secs(second);
            (0..8).for_each(|_| climb.slow_down(at, at));
        }
        let rate = |limit| f64::from(limit) * 10.0;
        assert_eq!(run(&mut climb, start + Duration::from_secs(3), 40, rate), [2, 3, 4]);
    }

    #[test]
    fn a_caller_s_limit_holds() {
        let now = Instant::now();
        assert_eq!(Climb::new(Some(3), now).limit(), 3);
        let mut climb = Climb::new(Some(10), now);
        assert_eq!(run(&mut climb, now, 500, |limit| f64::from(limit) * 10.0).last(), Some(&10));
    }
}
