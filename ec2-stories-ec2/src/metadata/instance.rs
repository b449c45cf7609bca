//! What every instance says of itself.

use ec2_stories_core::Result;
use ec2_stories_core::model::{AvailabilityZone, ImageId, InstanceId, InstanceType, Region, ReservationId};
use serde::Serialize;

use super::Metadata;

/// An instance, as it knows itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct InstanceMetadata {
    /// Its id.
    pub instance_id: InstanceId,
    /// Its type.
    pub instance_type: InstanceType,
    /// Its image.
    pub ami_id: ImageId,
    /// Its place in its reservation, from 0.
    pub ami_launch_index: u32,
    /// The reservation that it came in.
    pub reservation_id: ReservationId,
    /// Its region.
    pub region: Region,
    /// Its zone.
    pub availability_zone: AvailabilityZone,
    /// `on-demand` or `spot`.
    pub life_cycle: Option<String>,
    /// The hardware address of its primary interface.
    pub mac: String,
    /// Its private address.
    pub local_ipv4: String,
    /// Its private name.
    pub local_hostname: String,
    /// Its public address, if it has one.
    pub public_ipv4: Option<String>,
    /// Its public name, if it has one.
    pub public_hostname: Option<String>,
    /// Names of its security groups.
    pub security_groups: Vec<String>,
    /// The role that its profile gives it, if any.
    pub role: Option<String>,
}

impl Metadata {
    /// Reads what every instance has.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn instance(&self) -> Result<InstanceMetadata> {
        let groups = self.required("security-groups").await?;
        let index = self.required("ami-launch-index").await?;
        let role = self.get("iam/security-credentials/").await?;
        Ok(InstanceMetadata {
            instance_id: self.required("instance-id").await?.into(),
            instance_type: self.required("instance-type").await?.into(),
            ami_id: self.required("ami-id").await?.into(),
            ami_launch_index: index.parse().map_err(|error| self.unreadable("ami-launch-index", error))?,
            reservation_id: self.required("reservation-id").await?.into(),
            region: self.required("placement/region").await?.into(),
            availability_zone: self.required("placement/availability-zone").await?.into(),
            life_cycle: self.get("instance-life-cycle").await?,
            mac: self.required("mac").await?,
            local_ipv4: self.required("local-ipv4").await?,
            local_hostname: self.required("local-hostname").await?,
            public_ipv4: self.get("public-ipv4").await?,
            public_hostname: self.get("public-hostname").await?.filter(|name| !name.is_empty()),
            security_groups: groups.lines().map(str::to_owned).collect(),
            role: role.and_then(|roles| roles.lines().next().map(str::to_owned)),
        })
    }
}
