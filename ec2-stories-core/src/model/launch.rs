//! One launch: what is frozen before the call, and what came of it.

use serde::{Deserialize, Serialize};

use super::{
    AvailabilityZone, ClientToken, ImageId, Instance, InstanceType, KeyName, Ownership, ReservationId,
    SecurityGroupId, SubnetId, Tags, Volume,
};

/// How an instance is paid for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Market {
    /// On demand.
    #[default]
    OnDemand,
    /// Spot: cheaper, and taken away with two minutes' notice.
    Spot {
        /// Highest price, in US dollars an hour; the on-demand price where none is given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max_price: Option<String>,
    },
}

/// Where a launch goes. At most one of the two: a subnet implies its zone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Placement {
    /// The zone.
    pub zone: Option<AvailabilityZone>,
    /// The subnet.
    pub subnet: Option<SubnetId>,
}

/// Options of the instance metadata service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MetadataOptions {
    /// IMDSv2 only: every request needs a session token.
    pub require_token: bool,
    /// How many network hops a reply may take: 1 to 64. A container on the instance needs 2.
    pub hop_limit: u8,
    /// Whether the instance's tags can be read from its metadata.
    pub tags: bool,
}

impl Default for MetadataOptions {
    fn default() -> Self {
        Self { require_token: true, hop_limit: 1, tags: false }
    }
}

/// Everything that one RunInstances call says, frozen: a replay says the very same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaunchRequest {
    /// The idempotency token.
    pub token: ClientToken,
    /// Whom it is for; it also says how many instances ([`Slots::len`](super::Slots::len)).
    pub ownership: Ownership,
    /// Fewer instances than this is a failure of the whole call; from 1 to the number of slots.
    pub at_least: u32,
    /// The image, resolved.
    pub image: ImageId,
    /// The device of the image's root volume, for a root volume that is not as the image says.
    pub root_device: Option<String>,
    /// The instance type.
    pub instance_type: InstanceType,
    /// Where.
    pub placement: Placement,
    /// How it is paid for.
    pub market: Market,
    /// The key pair.
    pub key: Option<KeyName>,
    /// The security groups.
    pub security_groups: Vec<SecurityGroupId>,
    /// The name of the instance profile.
    pub instance_profile: Option<String>,
    /// Whether the instance gets a public address; the subnet's default where not said.
    pub public_ip: Option<bool>,
    /// Volumes; all are deleted with the instance.
    pub volumes: Vec<Volume>,
    /// User data as the instance is to read it: at most 16 KiB, before base64.
    #[serde(default, with = "hex_bytes", skip_serializing_if = "Option::is_none")]
    pub user_data: Option<Vec<u8>>,
    /// Metadata options.
    pub metadata: MetadataOptions,
    /// Tags beside the family's own, for instances and their volumes.
    pub tags: Tags,
}

impl LaunchRequest {
    /// How many instances are asked for.
    #[must_use]
    pub fn count(&self) -> u32 {
        u32::try_from(self.ownership.slots.len()).unwrap_or(u32::MAX)
    }

    /// The family's tags and the description's, for every resource that the call makes.
    #[must_use]
    pub fn all_tags(&self) -> Tags {
        self.tags.clone().merged(&self.ownership.tags())
    }
}

/// What a launch made. Fewer instances than asked for is an outcome, not an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// The reservation.
    pub reservation: ReservationId,
    /// The instances, by launch index.
    pub instances: Vec<Instance>,
}

/// Bytes as text of two digits each: as numbers they would take four times their size in a journal.
mod hex_bytes {
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(bytes: &Option<Vec<u8>>, to: S) -> Result<S::Ok, S::Error> {
        match bytes {
            Some(bytes) => to.serialize_some(&hex::encode(bytes)),
            None => to.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<u8>>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        text.map(|text| hex::decode(text).map_err(de::Error::custom)).transpose()
    }
}
