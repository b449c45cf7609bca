//! The frozen request of a launch.

use super::super::journal::FleetRecord;
use super::super::machine::Place;
use super::{HostKey, Switch, expiry};
use crate::attributes::{Attributes, Scope};
use crate::model::{
    ClientToken, DeploymentSpec, FleetSpec, ImageId, KeyName, LaunchRequest, Ownership, Rendered,
    SecurityGroupId, UserData, compress, join,
};
use crate::{Error, Result};

/// What a fleet's launches need and its description does not say.
#[derive(Clone, Debug)]
pub(crate) struct Resolved {
    pub(crate) image: ImageId,
    pub(crate) root_device: Option<String>,
    pub(crate) key: Option<KeyName>,
    pub(crate) group: Option<SecurityGroupId>,
}

impl From<&FleetRecord> for Resolved {
    fn from(record: &FleetRecord) -> Self {
        let FleetRecord { image, root_device, key, group, .. } = record.clone();
        Self { image, root_device, key, group }
    }
}

/// Everything that the call is to say.
pub(crate) fn freeze(
    deployment: &DeploymentSpec,
    fleet: &FleetSpec,
    resolved: &Resolved,
    ownership: Ownership,
    token: ClientToken,
    place: &Place,
    user_data: Option<Vec<u8>>,
) -> LaunchRequest {
    LaunchRequest {
        token,
        ownership,
        // Any part of a batch is welcome: what is missing is launched elsewhere, under an attempt of its own.
        at_least: 1,
        image: resolved.image.clone(),
        root_device: resolved.root_device.clone(),
        instance_type: place.instance_type.clone(),
        placement: place.placement.clone(),
        market: fleet.market.clone(),
        key: resolved.key.clone(),
        security_groups: resolved.group.iter().chain(&fleet.security_groups).cloned().collect(),
        instance_profile: fleet.instance_profile.clone(),
        public_ip: fleet.public_ip,
        volumes: fleet.volumes.clone(),
        user_data,
        metadata: fleet.metadata,
        tags: deployment.tags.clone().merged(&fleet.tags),
    }
}

/// User data, and whether the guest is told by it to end itself one day.
#[derive(Clone, Debug)]
pub(crate) struct Composed {
    pub(crate) data: Option<FrozenUserData>,
    pub(crate) switch: Switch,
}

/// User data, as the journal keeps it and as the instance reads it: only that has the host key.
#[derive(Clone, Debug)]
pub(crate) struct FrozenUserData {
    pub(crate) recorded: Vec<u8>,
    pub(crate) sent: Vec<u8>,
}

/// User data as the instance is to read it. What the switch needs is left out where there is no room for it.
pub(crate) fn user_data(
    deployment: &DeploymentSpec,
    fleet: &FleetSpec,
    attributes: &Attributes,
    host_key: Option<&HostKey>,
) -> Result<Composed> {
    let field = format!("fleet.{}.user_data", fleet.name);
    let scope = Scope { deployment: &deployment.name, fleet: &fleet.name, node: None, attributes };
    let described = fleet.user_data.as_ref().map(|data| data.resolve(&scope)).transpose();
    let described = described.map_err(|error| Error::invalid(&field, error.chain()))?.unwrap_or_default();
    let gzip = fleet.user_data.as_ref().is_some_and(UserData::is_gzip);
    let with = |watch: Option<Rendered>| -> Vec<Rendered> {
        host_key.map(HostKey::part).into_iter().chain(watch).chain(described.clone()).collect()
    };
    let switch = match expiry::part(deployment, fleet, &described) {
        Ok(watch) => match frozen(&field, &with(Some(watch)), host_key, gzip) {
            Ok(data) => return Ok(Composed { data, switch: Switch::InGuest }),
            Err(_) => Switch::TagOnly("there is no room for it in its user data".to_owned()),
        },
        Err(switch) => switch,
    };
    Ok(Composed { data: frozen(&field, &with(None), host_key, gzip)?, switch })
}

fn frozen(
    field: &str,
    parts: &[Rendered],
    host_key: Option<&HostKey>,
    gzip: bool,
) -> Result<Option<FrozenUserData>> {
    if parts.is_empty() {
        return Ok(None);
    }
    let text = join(parts).into_bytes();
    let frozen = match host_key {
        Some(key) => FrozenUserData { sent: key.join(&text, gzip)?, recorded: text },
        None => {
            let sent = if gzip { compress(&text)? } else { text };
            FrozenUserData { recorded: sent.clone(), sent }
        }
    };
    check_size(field, frozen.sent.len(), parts, gzip)?;
    Ok(Some(frozen))
}

fn check_size(field: &str, bytes: usize, parts: &[Rendered], gzip: bool) -> Result<()> {
    if bytes <= UserData::MAX {
        return Ok(());
    }
    let advice = match gzip {
        true => "compressed already; fetch the rest at boot",
        false => "`gzip` would send it compressed",
    };
    let each: Vec<String> = parts.iter().map(|part| format!("{} {}", part.name, part.text.len())).collect();
    let of = if parts.len() > 1 { format!(" (parts: {})", each.join(", ")) } else { String::new() };
    let why = format!("{bytes} bytes{of}, and EC2 takes at most {}; {advice}", UserData::MAX);
    Err(Error::invalid(field, why))
}
