//! A fleet's description, as plain data.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    Architecture, AvailabilityZone, Expiry, FirewallPolicy, Health, Image, InstanceType, KeyPairSpec,
    LoginSpec, Market, MetadataOptions, Name, SecurityGroupId, SubnetId, Tags, UserData, Volume,
};

/// N equal nodes. [`Fleet::builder`](crate::Fleet::builder) makes one in code; a story file says the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FleetSpec {
    /// Its name, unique within the deployment.
    pub name: Name,
    /// How many nodes.
    pub nodes: u32,
    /// With fewer live nodes than this the fleet has failed; all of them where not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<u32>,
    /// The fleets that must be ready before this one starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<Name>,
    /// The image.
    pub image: Image,
    /// The architecture that [`Image::Public`] is looked up for, and that of [`Image::File`].
    #[serde(default)]
    pub architecture: Architecture,
    /// Instance types, the preferred first; the next is tried after a definitive capacity answer.
    #[serde(default = "default_instance_types")]
    pub instance_types: Vec<InstanceType>,
    /// Zones, the preferred first; any zone of the default VPC where neither zones nor subnets are given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zones: Vec<AvailabilityZone>,
    /// Subnets, the preferred first; not together with zones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subnets: Vec<SubnetId>,
    /// Whether the nodes get public addresses; the subnet's default where not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_ip: Option<bool>,
    /// On demand or spot.
    #[serde(default)]
    pub market: Market,
    /// The key pair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyPairSpec>,
    /// How its nodes are logged in to.
    #[serde(default, skip_serializing_if = "is_default")]
    pub login: LoginSpec,
    /// The fleet's own security group, with these inbound rules. Without a policy and without groups the nodes
    /// get a group of their own that lets nothing in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firewall: Option<FirewallPolicy>,
    /// Existing security groups beside it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub security_groups: Vec<SecurityGroupId>,
    /// The name of an existing instance profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_profile: Option<String>,
    /// Volumes, encrypted; one without a device is the root volume.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<Volume>,
    /// User data, the same for all nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_data: Option<UserData>,
    /// Metadata options.
    #[serde(default)]
    pub metadata: MetadataOptions,
    /// Tags beside the family's own.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
    /// How long a node may take from launch to running.
    #[serde(default = "default_launch_timeout", with = "humantime_serde")]
    pub launch_timeout: Duration,
    /// How long its nodes outlive their controller: an hour in dev mode, for ever in production, unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_after: Option<Expiry>,
    /// How its nodes are watched, and what is done about those that die.
    #[serde(default, skip_serializing_if = "is_default")]
    pub health: Health,
}

pub(crate) fn default_instance_types() -> Vec<InstanceType> {
    vec![InstanceType::new("t3.micro")]
}

/// Ten minutes: the slowest bare-metal types boot in about that; most need half a minute.
pub(crate) fn default_launch_timeout() -> Duration {
    Duration::from_secs(600)
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
