//! Disk image formats.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A disk image's file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ImageFormat {
    /// The disk's bytes.
    Raw,
    /// VMDK; EC2 takes its stream-optimized variant.
    Vmdk,
    /// VHD, fixed or dynamic.
    Vhd,
    /// VHDX, fixed or dynamic.
    Vhdx,
    /// QEMU's qcow2, which EC2 does not take.
    Qcow2,
}

impl ImageFormat {
    /// The name in lower case, which is the usual file name extension too.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Vmdk => "vmdk",
            Self::Vhd => "vhd",
            Self::Vhdx => "vhdx",
            Self::Qcow2 => "qcow2",
        }
    }

    /// The format that a file name's extension promises, where it promises one that can be recognized.
    pub(super) fn promised_by(extension: &str) -> Option<Self> {
        let known = [Self::Vmdk, Self::Vhd, Self::Vhdx, Self::Qcow2];
        known.into_iter().find(|format| extension.eq_ignore_ascii_case(format.as_str()))
    }
}

impl fmt::Display for ImageFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
