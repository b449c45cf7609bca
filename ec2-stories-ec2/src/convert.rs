//! The SDK's shapes as the family's.

use aws_sdk_ec2::types as sdk;
use aws_smithy_types::DateTime;
use ec2_stories_core::model::{Instance, InstanceState, RegisteredImage, StateReason};
use jiff::Timestamp;

use crate::tags::tags;

/// An instance of a reservation; `None` where EC2 left out its id.
pub(crate) fn instance(reservation: &str, from: &sdk::Instance) -> Option<Instance> {
    let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(ToOwned::to_owned);
    Some(Instance {
        id: from.instance_id()?.into(),
        state: from.state().map_or(InstanceState::Pending, state),
        state_reason: from.state_reason().map(state_reason),
        reservation: reservation.into(),
        launch_index: from.ami_launch_index().and_then(|index| u32::try_from(index).ok()).unwrap_or(0),
        token: text(from.client_token()).map(Into::into),
        image: from.image_id().unwrap_or_default().into(),
        instance_type: from.instance_type().map_or("", sdk::InstanceType::as_str).into(),
        zone: from.placement().and_then(sdk::Placement::availability_zone).unwrap_or_default().into(),
        private_ip: text(from.private_ip_address()),
        public_ip: text(from.public_ip_address()),
        private_dns: text(from.private_dns_name()),
        public_dns: text(from.public_dns_name()),
        spot: from.instance_lifecycle() == Some(&sdk::InstanceLifecycleType::Spot),
        launched_at: from.launch_time().and_then(timestamp),
        tags: tags(from.tags()),
    })
}

/// The instances of reservations.
pub(crate) fn instances(reservations: &[sdk::Reservation]) -> Vec<Instance> {
    let of = |reservation: &sdk::Reservation| -> Vec<Instance> {
        let id = reservation.reservation_id().unwrap_or_default();
        reservation.instances().iter().filter_map(|from| instance(id, from)).collect()
    };
    reservations.iter().flat_map(of).collect()
}

pub(crate) fn state_reason(from: &sdk::StateReason) -> StateReason {
    StateReason {
        code: from.code().unwrap_or_default().to_owned(),
        message: from.message().unwrap_or_default().to_owned(),
    }
}

/// Only the low byte of the code means something
/// (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceState.html>).
pub(crate) fn state(from: &sdk::InstanceState) -> InstanceState {
    match from.code().unwrap_or(0) & 0xff {
        16 => InstanceState::Running,
        32 => InstanceState::ShuttingDown,
        48 => InstanceState::Terminated,
        64 => InstanceState::Stopping,
        80 => InstanceState::Stopped,
        _ => InstanceState::Pending,
    }
}

pub(crate) fn image(from: &sdk::Image) -> Option<RegisteredImage> {
    let snapshot = |mapping: &sdk::BlockDeviceMapping| Some(mapping.ebs()?.snapshot_id()?.into());
    Some(RegisteredImage {
        id: from.image_id()?.into(),
        name: from.name().unwrap_or_default().to_owned(),
        owner: from.owner_id().unwrap_or_default().to_owned(),
        state: from.state().map_or("", sdk::ImageState::as_str).to_owned(),
        architecture: from.architecture().map_or("", sdk::ArchitectureValues::as_str).to_owned(),
        root_device: from.root_device_name().map(ToOwned::to_owned),
        snapshots: from.block_device_mappings().iter().filter_map(snapshot).collect(),
        created_at: from.creation_date().and_then(|at| at.parse().ok()),
        deprecated_at: from.deprecation_time().and_then(|at| at.parse().ok()),
        tags: tags(from.tags()),
    })
}

pub(crate) fn timestamp(at: &DateTime) -> Option<Timestamp> {
    Timestamp::new(at.secs(), i32::try_from(at.subsec_nanos()).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_high_byte_of_a_state_code_means_nothing() {
        let of = |code| state(&sdk::InstanceState::builder().code(code).build());
        assert_eq!(of(0x0110), InstanceState::Running);
        assert_eq!(of(0), InstanceState::Pending);
        assert_eq!(of(48), InstanceState::Terminated);
    }
}
