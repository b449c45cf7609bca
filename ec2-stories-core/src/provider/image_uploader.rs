//! Uploading image files.

use std::fmt;
use std::path::PathBuf;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::Result;

/// A disk image's file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ImageFormat {
    /// The disk's bytes.
    Raw,
    /// VMDK, stream-optimised.
    Vmdk,
    /// VHD.
    Vhd,
}

/// A file to upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadSource {
    /// The file.
    pub path: PathBuf,
    /// Its format.
    pub format: ImageFormat,
}

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
}

/// Uploads image files.
///
/// # Contract
/// - The same content again is not sent again; the answer is the same.
/// - An upload that was cut off goes on where it was when the same source is uploaded again.
/// - Dropping the future stops the upload and leaves nothing that bills and cannot be resumed; `abort` removes what an
///   upload that will not be resumed left behind, and is a success where nothing is.
/// - A source that changes midway is an error, never a mixed image.
/// - Progress never goes back, and ends at `acknowledged == total`.
///
/// # Errors
/// [`Io`](crate::ErrorKind::Io) for the file, [`Invalid`](crate::ErrorKind::Invalid) for a file that is not of its
/// format, and the store's own.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ImageUploader: fmt::Debug + Send + Sync {
    /// Uploads the file and says how far it is.
    async fn upload(
        &self,
        source: &UploadSource,
        progress: watch::Sender<UploadProgress>,
    ) -> Result<UploadedImage>;

    /// Removes what an unfinished upload of the file left.
    async fn abort(&self, source: &UploadSource) -> Result<()>;
}
