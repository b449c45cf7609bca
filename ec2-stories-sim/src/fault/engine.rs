//! Applies a fault plan to calls.

use std::time::Duration;

use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::{EventToCome, Fate, Fault, FaultPlan, Outage, Rule};
use crate::filter::wildcard;

/// The operation of every request to an instance's metadata service.
pub(crate) const METADATA: &str = "imds";

/// The plan, how often each rule matched, and a generator of its own, so that a fault never shifts other randomness.
#[derive(Debug)]
pub(crate) struct Engine {
    rules: Vec<(Rule, u64)>,
    outages: Vec<Outage>,
    rng: StdRng,
}

/// What a rule can match on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'a> {
    pub(crate) number: u64,
    pub(crate) operation: &'a str,
    pub(crate) region: &'a str,
    pub(crate) zone: Option<&'a str>,
}

/// What strikes one call.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Struck {
    /// Refused instead of served.
    pub(crate) error: Option<(String, u16)>,
    pub(crate) lost_before: bool,
    pub(crate) lost_after: bool,
    pub(crate) truncated: bool,
    pub(crate) reset_midway: bool,
    pub(crate) stalled: bool,
    /// Refused after status 200 went out.
    pub(crate) error_inside: Option<String>,
    pub(crate) delay: Duration,
    pub(crate) fate: Fate,
}

impl Engine {
    pub(crate) fn new(seed: u64, plan: FaultPlan) -> Self {
        let rules = plan.rule.into_iter().map(|rule| (rule, 0)).collect();
        Self { rules, outages: plan.outage, rng: StdRng::seed_from_u64(seed) }
    }

    pub(crate) fn add(&mut self, rule: Rule) {
        self.rules.push((rule, 0));
    }

    pub(crate) fn add_outage(&mut self, outage: Outage) {
        self.outages.push(outage);
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
        self.outages.clear();
    }

    /// The outages as spans of simulated time.
    pub(crate) fn outages(&self, base: Timestamp) -> Vec<(String, Timestamp, Timestamp)> {
        self.outages.iter().map(|o| (o.zone.clone(), base + o.from, base + o.until)).collect()
    }

    pub(crate) fn strike(&mut self, target: Target<'_>) -> Struck {
        let mut struck = Struck::default();
        for (rule, matched) in &mut self.rules {
            if !matches(rule, target) {
                continue;
            }
            *matched += 1;
            let chosen = rule.nth.is_none_or(|nth| nth == *matched)
                && rule.at_call.is_none_or(|number| number == target.number)
                && rule.probability.is_none_or(|p| self.rng.random_bool(p.clamp(0.0, 1.0)));
            if chosen {
                apply(&rule.fault, &mut struck);
            }
        }
        struck
    }
}

fn matches(rule: &Rule, target: Target<'_>) -> bool {
    // Guests ask for metadata whenever they like: only rules that mean it count or strike such a request.
    let meant = target.operation != METADATA || rule.operation == METADATA;
    meant
        && wildcard(&rule.operation, target.operation)
        && rule.region.as_deref().is_none_or(|region| region == target.region)
        && rule.zone.as_deref().is_none_or(|zone| target.zone == Some(zone))
}

fn apply(fault: &Fault, struck: &mut Struck) {
    match fault.clone() {
        Fault::Throttle => struck.error = Some(("RequestLimitExceeded".to_owned(), 503)),
        Fault::Error { code, status } => struck.error = Some((code, status)),
        Fault::Capacity => struck.fate.no_capacity = true,
        Fault::ReplyLostBefore => struck.lost_before = true,
        Fault::ReplyLostAfter => struck.lost_after = true,
        Fault::Slow(delay) => struck.delay += delay,
        Fault::TruncatedReply => struck.truncated = true,
        Fault::ResetMidway => struck.reset_midway = true,
        Fault::Stall => struck.stalled = true,
        Fault::ErrorInside(code) => struck.error_inside = Some(code),
        Fault::EndsInFailure(reason) => struck.fate.failure = Some(reason),
        Fault::LateLaunchFailure(reason) => struck.fate.late_failure = Some(reason),
        Fault::Impaired(after) => struck.fate.impaired_after = Some(after),
        Fault::SpotNotice(after) => struck.fate.spot_notice_after = Some(after),
        Fault::ScheduledEvent { code, after, notice } => {
            struck.fate.event = Some(EventToCome { code, after, notice });
        }
        Fault::UnknownIdFor(time) => struck.fate.unknown_for = Some(time),
    }
}
