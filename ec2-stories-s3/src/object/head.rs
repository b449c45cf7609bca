//! What an object is.

use std::collections::BTreeMap;

use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::{ChecksumMode, ChecksumType};
use aws_smithy_types::DateTime;
use ec2_stories_core::{Error, ErrorKind, Result};
use jiff::Timestamp;

use super::key;
use crate::api::Call;
use crate::bucket::Bucket;
use crate::upload::Crc64;

/// What an object is, without its content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Its key.
    pub key: String,
    /// Its size.
    pub bytes: u64,
    /// The ETag of this version of it.
    pub etag: String,
    /// The checksum over all of it, where the server keeps one.
    pub crc: Option<Crc64>,
    /// When it was stored.
    pub modified: Option<Timestamp>,
    /// Its media type.
    pub content_type: Option<String>,
    /// What it carries along.
    pub metadata: BTreeMap<String, String>,
}

impl Bucket {
    /// What the object is, or `None`.
    ///
    /// # Errors
    /// [`Forbidden`](ErrorKind::Forbidden): S3 says so too of a key that does not exist when the account may not list the
    /// bucket; and the service's own.
    pub async fn head(&self, key: &str) -> Result<Option<ObjectInfo>> {
        key::check(key)?;
        let head = self.s3().sdk().head_object().bucket(self.name()).key(key);
        let head = head.checksum_mode(ChecksumMode::Enabled).send();
        match self.s3().api().call(Call::reading("HeadObject", self.object_address(key)), head).await {
            Ok(reply) => self.info(key, reply).map(Some),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn info(&self, key: &str, reply: HeadObjectOutput) -> Result<ObjectInfo> {
        let bytes = size(reply.content_length);
        let (Some(bytes), Some(etag)) = (bytes, reply.e_tag) else {
            let why = "the server says neither size nor ETag";
            return Err(Error::new(ErrorKind::Unexpected, why)
                .during("HeadObject")
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

/// A checksum over the whole object; one over the checksums of its parts is of no use to a reader.
pub(super) fn whole(crc: Option<String>, of: Option<&ChecksumType>) -> Option<Crc64> {
    crc.filter(|_| of != Some(&ChecksumType::Composite)).and_then(|crc| Crc64::from_base64(&crc).ok())
}

pub(super) fn size(bytes: Option<i64>) -> Option<u64> {
    bytes.and_then(|bytes| u64::try_from(bytes).ok())
}

pub(crate) fn timestamp(at: Option<DateTime>) -> Option<Timestamp> {
    let at = at?;
    Timestamp::new(at.secs(), i32::try_from(at.subsec_nanos()).ok()?).ok()
}
