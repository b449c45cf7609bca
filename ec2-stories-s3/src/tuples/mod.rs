//! Tuples as objects.

mod record;

use async_trait::async_trait;
use ec2_stories_core::provider::{Expect, Tuple, TupleStore, Version};
use ec2_stories_core::store::check_name;
use ec2_stories_core::{ErrorKind, Result};
use futures::TryStreamExt;

use crate::bucket::Bucket;
use crate::object::PutOptions;

/// No segment of a name may hold `=`: `a` and `a/b` are two tuples, even on a server that keeps objects in files.
const SUFFIX: &str = "=tuple";

/// Tuples as objects of a bucket, below a prefix: a journal that outlives the machine it was written on.
///
/// - A tuple is an object: a header with the format's version, the tuple's name, the write's token and a SHA-256 checksum, then the
///   value. A tuple that is damaged, cut off, of an unknown format or under another's name is
///   [`Corrupt`](ErrorKind::Corrupt); [`Expect::Anything`] overwrites or deletes it.
/// - A version is an ETag, and no two writes have the same, even of the same value.
/// - Changes are S3's conditional writes and deletes. One whose reply was lost is settled by reading: if it was made, and is still
///   there, it has succeeded. What cannot be settled is a [`Conflict`](ErrorKind::Conflict) or
///   [`Unavailable`](ErrorKind::Unavailable) with the status *ambiguous*. A delete with a lost reply has succeeded if the
///   tuple is gone.
/// - The server must have conditional writes, as AWS and SeaweedFS do; one that ignores them loses changes.
#[derive(Clone, Debug)]
pub struct S3Tuples {
    bucket: Bucket,
    prefix: String,
}

impl S3Tuples {
    /// The tuples below `prefix`, such as `journals/`. No call is made.
    #[must_use]
    pub fn new(bucket: Bucket, prefix: impl Into<String>) -> Self {
        Self { bucket, prefix: prefix.into() }
    }

    fn key(&self, name: &str) -> Result<String> {
        check_name(name)?;
        Ok(format!("{}{name}{SUFFIX}", self.prefix))
    }
}

#[async_trait]
impl TupleStore for S3Tuples {
    async fn get(&self, name: &str) -> Result<Option<Tuple>> {
        let key = self.key(name)?;
        let object = match self.bucket.read(&key).await {
            Err(error) if error.kind() == ErrorKind::NotFound && error.api_code() != Some("NoSuchBucket") => {
                return Ok(None);
            }
            object => object?,
        };
        let version = Version(object.info().etag.clone());
        let value = record::read(name, &object.bytes().await?)?;
        Ok(Some(Tuple { value, version }))
    }

    async fn put(&self, name: &str, value: &[u8], expect: Expect) -> Result<Version> {
        let key = self.key(name)?;
        let options = PutOptions::builder().expect(expect).build();
        let stored = self.bucket.put_with(&key, record::write(name, value), options).await?;
        Ok(Version(stored.etag))
    }

    async fn delete(&self, name: &str, expect: Expect) -> Result<()> {
        self.bucket.delete_if(&self.key(name)?, &expect).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>> {
        let Some(searched) = searchable(prefix) else { return Ok(Vec::new()) };
        let objects = self.bucket.list(&format!("{}{searched}", self.prefix));
        let names = objects.try_filter_map(|object| {
            let name = object.key.strip_prefix(&self.prefix).and_then(|name| name.strip_suffix(SUFFIX));
            let name = name.filter(|name| name.starts_with(prefix) && check_name(name).is_ok());
            std::future::ready(Ok(name.map(ToOwned::to_owned)))
        });
        let mut names: Vec<String> = names.try_collect().await?;
        // S3 sorts keys, which end in more than the names.
        names.sort_unstable();
        Ok(names)
    }
}

/// What of a prefix to ask the server for; `None` where no name begins with it. Some servers take dots for a way up.
fn searchable(prefix: &str) -> Option<&str> {
    let (folder, last) = prefix.rsplit_once('/').map_or(("", prefix), |(folder, last)| (folder, last));
    if !folder.is_empty() && check_name(folder).is_err() || prefix.starts_with('/') {
        return None;
    }
    if matches!(last, "." | "..") {
        return Some(&prefix[..prefix.len() - last.len()]);
    }
    (last.is_empty() || check_name(last).is_ok()).then_some(prefix)
}

#[cfg(test)]
mod tests {
    use super::searchable;

    #[test]
    fn only_what_a_name_may_begin_with_is_asked_for() {
        assert_eq!(searchable(""), Some(""));
        assert_eq!(searchable("a/b"), Some("a/b"));
        assert_eq!(searchable("a/b/"), Some("a/b/"));
        assert_eq!(searchable("a/.."), Some("a/"));
        for nothing in ["/", "../", "a//", "a b", "=", "/a"] {
            assert_eq!(searchable(nothing), None, "{nothing}");
        }
    }
}
