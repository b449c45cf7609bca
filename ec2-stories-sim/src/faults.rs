//! Faults as a test adds them.

use std::time::Duration;

use crate::fault::{Fault, Outage, Rule};
use crate::sim::Sim;

/// Adds faults to a running simulation; [`Sim::faults`] gives it. Every method adds a rule and leaves the others.
#[derive(Clone, Copy, Debug)]
pub struct Faults<'a>(&'a Sim);

impl Sim {
    /// What shall go wrong from now on.
    #[must_use]
    pub fn faults(&self) -> Faults<'_> {
        Faults(self)
    }
}

impl Faults<'_> {
    /// Strikes the nth call of an operation (a pattern with `*` and `?`) from now on, counted from 1.
    pub fn nth(&self, operation: &str, n: u64, fault: Fault) -> &Self {
        self.rule(Rule::builder().operation(operation).nth(n).fault(fault).build())
    }

    /// Strikes the call of this number among all calls since the simulation was built, counted from 1.
    pub fn at_call(&self, number: u64, fault: Fault) -> &Self {
        self.rule(Rule::builder().at_call(number).fault(fault).build())
    }

    /// Strikes every call of an operation.
    pub fn always(&self, operation: &str, fault: Fault) -> &Self {
        self.rule(Rule::builder().operation(operation).fault(fault).build())
    }

    /// Strikes calls of an operation with this probability.
    pub fn sometimes(&self, operation: &str, probability: f64, fault: Fault) -> &Self {
        self.rule(Rule::builder().operation(operation).probability(probability).fault(fault).build())
    }

    /// Adds any rule.
    pub fn rule(&self, rule: Rule) -> &Self {
        self.0.world().faults.add(rule);
        self
    }

    /// Fails a zone from now on for a while: no launches, and impaired status checks for what runs there.
    pub fn outage(&self, zone: &str, length: Duration) -> &Self {
        let from = self.0.clock.elapsed();
        let outage = Outage { zone: zone.to_owned(), from, until: from + length };
        self.0.world().faults.add_outage(outage);
        self
    }

    /// Takes every rule and outage away.
    pub fn clear(&self) -> &Self {
        self.0.world().faults.clear();
        self
    }
}
