//! Listing objects.

use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::types::EncodingType;
use ec2_stories_core::{Error, Result};
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;

use super::head::{size, timestamp};
use super::key::as_sent;
use crate::api::Call;
use crate::bucket::Bucket;

/// An object in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// Its size.
    pub bytes: u64,
    /// Its ETag.
    pub etag: Option<String>,
    /// When it was stored.
    pub modified: Option<Timestamp>,
}

/// What is directly below a prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Keys that go on after this, up to and with the delimiter.
    Folder(String),
    /// An object.
    Object(Listed),
}

impl Bucket {
    /// The objects whose keys begin with `prefix`, in the order of their keys' bytes; asked for in pages of 1,000 as
    /// they are taken.
    ///
    /// The stream ends after an error, which is the service's own.
    #[must_use]
    pub fn list(&self, prefix: &str) -> BoxStream<'static, Result<Listed>> {
        let entries = self.pages(prefix, None);
        let objects = entries.try_filter_map(|entry| {
            std::future::ready(Ok(match entry {
                Entry::Object(object) => Some(object),
                Entry::Folder(_) => None,
            }))
        });
        objects.boxed()
    }

    /// What is directly below `prefix`, where `delimiter` ends a folder's name.
    ///
    /// The stream ends after an error, which is the service's own.
    #[must_use]
    pub fn browse(&self, prefix: &str, delimiter: &str) -> BoxStream<'static, Result<Entry>> {
        self.pages(prefix, Some(delimiter))
    }

    fn pages(&self, prefix: &str, delimiter: Option<&str>) -> BoxStream<'static, Result<Entry>> {
        let (bucket, prefix) = (self.clone(), prefix.to_owned());
        let delimiter = delimiter.map(ToOwned::to_owned);
        let pages = stream::try_unfold(Some(None), move |next: Option<Option<String>>| {
            let (bucket, prefix, delimiter) = (bucket.clone(), prefix.clone(), delimiter.clone());
            async move {
                let Some(token) = next else { return Ok::<_, Error>(None) };
                let request = bucket
                    .s3()
                    .sdk()
                    .list_objects_v2()
                    .bucket(bucket.name())
                    .encoding_type(EncodingType::Url)
                    .prefix(&prefix)
                    .set_delimiter(delimiter)
                    .set_continuation_token(token);
                let call = Call::reading("ListObjectsV2", bucket.object_address(&prefix));
                let page = bucket.s3().api().call(call, request.send()).await?;
                let more = page.is_truncated == Some(true);
                let next = page.next_continuation_token.clone().filter(|_| more).map(Some);
                Ok(Some((stream::iter(entries(page).into_iter().map(Ok)), next)))
            }
        });
        pages.try_flatten().boxed()
    }
}

/// A page's entries, folders and objects in one order.
fn entries(page: ListObjectsV2Output) -> Vec<Entry> {
    let encoded = page.encoding_type.is_some();
    let folders = page.common_prefixes.unwrap_or_default().into_iter();
    let folders = folders.filter_map(|folder| Some(Entry::Folder(as_sent(folder.prefix?, encoded))));
    let objects = page.contents.unwrap_or_default().into_iter().filter_map(|object| {
        Some(Entry::Object(Listed {
            key: as_sent(object.key?, encoded),
            bytes: size(object.size).unwrap_or_default(),
            etag: object.e_tag,
            modified: timestamp(object.last_modified),
        }))
    });
    let mut entries: Vec<Entry> = folders.chain(objects).collect();
    entries.sort_by(|a, b| a.name().cmp(b.name()));
    entries
}

impl Entry {
    /// The key, or the folder's prefix.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Folder(prefix) => prefix,
            Self::Object(object) => &object.key,
        }
    }
}
