//! The requests of an upload, each of them once. Repeating is [`Requests`](super::requests::Requests)' job.

use std::collections::BTreeMap;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::StalledStreamProtectionConfig;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumMode, ChecksumType, CompletedMultipartUpload, CompletedPart, EncodingType,
};
use ec2_stories_core::{Error, ErrorKind, Result};
use jiff::Timestamp;

use super::crc::Crc64;
use super::journal::Parts;
use super::spec::{SHA256, TOKEN, Target};
use crate::S3;
use crate::api::Call;
use crate::object::key::as_sent;

/// One object's requests, through a client of its own settings: no retries, as ours are the only ones; no time-outs but the
/// connection's, as a large part on a slow line takes as long as it takes and the pulse tells that it is alive.
///
/// The SDK's futures take tens of kilobytes each. They are boxed, so that the engine's are small.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    s3: S3,
    client: Client,
    pub(crate) target: Target,
}

/// An object that is there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    pub(crate) size: u64,
    pub(crate) etag: String,
    pub(crate) crc: Option<Crc64>,
    pub(crate) content_type: Option<String>,
    metadata: BTreeMap<String, String>,
}

impl Found {
    /// The token of the upload that made it.
    pub(crate) fn token(&self) -> Option<&str> {
        self.metadata.get(TOKEN).map(String::as_str)
    }

    /// Whether the upload with this token made it of such bytes.
    pub(crate) fn is_made(&self, token: &str, size: u64, crc: Crc64) -> bool {
        self.token() == Some(token) && self.size == size && self.crc.is_none_or(|own| own == crc)
    }

    pub(crate) fn sha256(&self) -> Option<&str> {
        self.metadata.get(SHA256).map(String::as_str)
    }

    /// Whether its type and metadata are as wanted.
    pub(crate) fn is_described_as(&self, target: &Target) -> bool {
        let wanted =
            |(name, value): (&String, &String)| self.metadata.get(&name.to_lowercase()) == Some(value);
        let same_type = target.content_type.is_none() || self.content_type == target.content_type;
        same_type && target.metadata.iter().all(wanted)
    }
}

/// A part that S3 has.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) size: u64,
    pub(crate) etag: String,
    pub(crate) crc: Option<Crc64>,
}

/// What S3 said of an object that it stored.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) etag: String,
    pub(crate) crc: Option<Crc64>,
}

impl Wire {
    pub(crate) fn new(s3: S3, target: Target) -> Self {
        let mut timeouts = TimeoutConfig::builder();
        timeouts
            .set_connect_timeout(s3.sdk().config().timeout_config().and_then(TimeoutConfig::connect_timeout));
        let timeouts = timeouts
            .disable_read_timeout()
            .disable_operation_timeout()
            .disable_operation_attempt_timeout()
            .build();
        let config = s3.sdk().config().to_builder();
        let config = config
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts)
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        Self { client: Client::from_conf(config.build()), s3, target }
    }

    /// Asks the account for credentials again: those in use were refused.
    pub(crate) fn refresh_credentials(&self) {
        self.s3.api().identity.refresh();
    }

    /// The time by the configuration's clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.s3.now().unwrap_or(Timestamp::UNIX_EPOCH)
    }

    fn resource(&self) -> String {
        format!("s3://{}/{}", self.target.bucket, self.target.key)
    }

    pub(crate) async fn head(&self) -> Result<Option<Found>> {
        let Target { bucket, key, .. } = &self.target;
        let send = Box::pin(
            self.client.head_object().bucket(bucket).key(key).checksum_mode(ChecksumMode::Enabled).send(),
        );
        let found = match self.s3.api().call(Call::reading("HeadObject", self.resource()), send).await {
            Ok(found) => found,
            Err(error) if is(&error, "NotFound") || is(&error, "NoSuchKey") => return Ok(None),
            // The reply to HEAD has no body, and so no code: this is how S3 refuses a token that has expired.
            Err(error) if is(&error, "BadRequest") => {
                return Err(Error::new(ErrorKind::Credentials, "refused")
                    .code("ExpiredToken")
                    .because(error));
            }
            Err(error) => return Err(error),
        };
        let metadata = found.metadata.unwrap_or_default();
        Ok(Some(Found {
            size: found.content_length.unwrap_or(0).unsigned_abs(),
            etag: found.e_tag.unwrap_or_default(),
            crc: crc(found.checksum_crc64_nvme.as_deref())?,
            content_type: found.content_type,
            metadata: metadata.into_iter().map(|(name, value)| (name.to_lowercase(), value)).collect(),
        }))
    }

    pub(crate) async fn put(&self, token: &str, body: ByteStream, length: u64, sum: Crc64) -> Result<Stored> {
        let Target { bucket, key, content_type, create_only, replaces, .. } = &self.target;
        let send = Box::pin(
            self.client
                .put_object()
                .bucket(bucket)
                .key(key)
                .set_content_type(content_type.clone())
                .set_metadata(Some(self.metadata(token)))
                .set_if_none_match(create_only.then(|| "*".to_owned()))
                .set_if_match(replaces.clone())
                .content_length(length as i64)
                .checksum_crc64_nvme(sum.to_base64())
                .body(body)
                .send(),
        );
        let stored = self.s3.api().call(Call::changing("PutObject", self.resource()), send).await?;
        let crc = crc(stored.checksum_crc64_nvme.as_deref())?;
        Ok(Stored { etag: stored.e_tag.unwrap_or_default(), crc })
    }

    pub(crate) async fn create(&self, token: &str) -> Result<String> {
        let Target { bucket, key, content_type, .. } = &self.target;
        let send = Box::pin(
            self.client
                .create_multipart_upload()
                .bucket(bucket)
                .key(key)
                .set_content_type(content_type.clone())
                .set_metadata(Some(self.metadata(token)))
                .checksum_algorithm(ChecksumAlgorithm::Crc64Nvme)
                .checksum_type(ChecksumType::FullObject)
                .send(),
        );
        let call = Call::changing("CreateMultipartUpload", self.resource());
        let created = self.s3.api().call(call, send).await?;
        created.upload_id.ok_or_else(|| {
            Error::new(ErrorKind::Unexpected, "the server named no upload").on(self.resource())
        })
    }

    pub(crate) async fn upload_part(
        &self,
        upload_id: &str,
        number: u32,
        body: ByteStream,
        length: u64,
        sum: Crc64,
    ) -> Result<String> {
        let Target { bucket, key, .. } = &self.target;
        let send = Box::pin(
            self.client
                .upload_part()
                .bucket(bucket)
                .key(key)
                .upload_id(upload_id)
                .part_number(number as i32)
                .content_length(length as i64)
                .checksum_crc64_nvme(sum.to_base64())
                .body(body)
                .send(),
        );
        let sent = self.s3.api().call(Call::changing("UploadPart", self.resource()), send).await?;
        sent.e_tag
            .ok_or_else(|| Error::new(ErrorKind::Unexpected, "the server named no part").on(self.resource()))
    }

    /// The parts that S3 has; `None` where it does not know the upload.
    pub(crate) async fn list_parts(&self, upload_id: &str) -> Result<Option<BTreeMap<u32, Listed>>> {
        let Target { bucket, key, .. } = &self.target;
        let mut parts = BTreeMap::new();
        let mut after = None;
        loop {
            let list = self.client.list_parts().bucket(bucket).key(key).upload_id(upload_id);
            let send = Box::pin(list.set_part_number_marker(after).send());
            let page = match self.s3.api().call(Call::reading("ListParts", self.resource()), send).await {
                Ok(page) => page,
                Err(error) if is_gone(&error) => return Ok(None),
                Err(error) => return Err(error),
            };
            for part in page.parts() {
                let listed = Listed {
                    size: part.size().unwrap_or(0).unsigned_abs(),
                    etag: part.e_tag().unwrap_or_default().to_owned(),
                    crc: crc(part.checksum_crc64_nvme())?,
                };
                parts.insert(part.part_number().unwrap_or(0).unsigned_abs(), listed);
            }
            after = page.next_part_number_marker.filter(|_| page.is_truncated == Some(true));
            if after.is_none() {
                return Ok(Some(parts));
            }
        }
    }

    /// The object made of the parts; S3 compares its checksum and size.
    pub(crate) async fn complete(
        &self,
        upload_id: &str,
        parts: &Parts,
        size: u64,
        sum: Crc64,
    ) -> Result<Stored> {
        let Target { bucket, key, create_only, replaces, .. } = &self.target;
        let parts = parts.iter().map(|(number, part)| {
            CompletedPart::builder().part_number(*number as i32).e_tag(&part.etag).build()
        });
        let send = Box::pin(
            self.client
                .complete_multipart_upload()
                .bucket(bucket)
                .key(key)
                .upload_id(upload_id)
                .multipart_upload(
                    CompletedMultipartUpload::builder().set_parts(Some(parts.collect())).build(),
                )
                .checksum_crc64_nvme(sum.to_base64())
                .checksum_type(ChecksumType::FullObject)
                .mpu_object_size(size as i64)
                .set_if_none_match(create_only.then(|| "*".to_owned()))
                .set_if_match(replaces.clone())
                .send(),
        );
        let call = Call::changing("CompleteMultipartUpload", self.resource());
        let stored = self.s3.api().call(call, send).await?;
        let crc = crc(stored.checksum_crc64_nvme.as_deref())?;
        Ok(Stored { etag: stored.e_tag.unwrap_or_default(), crc })
    }

    pub(crate) async fn abort(&self, upload_id: &str) -> Result<()> {
        let Target { bucket, key, .. } = &self.target;
        let send = Box::pin(
            self.client.abort_multipart_upload().bucket(bucket).key(key).upload_id(upload_id).send(),
        );
        let call = Call::changing("AbortMultipartUpload", self.resource());
        match self.s3.api().call(call, send).await {
            Ok(_) => Ok(()),
            Err(error) if is_gone(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Uploads to this very key that began then or later.
    pub(crate) async fn uploads_since(&self, since: Timestamp) -> Result<Vec<String>> {
        let Target { bucket, key, .. } = &self.target;
        let mut uploads = Vec::new();
        let (mut after_key, mut after_upload) = (None, None);
        loop {
            let list = self.client.list_multipart_uploads().bucket(bucket).prefix(key);
            // XML cannot carry every key.
            let list = list.encoding_type(EncodingType::Url);
            let send = Box::pin(list.set_key_marker(after_key).set_upload_id_marker(after_upload).send());
            let call = Call::reading("ListMultipartUploads", self.resource());
            let page = self.s3.api().call(call, send).await?;
            let encoded = page.encoding_type.is_some();
            for upload in page.uploads() {
                let late = upload.initiated().is_none_or(|at| at.secs() >= since.as_second());
                let same = upload.key().is_some_and(|each| as_sent(each.to_owned(), encoded) == *key);
                if let (Some(id), true) = (upload.upload_id(), late && same) {
                    uploads.push(id.to_owned());
                }
            }
            if page.is_truncated != Some(true) {
                return Ok(uploads);
            }
            after_key = page.next_key_marker.map(|key| as_sent(key, encoded));
            after_upload = page.next_upload_id_marker;
        }
    }

    fn metadata(&self, token: &str) -> std::collections::HashMap<String, String> {
        let hash = self.target.sha256.iter().map(|hash| (SHA256.to_owned(), hash.clone()));
        let own = std::iter::once((TOKEN.to_owned(), token.to_owned())).chain(hash);
        self.target.metadata.clone().into_iter().chain(own).collect()
    }
}

/// Whether the server answered with this code.
pub(crate) fn is(error: &Error, code: &str) -> bool {
    error.api_code() == Some(code)
}

/// The upload is not there (any more).
pub(crate) fn is_gone(error: &Error) -> bool {
    is(error, "NoSuchUpload")
}

/// Something else is under the key than must be.
pub(crate) fn is_unexpected(error: &Error, target: &Target) -> bool {
    // S3 finds no object to compare with.
    is(error, "PreconditionFailed") || (target.replaces.is_some() && is(error, "NoSuchKey"))
}

fn crc(text: Option<&str>) -> Result<Option<Crc64>> {
    text.map(Crc64::from_base64).transpose()
}
