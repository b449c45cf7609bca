//! The instance identity document.

use ec2_stories_core::model::{AvailabilityZone, ImageId, InstanceId, InstanceType, Region};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What EC2 states about an instance
/// (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-identity-documents.html>).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct IdentityDocument {
    /// The account that launched it.
    pub account_id: String,
    /// Its architecture: `x86_64` or `arm64`.
    pub architecture: String,
    /// Its zone.
    pub availability_zone: AvailabilityZone,
    /// Its image.
    pub image_id: ImageId,
    /// Its id.
    pub instance_id: InstanceId,
    /// Its type.
    pub instance_type: InstanceType,
    /// When it was launched, or started again.
    pub pending_time: Timestamp,
    /// Its private address.
    pub private_ip: Option<String>,
    /// Its region.
    pub region: Region,
}

impl IdentityDocument {
    pub(super) fn read(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}
