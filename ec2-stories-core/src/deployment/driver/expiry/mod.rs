//! The dead man's switch in the guest: what a fleet is launched with so that its nodes end themselves once nobody renews them,
//! and the renewing.
//!
//! The time is a tag from the call that launches on. The guest reads it from its metadata: nothing listens, nobody logs in. What
//! powers itself off is terminated, as every launch says so. Past its time alone a guest does nothing: it must also have seen
//! the tag unchanged for half of the time that a renewal gives. So neither a clock that is wrong, nor a launch that is
//! replayed hours later, ends a node whose controller lives.

mod renew;

use std::time::Duration;

use jiff::Timestamp;

use crate::model::{DeploymentSpec, Expires, Expiry, FleetSpec, Mode, Rendered, Tags};

pub(crate) use renew::keep;

const GUEST: &str = include_str!("guest.sh");
/// A guest looks so many times within the time that a renewal gives, but neither all the time nor once an hour.
const LOOKS: u32 = 12;
const OFTEN: Duration = Duration::from_secs(1);
const SELDOM: Duration = Duration::from_secs(300);

/// How the nodes of a fleet that is launched now would end themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Switch {
    /// They would not.
    Off,
    /// The guest is told to watch its tag.
    InGuest,
    /// They have the tag, and nothing in the guest that reads it, for this reason.
    TagOnly(String),
}

impl Switch {
    /// Whether the instance's metadata has to show its tags.
    pub(crate) fn is_in_guest(&self) -> bool {
        *self == Self::InGuest
    }
}

/// What is so for a fleet's nodes, said or not.
pub(crate) fn of_fleet(deployment: &DeploymentSpec, fleet: Option<&FleetSpec>) -> Expiry {
    let unsaid = match deployment.mode {
        Mode::Dev => Expiry::DEV,
        Mode::Production => Expiry::Never,
    };
    fleet.and_then(|fleet| fleet.expires_after).unwrap_or(unsaid)
}

/// When an instance that is launched now expires first.
pub(crate) fn first(deployment: &DeploymentSpec, fleet: &FleetSpec, now: Timestamp) -> Option<Timestamp> {
    let after = of_fleet(deployment, Some(fleet)).after()?;
    Some(Expires::after(now, after).time())
}

/// The part of user data that watches, where it can be had.
pub(super) fn part(
    deployment: &DeploymentSpec,
    fleet: &FleetSpec,
    described: &[Rendered],
) -> Result<Rendered, Switch> {
    let Some(after) = of_fleet(deployment, Some(fleet)).after() else { return Err(Switch::Off) };
    if described.iter().any(|part| part.mime == PLAIN) {
        let why = "its user data is in no format that cloud-init knows, and can have no part beside it";
        return Err(Switch::TagOnly(why.to_owned()));
    }
    let tags = deployment.tags.clone().merged(&fleet.tags);
    if let Some(key) = unfit(&tags) {
        let why = format!("the key of the tag {key:?} has no place in an instance's metadata");
        return Err(Switch::TagOnly(why));
    }
    let still = (after / 2).as_secs().max(1).to_string();
    let period = (after / LOOKS).clamp(OFTEN, SELDOM).as_secs().to_string();
    let text = GUEST.replace("@STILL@", &still).replace("@PERIOD@", &period);
    Ok(Rendered { name: "expiry", mime: "text/cloud-boothook", text })
}

/// What a part is whose first line says nothing.
const PLAIN: &str = "text/plain";

/// A key that an instance whose metadata shows tags cannot have: letters, digits and `-_+=,.@:` fit
/// (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/work-with-tags-in-IMDS.html>).
fn unfit(tags: &Tags) -> Option<&str> {
    let fits = |key: &str| {
        let known = |c: char| c.is_ascii_alphanumeric() || "-_+=,.@:".contains(c);
        key.chars().all(known) && !matches!(key, "." | ".." | "_index")
    };
    tags.iter().map(|(key, _)| key).find(|key| !fits(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Image;

    fn fleet(expires_after: Option<Expiry>) -> FleetSpec {
        let fleet = crate::Fleet::builder().name("web").nodes(1).image(Image::public("debian-12"));
        fleet.maybe_expires_after(expires_after).build().unwrap().spec().clone()
    }

    fn deployment(mode: Mode) -> DeploymentSpec {
        let text = serde_json::json!({ "name": "shop", "mode": mode });
        serde_json::from_value(text).unwrap()
    }

    #[test]
    fn dev_fleets_expire_by_default_and_those_of_production_do_not() {
        let (dev, production) = (deployment(Mode::Dev), deployment(Mode::Production));
        let hour = Expiry::After(Duration::from_secs(3600));
        assert_eq!(of_fleet(&dev, Some(&fleet(None))), hour);
        assert_eq!(of_fleet(&production, Some(&fleet(None))), Expiry::Never);
        assert_eq!(of_fleet(&production, Some(&fleet(Some(hour)))), hour);
        assert_eq!(of_fleet(&dev, Some(&fleet(Some(Expiry::Never)))), Expiry::Never);
        assert_eq!(part(&production, &fleet(None), &[]).unwrap_err(), Switch::Off);
    }

    #[test]
    fn the_guest_looks_every_few_minutes_and_is_told_how_long_nothing_may_change() {
        let text = part(&deployment(Mode::Dev), &fleet(None), &[]).unwrap().text;
        assert!(text.starts_with("#cloud-boothook\n#!/bin/sh\n") && text.is_ascii());
        assert!(text.contains("-ge 1800 ]") && text.contains("sleep 300\n") && !text.contains('@'), "{text}");
        assert!(text.len() < 3 * 1024, "{} of the 16 KiB that EC2 takes", text.len());
    }

    #[test]
    fn what_cannot_be_watched_is_said() {
        let dev = deployment(Mode::Dev);
        let text = Rendered { name: "text", mime: PLAIN, text: "{\"ignition\": {}}".to_owned() };
        assert!(matches!(part(&dev, &fleet(None), &[text]), Err(Switch::TagOnly(_))));
        let mut tagged = fleet(None);
        tagged.tags = Tags::new().with("cost center", "7");
        let Err(Switch::TagOnly(why)) = part(&dev, &tagged, &[]) else { panic!("a space fits no path") };
        assert!(why.contains("cost center"), "{why}");
    }
}
