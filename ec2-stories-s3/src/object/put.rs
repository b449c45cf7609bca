//! Storing an object.

use std::collections::BTreeMap;
use std::io::Cursor;

use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::primitives::ByteStream;
use bon::Builder;
use bytes::Bytes;
use ec2_stories_core::Result;
use ec2_stories_core::provider::{Expect, Version};
use tokio::io::AsyncReadExt;

use super::body::{Reader, Source, read_up_to, unreadable};
use super::{Body, key};
use crate::bucket::Bucket;
use crate::progress::ProgressSender;
use crate::upload::{Content, Crc64, Upload, UploadSpec, Uploaded};

/// What is larger is sent in parts.
const IN_ONE: usize = 8 * 1024 * 1024;

/// How an object is stored.
#[derive(Builder, Clone, Debug)]
pub struct PutOptions {
    /// What must be there: anything, nothing, or the version that an ETag names.
    #[builder(default = Expect::Anything)]
    pub expect: Expect,
    /// Its media type.
    #[builder(into)]
    pub content_type: Option<String>,
    /// What it carries along, in ASCII.
    #[builder(default)]
    pub metadata: BTreeMap<String, String>,
    /// Where to say how far it is.
    pub progress: Option<ProgressSender>,
}

impl Default for PutOptions {
    fn default() -> Self {
        Self::builder().build()
    }
}

/// An object that was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The ETag of what was stored, for later changes that expect it unchanged.
    pub etag: String,
    /// Its size.
    pub bytes: u64,
    /// Its checksum, which the server has compared.
    pub crc: Crc64,
}

impl Bucket {
    /// Stores an object, whatever is there.
    ///
    /// # Errors
    /// As [`put_with`](Self::put_with).
    pub async fn put(&self, key: &str, body: impl Into<Body>) -> Result<Stored> {
        self.put_with(key, body, PutOptions::default()).await
    }

    /// Stores an object.
    ///
    /// Up to 8 MiB go in one request, more in parts; the checksum over the whole is sent along and compared by S3.
    /// A conditional write whose reply was lost is looked for: it is told apart from another's by a token in the
    /// object's metadata. What is dropped midway may have been stored whole; parts of it are removed in the background. An
    /// upload that goes on after its process was killed is an [`Upload`] with a journal.
    ///
    /// # Errors
    /// [`Conflict`](ec2_stories_core::ErrorKind::Conflict) where something else is there than expected,
    /// [`Io`](ec2_stories_core::ErrorKind::Io) for a file or stream that cannot be read,
    /// [`Invalid`](ec2_stories_core::ErrorKind::Invalid) for a key that S3 does not take, and the service's own.
    pub async fn put_with(&self, key: &str, body: impl Into<Body>, options: PutOptions) -> Result<Stored> {
        key::check(key)?;
        match body.into().0 {
            Source::Bytes(bytes) if bytes.len() <= IN_ONE => self.put_small(key, bytes, &options).await,
            Source::Bytes(bytes) => self.put_large(key, Content::bytes(bytes), options).await,
            Source::File(path) => {
                let name = path.display().to_string();
                let file = tokio::fs::File::open(&path).await.map_err(|error| unreadable(&name, error))?;
                let begin = read_up_to(&mut (Box::pin(file) as Reader), IN_ONE + 1, &name).await?;
                if begin.len() <= IN_ONE {
                    return self.put_small(key, begin, &options).await;
                }
                self.put_large(key, Content::file(path), options).await
            }
            Source::Reader(mut reader) => {
                let begin = read_up_to(&mut reader, IN_ONE + 1, &self.object_address(key)).await?;
                if begin.len() <= IN_ONE {
                    return self.put_small(key, begin, &options).await;
                }
                let content = Content::reader(AsyncReadExt::chain(Cursor::new(begin), reader));
                self.put_large(key, content, options).await
            }
        }
    }

    async fn put_large(&self, key: &str, content: Content, options: PutOptions) -> Result<Stored> {
        let (create_only, replaces) = match options.expect {
            Expect::Anything => (false, None),
            Expect::Absent => (true, None),
            Expect::Unchanged(Version(etag)) => (false, Some(etag)),
        };
        let spec = UploadSpec::builder()
            .bucket(self.name())
            .key(key)
            .content(content)
            .maybe_content_type(options.content_type)
            .metadata(options.metadata)
            .create_only(create_only)
            .maybe_replaces(replaces)
            .build()?;
        let upload = Upload::start(self.s3(), spec);
        let mut progress = upload.progress();
        let told = async {
            while let (Some(sender), Ok(())) = (&options.progress, progress.changed().await) {
                sender.send_replace(*progress.borrow_and_update());
            }
        };
        let (uploaded, ()) = tokio::join!(upload.join(), told);
        let Uploaded { etag, crc64nvme, size, .. } = uploaded?;
        Ok(Stored { etag, bytes: size, crc: crc64nvme })
    }

    async fn put_small(&self, key: &str, bytes: Bytes, options: &PutOptions) -> Result<Stored> {
        let crc = Crc64::of(&bytes);
        let size = bytes.len() as u64;
        let tell = |acknowledged| {
            if let Some(progress) = &options.progress {
                progress.send_modify(|progress| {
                    progress.total = Some(size);
                    (progress.read, progress.sent, progress.acknowledged) =
                        (size, acknowledged, acknowledged);
                });
            }
        };
        tell(0);
        let etag = self.put_if(key, &options.expect, || self.request(key, &bytes, crc, options)).await?;
        tell(size);
        Ok(Stored { etag, bytes: size, crc })
    }

    fn request(&self, key: &str, bytes: &Bytes, crc: Crc64, options: &PutOptions) -> PutObjectFluentBuilder {
        let metadata = options.metadata.clone().into_iter().collect();
        self.s3()
            .sdk()
            .put_object()
            .bucket(self.name())
            .key(key)
            .checksum_crc64_nvme(crc.to_base64())
            .set_content_type(options.content_type.clone())
            .set_metadata(Some(metadata))
            .body(ByteStream::from(bytes.clone()))
    }
}
