//! How far a publication is.

use std::collections::BTreeMap;
use std::fmt;

use ec2_stories_core::model::{Region, RegisteredImage};
use ec2_stories_core::provider::UploadedImage;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What is being done, or was being done when the process ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The file is being uploaded.
    Uploading,
    /// A snapshot is being made of it, and an image of that.
    Registering,
    /// Others are being let use it.
    Sharing,
    /// It is being copied to a region.
    Copying(Region),
    /// All is done.
    Published,
}

/// A copy in another region.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copy {
    /// The copy; `None` while it is being made.
    pub image: Option<RegisteredImage>,
    /// The accounts that it was shared with.
    pub shared: Vec<String>,
    /// From when on it is not to be used any more.
    pub deprecated_at: Option<Timestamp>,
}

/// What was published under a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publication {
    /// The image's name.
    pub name: String,
    /// The region that it is registered in.
    pub region: Region,
    /// SHA-256 of the file's content, in hex.
    pub content_hash: String,
    /// What is being done.
    pub stage: Stage,
    /// The upload; `None` until it is there, and where the image was registered by another run.
    pub uploaded: Option<UploadedImage>,
    /// The image in its own region.
    pub own: Copy,
    /// The copies by region.
    pub copies: BTreeMap<String, Copy>,
}

impl Publication {
    /// The image, as soon as it is registered.
    #[must_use]
    pub fn image(&self) -> Option<&RegisteredImage> {
        self.own.image.as_ref()
    }

    /// Whether all is done.
    #[must_use]
    pub fn is_published(&self) -> bool {
        self.stage == Stage::Published
    }
}

impl fmt::Display for Publication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}: ", self.name, self.region)?;
        match (&self.stage, self.image()) {
            (Stage::Uploading, _) => f.write_str("uploading")?,
            (Stage::Registering, _) => f.write_str("registering")?,
            (Stage::Sharing, Some(image)) => write!(f, "{}, sharing", image.id)?,
            (Stage::Copying(region), Some(image)) => write!(f, "{}, copying to {region}", image.id)?,
            (_, Some(image)) => write!(f, "{}", image.id)?,
            (_, None) => f.write_str("no image")?,
        }
        for (region, copy) in &self.copies {
            if let Some(image) = &copy.image {
                write!(f, ", {} in {region}", image.id)?;
            }
        }
        Ok(())
    }
}
