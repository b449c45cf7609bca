//! A fault plan: plain data, written in code or read from a TOML file.

use std::fmt;
use std::time::Duration;

use bon::Builder;
use serde::{Deserialize, Serialize};

use super::{Fault, operations};
use crate::state::events::codes;

/// Which calls go wrong and how, and which zones fail when.
///
/// ```
/// use ec2_stories_sim::{Fault, FaultPlan};
///
/// let plan: FaultPlan = r#"
///     [[rule]]
///     operation = "RunInstances"
///     nth = 1
///     fault = "reply_lost_after"
///
///     [[rule]]
///     operation = "Describe*"
///     probability = 0.05
///     fault = { slow = "40s" }
///
///     [[outage]]
///     zone = "us-east-1b"
///     from = "10m"
///     until = "25m"
/// "#
/// .parse()?;
/// assert_eq!(plan.rule[0].fault, Fault::ReplyLostAfter);
/// # Ok::<(), ec2_stories_sim::FaultPlanError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FaultPlan {
    /// Rules about calls; every rule that matches a call strikes it.
    pub rule: Vec<Rule>,
    /// Zones that fail for a while.
    pub outage: Vec<Outage>,
}

/// One rule: the calls that it matches, which of those it strikes, and how.
///
/// A rule with neither `nth`, `at_call` nor `probability` strikes every call that it matches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Builder)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Rule {
    /// A pattern of operation names with `*` and `?`; `imds` is the metadata service, which no other pattern strikes.
    #[serde(default = "any")]
    #[builder(default = any(), into)]
    pub operation: String,
    /// Only calls to this region.
    #[serde(default)]
    #[builder(into)]
    pub region: Option<String>,
    /// Only calls that name this zone, or a subnet in it, to launch into.
    #[serde(default)]
    #[builder(into)]
    pub zone: Option<String>,
    /// Only the nth of the calls that match, from 1.
    #[serde(default)]
    pub nth: Option<u64>,
    /// Only the call of this number among all calls of any kind, from 1.
    #[serde(default)]
    pub at_call: Option<u64>,
    /// Each call that matches with this probability, drawn from the simulation's seed.
    #[serde(default)]
    pub probability: Option<f64>,
    /// What goes wrong.
    pub fault: Fault,
}

fn any() -> String {
    "*".to_owned()
}

/// A zone without capacity, whose running instances fail their status checks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outage {
    /// The zone, such as `us-east-1b`.
    pub zone: String,
    /// When it starts, in simulated time since the simulation was built.
    #[serde(with = "humantime_serde")]
    pub from: Duration,
    /// When it ends.
    #[serde(with = "humantime_serde")]
    pub until: Duration,
}

/// A text that is no fault plan.
#[derive(Debug)]
pub struct FaultPlanError(String);

impl fmt::Display for FaultPlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a fault plan: {}", self.0)
    }
}

impl std::error::Error for FaultPlanError {}

impl std::str::FromStr for FaultPlan {
    type Err = FaultPlanError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // toml's text says the line, the column and what was expected there.
        let plan: Self = toml::from_str(text).map_err(|error| FaultPlanError(error.to_string()))?;
        for (number, rule) in plan.rule.iter().enumerate() {
            rule.check().map_err(|what| FaultPlanError(format!("rule {}: {what}", number + 1)))?;
        }
        Ok(plan)
    }
}

impl Rule {
    fn check(&self) -> Result<(), String> {
        operations::check(&self.operation)?;
        if let Some(probability) = self.probability
            && !(0.0..=1.0).contains(&probability)
        {
            return Err(format!("a probability is between 0 and 1, not {probability}"));
        }
        if self.nth == Some(0) || self.at_call == Some(0) {
            return Err("calls are counted from 1".to_owned());
        }
        match &self.fault {
            Fault::Error { status, .. } if !(400..=599).contains(status) => {
                Err(format!("the status of an error is between 400 and 599, not {status}"))
            }
            Fault::ScheduledEvent { code, .. } if !codes().any(|known| known == code) => {
                let known: Vec<_> = codes().collect();
                Err(format!("EC2 schedules no `{code}`; it schedules {}", known.join(", ")))
            }
            _ => Ok(()),
        }
    }
}
