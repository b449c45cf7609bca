//! The buckets of a deployment.

use ec2_stories_core::model::{Name, OwnedBy};
use ec2_stories_core::{ErrorKind, Result};
use futures::{StreamExt, TryStreamExt};

use super::Bucket;
use crate::S3;
use crate::api::Call;

/// How many buckets are asked for their tags at the same time.
const ASKED_AT_ONCE: usize = 16;

impl S3 {
    /// The transient buckets of a deployment, in the client's region.
    ///
    /// # Errors
    /// The service's own.
    pub async fn buckets_of(&self, deployment: &Name) -> Result<Vec<Bucket>> {
        let names = self.bucket_names().await?;
        let owned = OwnedBy::deployment(deployment);
        let (key, value) = owned.tag();
        futures::stream::iter(names)
            .map(|name| async move {
                let bucket = self.bucket(name);
                match bucket.tags().await {
                    Ok(tags) => Ok((tags.get(key) == Some(value)).then_some(bucket)),
                    // Removed since, of another account that lets us see its name, or on a server without tags.
                    Err(error)
                        if matches!(
                            error.kind(),
                            ErrorKind::NotFound | ErrorKind::Forbidden | ErrorKind::Unsupported
                        ) =>
                    {
                        Ok(None)
                    }
                    Err(error) => Err(error),
                }
            })
            .buffered(ASKED_AT_ONCE)
            .try_filter_map(|bucket| std::future::ready(Ok(bucket)))
            .try_collect()
            .await
    }

    /// Removes the transient buckets of a deployment with all that is in them, each with its own outcome.
    ///
    /// # Errors
    /// The service's own where the buckets could not be looked for.
    pub async fn remove_buckets(&self, deployment: &Name) -> Result<Vec<(Bucket, Result<()>)>> {
        let mut outcomes = Vec::new();
        for bucket in self.buckets_of(deployment).await? {
            let outcome = bucket.remove().await;
            outcomes.push((bucket, outcome));
        }
        Ok(outcomes)
    }

    /// The names of the account's buckets, on AWS of those in the client's region.
    ///
    /// # Errors
    /// The service's own.
    pub async fn bucket_names(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        let mut after = None;
        loop {
            let mut list = self.sdk().list_buckets().set_continuation_token(after);
            if self.is_aws() {
                list = list.bucket_region(self.region());
            }
            let page = self.api().call(Call::reading("ListBuckets", "s3://"), list.send()).await?;
            names.extend(page.buckets.unwrap_or_default().into_iter().filter_map(|bucket| bucket.name));
            after = page.continuation_token.filter(|token| !token.is_empty());
            if after.is_none() {
                return Ok(names);
            }
        }
    }
}
