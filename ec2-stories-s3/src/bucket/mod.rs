//! Buckets: created closed, found, emptied, removed.

mod create;
mod deployment;
mod empty;
mod find;
mod settings;
mod spec;

use std::fmt;
use std::sync::Arc;

pub use create::{Created, NotApplied};
pub use empty::{Emptied, KeyFailure};
pub use find::BucketInfo;
pub use spec::{BucketSpec, Encryption, Lifetime};

use crate::S3;

/// A bucket by its name, and what can be done with what is in it. Making one calls nobody.
#[derive(Clone)]
pub struct Bucket {
    s3: S3,
    name: Arc<str>,
}

impl S3 {
    /// The bucket of this name, whether it exists or not.
    #[must_use]
    pub fn bucket(&self, name: impl Into<String>) -> Bucket {
        Bucket { s3: self.clone(), name: name.into().into() }
    }
}

impl Bucket {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The client that it is reached by.
    #[must_use]
    pub fn s3(&self) -> &S3 {
        &self.s3
    }

    /// What errors call it.
    pub(crate) fn address(&self) -> String {
        format!("s3://{}", self.name)
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Bucket").field(&self.name).finish()
    }
}
