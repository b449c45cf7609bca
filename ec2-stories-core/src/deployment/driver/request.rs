//! The frozen request of a launch.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::super::journal::FleetRecord;
use super::super::machine::Place;
use crate::attributes::{Attributes, Scope};
use crate::model::{
    ClientToken, DeploymentSpec, FleetSpec, ImageId, KeyName, LaunchRequest, Ownership, SecurityGroupId,
    UserData,
};
use crate::{Error, ErrorKind, Result};

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

/// User data as the instance is to read it.
pub(crate) fn user_data(
    deployment: &DeploymentSpec,
    fleet: &FleetSpec,
    attributes: &Attributes,
) -> Result<Option<Vec<u8>>> {
    let Some(UserData { text, gzip }) = &fleet.user_data else { return Ok(None) };
    let field = format!("fleet.{}.user_data", fleet.name);
    let scope = Scope { deployment: &deployment.name, fleet: &fleet.name, node: None, attributes };
    let text = text.resolve(&scope).map_err(|error| Error::invalid(&field, error.chain()))?;
    let bytes = if *gzip { compress(text.as_bytes())? } else { text.into_bytes() };
    if bytes.len() > UserData::MAX {
        let advice = if *gzip {
            "compressed already; fetch the rest at boot"
        } else {
            "`gzip` would send it compressed"
        };
        let why = format!("{} bytes, and EC2 takes at most {}; {advice}", bytes.len(), UserData::MAX);
        return Err(Error::invalid(field, why));
    }
    Ok(Some(bytes))
}

/// The same text gives the same bytes: the header has no time in it.
fn compress(text: &[u8]) -> Result<Vec<u8>> {
    let failed = |error: std::io::Error| {
        Error::new(ErrorKind::Unexpected, "compressing user data failed").because(error)
    };
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).map_err(failed)?;
    encoder.finish().map_err(failed)
}
