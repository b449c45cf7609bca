//! Looking for a bucket.

use ec2_stories_core::{ErrorKind, Result};

use super::Bucket;
use crate::S3;

/// A bucket that exists and that the account may look into.
#[derive(Clone, Debug)]
pub struct BucketInfo {
    /// The bucket.
    pub bucket: Bucket,
    /// The region it is in, where the server tells.
    pub region: Option<String>,
}

impl S3 {
    /// The bucket of this name, or `None`.
    ///
    /// # Errors
    /// [`Forbidden`](ErrorKind::Forbidden) where it is another account's, [`Invalid`](ErrorKind::Invalid) where it is in
    /// another region, and the service's own.
    pub async fn find_bucket(&self, name: &str) -> Result<Option<BucketInfo>> {
        let bucket = self.bucket(name);
        let look = self.sdk().head_bucket().bucket(name).send();
        match self.api().call(bucket.look("HeadBucket"), look).await {
            Ok(reply) => Ok(Some(BucketInfo { bucket, region: reply.bucket_region })),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}
