//! What a test does to S3 behind the API's back, and what it leaves there.

use std::collections::BTreeMap;

use futures::TryStreamExt;
use jiff::Timestamp;

use super::lifecycle;
use super::state::{Bucket, Storage};
use crate::leak::Leak;
use crate::sim::Sim;

impl Sim {
    /// Adds a bucket in a region. It is meant to stay: [`leaks`](Self::leaks) shows what is in it, not the bucket.
    pub fn add_bucket(&self, name: &str, region: &str) {
        let now = self.now();
        let storage = &mut self.world().storage;
        storage.buckets.entry(name.to_owned()).or_insert_with(|| Bucket::new(region, now));
        storage.kept_buckets.insert(name.to_owned());
    }

    /// Gives a bucket's name to another account: it cannot be created, and every call to it is denied.
    pub fn add_foreign_bucket(&self, name: &str) {
        self.world().storage.foreign.insert(name.to_owned());
    }

    /// Declares that a bucket is meant to stay. Its objects and unfinished uploads count as left behind all the same.
    pub fn keep_bucket(&self, name: &str) {
        self.world().storage.kept_buckets.insert(name.to_owned());
    }

    /// Declares that the objects of a bucket whose keys start with `prefix`, and the bucket, are meant to stay.
    pub fn keep_objects(&self, bucket: &str, prefix: &str) {
        self.keep_bucket(bucket);
        self.world().storage.kept_objects.insert((bucket.to_owned(), prefix.to_owned()));
    }

    /// The keys of a bucket in order; none if there is no such bucket.
    #[must_use]
    pub fn object_keys(&self, bucket: &str) -> Vec<String> {
        let now = self.now();
        let mut world = self.world();
        lifecycle::settle(&mut world.storage, now);
        let bucket = world.storage.buckets.get(bucket);
        bucket.map(|bucket| bucket.objects.keys().cloned().collect()).unwrap_or_default()
    }

    /// An object's bytes, all of them at once.
    ///
    /// # Errors
    /// The temporary file that holds large objects cannot be read.
    pub async fn object(&self, bucket: &str, key: &str) -> std::io::Result<Option<Vec<u8>>> {
        let blob = {
            let world = self.world();
            let object = world.storage.buckets.get(bucket).and_then(|bucket| bucket.objects.get(key));
            object.map(|object| object.blob.clone())
        };
        let Some(blob) = blob else { return Ok(None) };
        let mut bytes = Vec::new();
        let mut pieces = Box::pin(blob.read());
        while let Some(piece) = pieces.try_next().await? {
            bytes.extend_from_slice(&piece);
        }
        Ok(Some(bytes))
    }
}

/// Buckets, objects in those that stay, and uploads that nobody finished.
pub(crate) fn leaks(storage: &mut Storage, now: Timestamp) -> Vec<Leak> {
    lifecycle::settle(storage, now);
    let storage = &*storage;
    storage.buckets.iter().flat_map(|(name, bucket)| in_bucket(storage, name, bucket)).collect()
}

fn in_bucket(storage: &Storage, name: &str, bucket: &Bucket) -> Vec<Leak> {
    let leak = |kind, id: String, detail, tags: &[s3s::dto::Tag]| Leak {
        kind,
        id,
        detail,
        region: bucket.region.clone(),
        tags: pairs(tags),
    };
    let mut leaks = Vec::new();
    if storage.kept_buckets.contains(name) {
        let kept = |key: &str| {
            storage
                .kept_objects
                .iter()
                .any(|(bucket, prefix)| bucket == name && key.starts_with(prefix.as_str()))
        };
        let left = bucket.objects.iter().filter(|(key, _)| !kept(key));
        leaks.extend(left.map(|(key, object)| {
            let detail = format!("{} bytes", object.blob.len());
            leak("object", format!("{name}/{key}"), detail, &object.tags)
        }));
    } else {
        let detail = format!("{} objects", bucket.objects.len());
        leaks.push(leak("bucket", name.to_owned(), detail, &bucket.settings.tags));
    }
    leaks.extend(bucket.uploads.iter().map(|((key, id), upload)| {
        let detail = format!("{} parts, {id}", upload.parts.len());
        leak("multipart-upload", format!("{name}/{key}"), detail, &upload.tags)
    }));
    leaks
}

fn pairs(tags: &[s3s::dto::Tag]) -> BTreeMap<String, String> {
    let pair = |tag: &s3s::dto::Tag| Some((tag.key.clone()?, tag.value.clone()?));
    tags.iter().filter_map(pair).collect()
}
