//! Images that a cloud knows.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::UploadedImage;
use crate::model::{Architecture, ImageId, ImageQuery, Region, RegisteredImage, Tags};
use crate::{Error, ErrorKind, Result};

/// How an uploaded image is to be registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageSpec {
    /// Its name, unique in the account and region.
    pub name: String,
    /// Its architecture.
    pub architecture: Architecture,
    /// Its tags.
    pub tags: Tags,
}

impl ImageSpec {
    /// An x86_64 image of this name.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), architecture: Architecture::default(), tags: Tags::new() }
    }
}

/// Finds, registers, shares, copies and removes machine images.
///
/// # Contract
/// - `find_image` returns the newest available image that matches, or `None`.
/// - `get_image` returns the image of this id, or `None`.
/// - The methods that change something are a capability: a registry that cannot says
///   [`ErrorKind::Unsupported`], permanently, and so do the provided bodies.
/// - `register` of the same upload under the same name returns the image that is there.
/// - `deregister` removes the image and its snapshots; an image that is gone is a success.
/// - `find_image` and `get_image` are cancel-safe; the others are repeated after a drop.
///
/// # Errors
/// As the trait's methods say; a name that another image has is [`ErrorKind::Conflict`].
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ImageRegistry: fmt::Debug + Send + Sync {
    /// The newest image that matches.
    async fn find_image(&self, query: &ImageQuery) -> Result<Option<RegisteredImage>>;

    /// The image of this id.
    async fn get_image(&self, id: &ImageId) -> Result<Option<RegisteredImage>>;

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

    /// Removes the image and its snapshots.
    async fn deregister(&self, id: &ImageId) -> Result<()> {
        Err(unsupported("deregister", id.as_str()))
    }
}

fn unsupported(operation: &str, resource: &str) -> Error {
    Error::new(ErrorKind::Unsupported, "this registry cannot change images").during(operation).on(resource)
}
