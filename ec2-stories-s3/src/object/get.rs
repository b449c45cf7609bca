//! Reading an object, past every cut of the connection.

use std::fmt;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::types::ChecksumMode;
use bytes::{Bytes, BytesMut};
use ec2_stories_core::{Error, ErrorKind, Result};
use futures::stream::BoxStream;
use futures::{Stream, TryStreamExt};

use super::cursor::Cursor;
use super::head::{ObjectInfo, size, timestamp, whole};
use super::key;
use crate::api::Call;
use crate::bucket::Bucket;

/// An object that is being read, as a stream of its bytes.
///
/// A connection that breaks is made again from where it broke, for the same version of the object. At the end of a whole
/// object its checksum is compared, where the server keeps one: bytes that came before that error are not to be trusted.
pub struct Reading {
    info: ObjectInfo,
    range: Range<u64>,
    bytes: BoxStream<'static, Result<Bytes>>,
}

impl Bucket {
    /// The whole object, in memory.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub async fn get(&self, key: &str) -> Result<Bytes> {
        self.read(key).await?.bytes().await
    }

    /// Some of an object's bytes, in memory; fewer where the object ends before.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Bytes> {
        self.read_range(key, range).await?.bytes().await
    }

    /// Opens an object.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound), and the service's own. While it is read: [`Conflict`](ErrorKind::Conflict) when
    /// the object was replaced meanwhile, [`Corrupt`](ErrorKind::Corrupt) when the checksum differs, and
    /// [`Unavailable`](ErrorKind::Unavailable) when the server is lost for good.
    pub async fn read(&self, key: &str) -> Result<Reading> {
        key::check(key)?;
        let get = self.s3().sdk().get_object().bucket(self.name()).key(key);
        let get = get.checksum_mode(ChecksumMode::Enabled).send();
        let mut reply = self.s3().api().call(self.getting(key), get).await?;
        let body = std::mem::take(&mut reply.body);
        let info = self.described(key, reply)?;
        let cursor = Cursor::new(self, &info, 0..info.bytes).expecting(info.crc).with(body);
        Ok(Reading { range: 0..info.bytes, bytes: cursor.into_stream(), info })
    }

    /// Opens a part of an object.
    ///
    /// # Errors
    /// As [`read`](Self::read), and [`Invalid`](ErrorKind::Invalid) for a range that ends before it begins.
    pub async fn read_range(&self, key: &str, range: Range<u64>) -> Result<Reading> {
        if range.end < range.start {
            return Err(Error::invalid(
                "range",
                format!("{}..{} ends before it begins", range.start, range.end),
            ));
        }
        let missing = || Error::new(ErrorKind::NotFound, "does not exist").during("GetObject");
        let info = self.head(key).await?.ok_or_else(|| missing().on(self.object_address(key)))?;
        let range = range.start.min(info.bytes)..range.end.min(info.bytes);
        let cursor = Cursor::new(self, &info, range.clone());
        Ok(Reading { range, bytes: cursor.into_stream(), info })
    }

    pub(super) fn getting(&self, key: &str) -> Call {
        Call::reading("GetObject", self.object_address(key))
    }

    fn described(&self, key: &str, reply: GetObjectOutput) -> Result<ObjectInfo> {
        let (Some(bytes), Some(etag)) = (size(reply.content_length), reply.e_tag) else {
            let why = "the server says neither size nor ETag";
            return Err(Error::new(ErrorKind::Unexpected, why)
                .during("GetObject")
                .on(self.object_address(key)));
        };
        Ok(ObjectInfo {
            key: key.to_owned(),
            bytes,
            etag,
            crc: whole(reply.checksum_crc64_nvme, reply.checksum_type.as_ref()),
            modified: timestamp(reply.last_modified),
            content_type: reply.content_type,
            metadata: reply.metadata.unwrap_or_default().into_iter().collect(),
        })
    }
}

impl Reading {
    /// What the object is.
    #[must_use]
    pub fn info(&self) -> &ObjectInfo {
        &self.info
    }

    /// Which of its bytes are read.
    #[must_use]
    pub fn range(&self) -> Range<u64> {
        self.range.clone()
    }

    /// All of them.
    ///
    /// # Errors
    /// As [`Bucket::read`].
    pub async fn bytes(mut self) -> Result<Bytes> {
        let mut all = BytesMut::new();
        while let Some(bytes) = self.bytes.try_next().await? {
            all.extend_from_slice(&bytes);
        }
        Ok(all.freeze())
    }
}

impl Stream for Reading {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.bytes.as_mut().poll_next(context)
    }
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading")
            .field("info", &self.info)
            .field("range", &self.range)
            .finish_non_exhaustive()
    }
}
