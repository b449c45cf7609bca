//! What marks an image, and the snapshots behind it, as this family's.

use crate::model::{RegisteredImage, Tags};

/// The content's hash: the same content is not uploaded or registered twice.
pub const CONTENT_TAG: &str = "ec2-stories:content";
/// The image's name.
pub const IMAGE_TAG: &str = "ec2-stories:image";
/// The image that a copy is of: `eu-west-1/ami-…`.
pub const COPY_TAG: &str = "ec2-stories:copy-of";

/// The tags of what holds this content, in the call that makes it.
#[must_use]
pub fn content_tags(content_hash: &str) -> Tags {
    Tags::new().with(CONTENT_TAG, content_hash)
}

/// The tags of an image of this name and content, and of the snapshots that are made for it.
#[must_use]
pub fn image_tags(name: &str, content_hash: &str) -> Tags {
    content_tags(content_hash).with(IMAGE_TAG, name).with("Name", name)
}

impl RegisteredImage {
    /// SHA-256 of the content of the file that it was made of, in hex; `None` for an image that others made.
    #[must_use]
    pub fn content_hash(&self) -> Option<&str> {
        self.tags.get(CONTENT_TAG)
    }
}
