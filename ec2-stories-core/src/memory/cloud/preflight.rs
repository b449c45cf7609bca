//! What is wrong with a request, for a launch and for its preflight alike.

use super::state::State;
use crate::model::{LaunchRequest, Placement, UserData};
use crate::{Error, ErrorKind};

/// Every problem, with the description's field that it is about.
pub(super) fn problems(state: &State, request: &LaunchRequest) -> Vec<(&'static str, Error)> {
    let mut problems = Vec::new();
    let mut missing = |field, code: &str, what: &str| {
        problems.push((field, Error::new(ErrorKind::NotFound, "does not exist").code(code).on(what)));
    };
    if state.images.get(&request.image).is_none_or(|image| image.state != "available") {
        missing("image", "InvalidAMIID.NotFound", request.image.as_str());
    }
    if let Some(key) = request.key.as_ref().filter(|key| !state.keys.exists(key)) {
        missing("key", "InvalidKeyPair.NotFound", key.as_str());
    }
    for group in &request.security_groups {
        if !state.foreign_groups.contains(group) && !state.groups.values().any(|known| known.id == *group) {
            missing("security_groups", "InvalidGroup.NotFound", group.as_str());
        }
    }
    match &request.placement {
        Placement { zone: Some(zone), .. } if !State::zones().any(|known| known == *zone) => {
            missing("zones", "InvalidParameterValue", zone.as_str());
        }
        Placement { subnet: Some(subnet), .. } if State::zone_of(subnet).is_none() => {
            missing("subnets", "InvalidSubnetID.NotFound", subnet.as_str());
        }
        _ => {}
    }
    let mut invalid = |field, why: String| problems.push((field, Error::new(ErrorKind::Invalid, why)));
    if request.placement.zone.is_some() && request.placement.subnet.is_some() {
        invalid("subnets", "a subnet implies its zone".to_owned());
    }
    if request.token.as_str().len() > 64 || !request.token.as_str().is_ascii() {
        invalid("name", "a token has at most 64 ASCII characters".to_owned());
    }
    if request.at_least == 0 || request.at_least > request.count() {
        invalid("at_least", format!("{} is not from 1 to {}", request.at_least, request.count()));
    }
    if let Some(bytes) = request.user_data.as_ref().map(Vec::len).filter(|bytes| *bytes > UserData::MAX) {
        invalid("user_data", format!("{bytes} bytes are more than {}", UserData::MAX));
    }
    problems
}
