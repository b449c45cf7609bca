//! Images that a cloud knows.

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;

use super::UploadedImage;
use crate::image::ImageSpec;
use crate::model::{ImageId, ImageQuery, Region, RegisteredImage};
use crate::{Error, ErrorKind, Result};

/// Finds, registers, shares, copies and removes machine images.
///
/// # Contract
/// - `find_image` returns the newest available image that matches, or `None`.
/// - `get_image` returns the image of this id, or `None`.
/// - The methods that change something are a capability: a registry that cannot says
///   [`ErrorKind::Unsupported`], permanently, and so do the provided bodies.
/// - `register` of the same upload under the same name returns the image that is there. What it returns is available, and
///   carries the tags of [`image_tags`](crate::image::image_tags) beside its own, as its snapshots do.
/// - `published` returns the own images that carry these tags, whatever their state, newest first.
/// - `find_content` returns the newest available one of these with this content, or `None`.
/// - `share` again with the same account is a success.
/// - `copy` of the same image to the same region returns the copy that is there; what it returns is available.
/// - `deprecate` again with another time replaces the time.
/// - `deregister` removes the image and its snapshots, save those that another image uses; an image that is gone is a
///   success.
/// - What only reads is cancel-safe; the others are repeated after a drop, and go on.
///
/// # Errors
/// A name that another image has is [`ErrorKind::Conflict`]; an image that is not there is [`ErrorKind::NotFound`], save for
/// `deregister`; a specification that cannot be is [`ErrorKind::Invalid`]; work that the cloud could not do is
/// [`ErrorKind::Failed`], with its reason.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ImageRegistry: fmt::Debug + Send + Sync {
    /// The newest image that matches.
    async fn find_image(&self, query: &ImageQuery) -> Result<Option<RegisteredImage>>;

    /// The image of this id.
    async fn get_image(&self, id: &ImageId) -> Result<Option<RegisteredImage>>;

    /// The own images that were registered by this family, newest first.
    async fn published(&self) -> Result<Vec<RegisteredImage>> {
        Err(unsupported("published", "images"))
    }

    /// The newest own image with this content.
    async fn find_content(&self, content_hash: &str) -> Result<Option<RegisteredImage>> {
        Err(unsupported("find content", content_hash))
    }

    /// Turns an uploaded image into a machine image.
    async fn register(&self, uploaded: &UploadedImage, spec: &ImageSpec) -> Result<RegisteredImage> {
        let _ = uploaded;
        Err(unsupported("register", &spec.name))
    }

    /// Lets other accounts launch the image.
    async fn share(&self, id: &ImageId, accounts: &[String]) -> Result<()> {
        let _ = accounts;
        Err(unsupported("share", id.as_str()))
    }

    /// Copies the image to another region.
    async fn copy(&self, id: &ImageId, to: &Region) -> Result<RegisteredImage> {
        let _ = to;
        Err(unsupported("copy", id.as_str()))
    }

    /// Says from when on the image is not to be used any more.
    async fn deprecate(&self, id: &ImageId, at: Timestamp) -> Result<()> {
        let _ = at;
        Err(unsupported("deprecate", id.as_str()))
    }

    /// Removes the image and its snapshots.
    async fn deregister(&self, id: &ImageId) -> Result<()> {
        Err(unsupported("deregister", id.as_str()))
    }
}

fn unsupported(operation: &str, resource: &str) -> Error {
    Error::new(ErrorKind::Unsupported, "this registry cannot change images").during(operation).on(resource)
}
