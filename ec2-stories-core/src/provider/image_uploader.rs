//! Uploading image files.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::Result;
use crate::image::{ImageFormat, ImageSource};

/// How far an upload is, in bytes of the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadProgress {
    /// Acknowledged by the store.
    pub acknowledged: u64,
    /// The file's size.
    pub total: u64,
}

/// An image that was uploaded and can be registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadedImage {
    /// Where it is, in the store's own form: `s3://bucket/key`, `snap-…`.
    pub location: String,
    /// SHA-256 of the content, in hex: the same content has the same.
    pub content_hash: String,
    /// Its format.
    pub format: ImageFormat,
    /// The file's size in bytes.
    pub bytes: u64,
    /// The disk's size in bytes.
    pub virtual_bytes: u64,
}

/// Uploads image files.
///
/// # Contract
/// - The same content again is not sent again; the answer is the same.
/// - An upload that was cut off goes on where it was when the same source is uploaded again.
/// - Dropping the future stops the upload and leaves nothing that bills and cannot be resumed; `abort` removes what an
///   upload that will not be resumed left behind, and is a success where nothing is.
/// - `remove` takes back what was uploaded of a content, finished or not, and is a success where nothing is; what was made of it,
///   such as an image, stays.
/// - A source that changes midway is an error, never a mixed image.
/// - Progress never goes back, and ends at `acknowledged == total`.
///
/// # Errors
/// [`Io`](crate::ErrorKind::Io) for the file, [`Conflict`](crate::ErrorKind::Conflict) for a file that changed since it was
/// opened, [`Invalid`](crate::ErrorKind::Invalid) for a format that the store does not take, and the store's own.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ImageUploader: fmt::Debug + Send + Sync {
    /// Refuses a file that could not be uploaded, whatever its content, before anything is done; by default none.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid), saying what to do about it.
    fn check(&self, source: &ImageSource) -> Result<()> {
        let _ = source;
        Ok(())
    }

    /// Uploads the file and says how far it is.
    async fn upload(
        &self,
        source: &ImageSource,
        progress: watch::Sender<UploadProgress>,
    ) -> Result<UploadedImage>;

    /// Removes what an unfinished upload of the file left.
    async fn abort(&self, source: &ImageSource) -> Result<()>;

    /// Removes what was uploaded of the content with this SHA-256, in hex.
    async fn remove(&self, content_hash: &str) -> Result<()>;
}
