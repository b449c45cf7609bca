//! What the parameters of liveness and replacement must keep to.

use std::time::Duration;

use crate::model::{Health, Share};
use crate::{Error, Result};

/// Checks them; `at` names a field of the fleet.
pub(super) fn health(at: impl Fn(&str) -> String, health: &Health) -> Result<()> {
    let wrong = |field: &str, why: String| Err(Error::invalid(at(&format!("health.{field}")), why));
    for (field, value) in [
        ("period", health.period),
        ("timeout", health.timeout),
        ("dead_after", health.dead_after),
        ("back_off.first", health.back_off.first),
    ] {
        if value < Duration::from_millis(100) {
            return wrong(field, "must be at least 100 ms".to_owned());
        }
    }
    if health.timeout >= health.period {
        return wrong("timeout", "must be less than the period".to_owned());
    }
    if health.dead_after < health.period {
        return wrong(
            "dead_after",
            "must not be less than the period: nobody would have asked by then".to_owned(),
        );
    }
    if matches!(health.max_in_flight, Share::Nodes(0) | Share::Percent(0)) {
        let why =
            "must be more than none; for a fleet whose dead are left as they are say replace = \"never\"";
        return wrong("max_in_flight", why.to_owned());
    }
    if health.back_off.longest < health.back_off.first {
        return wrong("back_off.longest", "must not be less than the first".to_owned());
    }
    for (field, count) in [
        ("failure_threshold", health.failure_threshold),
        ("success_threshold", health.success_threshold),
        ("flapping.count", health.flapping.count),
        ("intensity.count", health.intensity.count),
    ] {
        if count == 0 {
            return wrong(field, "must be at least 1".to_owned());
        }
    }
    Ok(())
}
