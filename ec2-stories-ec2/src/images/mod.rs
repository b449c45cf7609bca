//! Images: found, registered from uploads, shared, copied, and removed.
//!
//! What was done is found by the content's hash, which stands in the tags of import tasks, snapshots and images. So each step
//! can be repeated by another process, at any time, and is not done twice.

mod copy;
mod deregister;
mod find;
mod import;
mod pace;
mod prune;
mod register;
mod share;
mod snapshots;
mod token;
mod wait;

use async_trait::async_trait;
use ec2_stories_core::Result;
use ec2_stories_core::image::ImageSpec;
use ec2_stories_core::model::{ImageId, ImageQuery, Region, RegisteredImage, SnapshotId};
use ec2_stories_core::provider::{ImageRegistry, UploadedImage};
use jiff::Timestamp;

use crate::Ec2;
use crate::convert;

pub(crate) use copy::copies_of;
pub use import::ImportRole;
pub use prune::{Prune, Pruned};
pub(crate) use register::{named_with_content, published_as};
pub(crate) use share::is_account;
pub(crate) use snapshots::{
    SETTLING, Wanted, by_id as snapshot_by_id, by_id_when_settled as settled_snapshot,
    delete as delete_snapshot, find as find_snapshot, wait_until_completed,
};
pub(crate) use token::token;

#[async_trait]
impl ImageRegistry for Ec2 {
    async fn find_image(&self, query: &ImageQuery) -> Result<Option<RegisteredImage>> {
        find::newest(self.api(), query).await
    }

    async fn get_image(&self, id: &ImageId) -> Result<Option<RegisteredImage>> {
        Ok(find::by_id(self.api(), id).await?.as_ref().and_then(convert::image))
    }

    async fn published(&self) -> Result<Vec<RegisteredImage>> {
        find::published(self.api()).await
    }

    async fn find_content(&self, content_hash: &str) -> Result<Option<RegisteredImage>> {
        find::with_content(self.api(), content_hash).await
    }

    async fn register(&self, uploaded: &UploadedImage, spec: &ImageSpec) -> Result<RegisteredImage> {
        register::register(self, uploaded, spec).await
    }

    async fn share(&self, id: &ImageId, accounts: &[String]) -> Result<()> {
        share::share(self.api(), id, accounts).await
    }

    async fn copy(&self, id: &ImageId, to: &Region) -> Result<RegisteredImage> {
        copy::copy(self, id, to, None).await
    }

    async fn deprecate(&self, id: &ImageId, at: Timestamp) -> Result<()> {
        share::deprecate(self.api(), id, at).await
    }

    async fn deregister(&self, id: &ImageId) -> Result<()> {
        deregister::deregister(self.api(), id).await
    }
}

impl Ec2 {
    /// Makes a snapshot of an uploaded image, or finds the one that was made of it: what [`register`](ImageRegistry::register)
    /// does first. An import that runs already is waited for.
    ///
    /// # Errors
    /// As [`register`](ImageRegistry::register).
    pub async fn snapshot(&self, uploaded: &UploadedImage, spec: &ImageSpec) -> Result<SnapshotId> {
        register::snapshot(self, uploaded, spec).await
    }

    /// As [`copy`](ImageRegistry::copy), with the copy encrypted with a KMS key of the other region, by its ARN or its id, whether
    /// or not the image is encrypted. Accounts that may use the key can use the copy, once it is shared with them.
    ///
    /// # Errors
    /// [`Invalid`](ec2_stories_core::ErrorKind::Invalid) for an alias, [`Conflict`](ec2_stories_core::ErrorKind::Conflict) where
    /// there is a copy with another key; as [`copy`](ImageRegistry::copy).
    pub async fn copy_encrypted(&self, id: &ImageId, to: &Region, key: &str) -> Result<RegisteredImage> {
        copy::copy(self, id, to, Some(key)).await
    }

    /// Ends the imports of an upload that will not be registered, and deletes its snapshots that no image uses. A success
    /// where nothing is left.
    ///
    /// # Errors
    /// What EC2 refused; calling it again goes on.
    pub async fn abandon(&self, uploaded: &UploadedImage) -> Result<()> {
        abandon_content(self, &uploaded.content_hash).await
    }
}

/// Ends the imports of a content, and deletes its snapshots that no image uses.
pub(crate) async fn abandon_content(ec2: &Ec2, content_hash: &str) -> Result<()> {
    for snapshot in import::cancel(ec2.api(), content_hash).await? {
        snapshots::delete(ec2.api(), &snapshot).await?;
    }
    snapshots::delete_unused(ec2.api(), content_hash).await
}
