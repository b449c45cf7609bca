//! Removing an object.

use ec2_stories_core::provider::Expect;
use ec2_stories_core::{Error, ErrorKind, Result};

use super::key;
use crate::api::Call;
use crate::bucket::Bucket;

impl Bucket {
    /// Removes an object. One that is not there is a success.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) where there is no such bucket, and the service's own.
    pub async fn delete(&self, key: &str) -> Result<()> {
        key::check(key)?;
        let delete = self.s3().sdk().delete_object().bucket(self.name()).key(key).send();
        let call = Call::changing("DeleteObject", self.object_address(key));
        match self.s3().api().call(call, delete).await {
            Err(error) if error.kind() == ErrorKind::NotFound && error.api_code() != Some("NoSuchBucket") => {
                Ok(())
            }
            answer => answer.map(drop),
        }
    }

    /// Removes an object if what is expected is there.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) where something else is there, and as [`delete`](Self::delete).
    pub async fn delete_if(&self, key: &str, expect: &Expect) -> Result<()> {
        match expect {
            Expect::Anything => self.delete(key).await,
            Expect::Absent => match self.head(key).await? {
                None => Ok(()),
                Some(_) => {
                    let error = Error::new(ErrorKind::Conflict, "exists already").during("delete");
                    Err(error.on(self.object_address(key)))
                }
            },
            Expect::Unchanged(version) => {
                key::check(key)?;
                self.delete_unchanged(key, version).await
            }
        }
    }
}
