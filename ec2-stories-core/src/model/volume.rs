//! Volumes of an instance.

use serde::{Deserialize, Serialize};

use super::SnapshotId;

/// A volume type, in EC2's words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VolumeType {
    /// General purpose SSD.
    #[default]
    Gp3,
    /// The older general purpose SSD.
    Gp2,
    /// Provisioned IOPS SSD.
    Io1,
    /// Provisioned IOPS SSD, more durable.
    Io2,
    /// Throughput-optimised disk.
    St1,
    /// Cold disk.
    Sc1,
}

impl VolumeType {
    /// EC2's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gp3 => "gp3",
            Self::Gp2 => "gp2",
            Self::Io1 => "io1",
            Self::Io2 => "io2",
            Self::St1 => "st1",
            Self::Sc1 => "sc1",
        }
    }
}

/// A volume that is made with the instance, encrypted, and deleted with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Volume {
    /// The device, such as `/dev/sdf`; the image's root device where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Size in GiB, at least the snapshot's.
    pub gib: u32,
    /// Its type.
    #[serde(default, rename = "type")]
    pub volume_type: VolumeType,
    /// I/O operations a second, for the types that take them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iops: Option<u32>,
    /// MiB a second, for gp3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throughput: Option<u32>,
    /// A snapshot to start from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<SnapshotId>,
    /// The KMS key to encrypt with; the account's default key where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key: Option<String>,
}

impl Volume {
    /// The root volume, of this size in GiB.
    #[must_use]
    pub fn root(gib: u32) -> Self {
        Self {
            device: None,
            gib,
            volume_type: VolumeType::default(),
            iops: None,
            throughput: None,
            snapshot: None,
            kms_key: None,
        }
    }

    /// A volume at `device`, of this size in GiB.
    pub fn at(device: impl Into<String>, gib: u32) -> Self {
        Self { device: Some(device.into()), ..Self::root(gib) }
    }
}
