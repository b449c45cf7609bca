//! Copying an object without reading it.

use std::ops::Range;

use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumType, CompletedMultipartUpload, CompletedPart, CopyPartResult,
};
use bon::Builder;
use ec2_stories_core::{Error, ErrorKind, Result};
use futures::{StreamExt, TryStreamExt, stream};
use tokio::runtime::Handle;

use super::{ObjectInfo, key};
use crate::api::Call;
use crate::bucket::Bucket;
use crate::upload::{Crc64, is_gone};

/// What one request may copy.
const IN_ONE: u64 = 5 << 30;

/// What one part holds at least; S3 copies parts side by side.
const PART: u64 = 512 << 20;

/// What a part must hold, save the last, and may.
const SMALLEST_PART: u64 = 5 << 20;
const LARGEST_PART: u64 = IN_ONE;

/// No upload has more.
const PARTS: u64 = 10_000;

const AT_ONCE: usize = 8;

/// How an object is copied.
#[derive(Builder, Clone, Copy, Debug)]
pub struct CopyOptions {
    /// Up to how many bytes one request copies all; S3 takes no more than 5 GiB.
    #[builder(default = IN_ONE)]
    pub in_one_up_to: u64,
    /// How many bytes a part has where there are several: 5 MiB to 5 GiB.
    #[builder(default = PART)]
    pub part_bytes: u64,
}

impl Default for CopyOptions {
    fn default() -> Self {
        Self::builder().build()
    }
}

/// An object that was copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// The copy's ETag.
    pub etag: Option<String>,
    /// Its size.
    pub bytes: u64,
}

impl Bucket {
    /// Copies an object of this bucket, with its media type and metadata, to a key of a bucket on the same server.
    ///
    /// An object of more than 5 GiB is copied in parts, and its tags stay behind. A copy that is dropped midway is
    /// removed in the background.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound), [`Conflict`](ErrorKind::Conflict) when the object is replaced meanwhile, and the
    /// service's own.
    pub async fn copy(&self, key: &str, to: &Bucket, to_key: &str) -> Result<Copied> {
        self.copy_with(key, to, to_key, CopyOptions::default()).await
    }

    /// As [`copy`](Self::copy), in parts of another size, or earlier: S3 copies parts side by side, which is quicker.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) for a size that S3 does not take; as [`copy`](Self::copy).
    pub async fn copy_with(
        &self,
        key: &str,
        to: &Bucket,
        to_key: &str,
        options: CopyOptions,
    ) -> Result<Copied> {
        key::check(to_key)?;
        if !(SMALLEST_PART..=LARGEST_PART).contains(&options.part_bytes) {
            let why =
                format!("{} is not of {SMALLEST_PART} (5 MiB) to {LARGEST_PART} (5 GiB)", options.part_bytes);
            return Err(Error::invalid("part_bytes", why));
        }
        let missing = || Error::new(ErrorKind::NotFound, "does not exist").during("CopyObject");
        let source = self.head(key).await?.ok_or_else(|| missing().on(self.object_address(key)))?;
        if source.bytes <= options.in_one_up_to.min(IN_ONE) {
            self.copy_whole(&source, to, to_key).await
        } else {
            self.copy_parts(&source, to, to_key, options.part_bytes).await
        }
    }

    async fn copy_whole(&self, source: &ObjectInfo, to: &Bucket, to_key: &str) -> Result<Copied> {
        let copy = to
            .s3()
            .sdk()
            .copy_object()
            .bucket(to.name())
            .key(to_key)
            .copy_source(key::copy_source(self.name(), &source.key))
            .copy_source_if_match(&source.etag)
            .checksum_algorithm(ChecksumAlgorithm::Crc64Nvme)
            .send();
        let reply = to.s3().api().call(Call::changing("CopyObject", to.object_address(to_key)), copy).await?;
        let etag = reply.copy_object_result.and_then(|result| result.e_tag);
        Ok(Copied { etag, bytes: source.bytes })
    }

    async fn copy_parts(&self, source: &ObjectInfo, to: &Bucket, to_key: &str, part: u64) -> Result<Copied> {
        let create = to
            .s3()
            .sdk()
            .create_multipart_upload()
            .bucket(to.name())
            .key(to_key)
            .set_content_type(source.content_type.clone())
            .set_metadata(Some(source.metadata.clone().into_iter().collect()))
            .checksum_algorithm(ChecksumAlgorithm::Crc64Nvme)
            .checksum_type(ChecksumType::FullObject)
            .send();
        let address = to.object_address(to_key);
        let reply = to.s3().api().call(Call::changing("CreateMultipartUpload", &address), create).await?;
        let id = reply.upload_id.ok_or_else(|| {
            Error::new(ErrorKind::Unexpected, "the server gave no upload id").during("CreateMultipartUpload")
        })?;
        let mut unfinished = Unfinished { bucket: to.clone(), key: to_key.to_owned(), id: Some(id.clone()) };
        let copied = self.complete(source, to, to_key, &id, part).await;
        match copied {
            Ok(etag) => {
                unfinished.id = None;
                Ok(Copied { etag, bytes: source.bytes })
            }
            Err(error) => {
                unfinished.id = None;
                let removed = to.abort_upload(to_key, &id).await;
                Err(match removed {
                    Ok(()) => error,
                    Err(left) => Error::new(error.kind(), format!("{error}; its parts are left: {left}"))
                        .status(error.status_of()),
                })
            }
        }
    }

    async fn complete(
        &self,
        source: &ObjectInfo,
        to: &Bucket,
        to_key: &str,
        id: &str,
        part: u64,
    ) -> Result<Option<String>> {
        let from = key::copy_source(self.name(), &source.key);
        let parts = stream::iter((1..).zip(parts(source.bytes, part))).map(|(number, range)| {
            let copy = to
                .s3()
                .sdk()
                .upload_part_copy()
                .bucket(to.name())
                .key(to_key)
                .upload_id(id)
                .part_number(number)
                .copy_source(&from)
                .copy_source_if_match(&source.etag)
                .copy_source_range(format!("bytes={}-{}", range.start, range.end - 1));
            let call = Call::changing("UploadPartCopy", to.object_address(to_key));
            async move {
                let reply = to.s3().api().call(call, copy.send()).await?;
                let result = reply.copy_part_result.unwrap_or_else(|| CopyPartResult::builder().build());
                let part = CompletedPart::builder().part_number(number).set_e_tag(result.e_tag);
                Ok::<_, Error>(part.set_checksum_crc64_nvme(result.checksum_crc64_nvme).build())
            }
        });
        let parts: Vec<CompletedPart> = parts.buffered(AT_ONCE).try_collect().await?;
        let crc = source.crc.or_else(|| crc_of(&parts, source.bytes, part));
        let complete = to
            .s3()
            .sdk()
            .complete_multipart_upload()
            .bucket(to.name())
            .key(to_key)
            .upload_id(id)
            .set_checksum_crc64_nvme(crc.map(Crc64::to_base64))
            .checksum_type(ChecksumType::FullObject)
            .mpu_object_size(i64::try_from(source.bytes).unwrap_or(i64::MAX))
            .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(parts)).build())
            .send();
        let call = Call::changing("CompleteMultipartUpload", to.object_address(to_key));
        match to.s3().api().call(call, complete).await {
            Ok(made) => Ok(made.e_tag),
            Err(error) => match to.made(to_key, &error, source.bytes, crc).await {
                Some(made) => Ok(Some(made.etag)),
                None => Err(error),
            },
        }
    }

    /// The object that a completion made of which the answer got lost. A repeated one is told that the upload is gone.
    async fn made(&self, key: &str, error: &Error, bytes: u64, crc: Option<Crc64>) -> Option<ObjectInfo> {
        if !(error.is_ambiguous() || is_gone(error)) {
            return None;
        }
        // Without a checksum, what is there may be an older object of the same size.
        let crc = crc?;
        let found = self.head(key).await.ok().flatten()?;
        (found.bytes == bytes && found.crc == Some(crc)).then_some(found)
    }
}

/// The checksum of all parts, where the server told each one's.
fn crc_of(copied: &[CompletedPart], bytes: u64, part: u64) -> Option<Crc64> {
    let mut whole = Crc64::default();
    for (copied, range) in copied.iter().zip(parts(bytes, part)) {
        let crc = Crc64::from_base64(copied.checksum_crc64_nvme()?).ok()?;
        whole = whole.then(crc, range.end - range.start);
    }
    Some(whole)
}

/// An upload that is removed when it is dropped.
struct Unfinished {
    bucket: Bucket,
    key: String,
    id: Option<String>,
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let (Some(id), Ok(runtime)) = (self.id.take(), Handle::try_current()) else { return };
        let (bucket, key) = (self.bucket.clone(), std::mem::take(&mut self.key));
        runtime.spawn(async move {
            if let Err(error) = bucket.abort_upload(&key, &id).await {
                tracing::warn!(%error, "the parts of a copy are left; `gc` removes them");
            }
        });
    }
}

/// The parts of an object, none smaller than `part` but the last.
fn parts(bytes: u64, part: u64) -> impl Iterator<Item = Range<u64>> {
    let part = part.max(bytes.div_ceil(PARTS));
    (0..bytes.div_ceil(part)).map(move |number| number * part..bytes.min((number + 1) * part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_the_object_and_are_not_too_many() {
        assert_eq!(parts(11, 5).collect::<Vec<_>>(), [0..5, 5..10, 10..11]);
        assert_eq!(parts(10, 5).count(), 2);
        let largest = 48 << 40;
        let all: Vec<_> = parts(largest, PART).collect();
        assert!(all.len() as u64 <= PARTS && all.last().unwrap().end == largest);
    }
}
