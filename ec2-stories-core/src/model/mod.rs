//! What is described, and what is seen: the family's plain data.

mod account;
mod deployment;
mod expiry;
mod firewall;
mod fleet;
mod health;
mod ids;
mod image;
mod image_file;
mod instance;
mod instance_health;
mod key_pair;
mod launch;
mod limits;
mod login;
mod name;
mod node;
mod ownership;
mod tags;
mod user_data;
mod volume;

pub use account::{Credentials, Region};
pub use deployment::{DeploymentSpec, Mode};
pub use expiry::{Expires, Expiry};
pub use firewall::{FirewallPolicy, PortRange, Protocol, Rule, Source};
pub use fleet::FleetSpec;
pub(crate) use fleet::{default_instance_types, default_launch_timeout};
pub use health::{BackOff, Health, Replace, Share, Within};
pub use ids::{
    AvailabilityZone, ClientToken, ImageId, InstanceId, InstanceType, KeyName, ReservationId,
    SecurityGroupId, SnapshotId, SubnetId,
};
pub use image::{Architecture, Image, ImageQuery, Owner, RegisteredImage};
pub use image_file::ImageFile;
pub use instance::{Diagnosis, Instance, InstanceState, StateReason};
pub use instance_health::{Check, InstanceHealth, Notice};
pub use key_pair::{KeyPair, KeyPairSpec};
pub use launch::{Launch, LaunchRequest, Market, MetadataOptions, Placement};
pub use limits::Limits;
pub use login::{HostKeys, LoginAddress, LoginSpec};
pub use name::Name;
pub use node::{Generation, NodeAddress};
pub use ownership::{OwnedBy, Ownership, Slots};
pub use tags::Tags;
pub use user_data::{CloudConfig, Part, ShellScript, User, UserData, WriteFile};
pub(crate) use user_data::{Rendered, compress, join};
pub use volume::{Volume, VolumeType};
