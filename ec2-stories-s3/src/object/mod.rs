//! Objects.

mod body;
mod conditional;
mod copy;
mod cursor;
mod delete;
mod file;
mod get;
mod head;
pub(crate) mod key;
mod list;
mod partial;
mod presign;
mod put;

pub use body::Body;
pub use copy::{Copied, CopyOptions};
pub use file::{FetchOptions, Fetched};
pub use get::Reading;
pub use head::ObjectInfo;
pub(crate) use head::timestamp;
pub use list::{Entry, Listed};
pub use presign::Presigned;
pub use put::{PutOptions, Stored};

use crate::bucket::Bucket;

impl Bucket {
    /// What errors call an object in it.
    pub(crate) fn object_address(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.name())
    }
}
