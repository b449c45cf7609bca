//! Image files in a bucket, each under its content's hash.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bon::bon;
use ec2_stories_core::image::ImageSource;
use ec2_stories_core::provider::{Expect, ImageUploader, TupleStore, UploadProgress, UploadedImage};
use ec2_stories_core::store::MemoryStore;
use ec2_stories_core::{Error, ErrorKind, Result};
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use super::buffers::Buffers;
use super::file::{SourceFile, changed};
use super::handle::Upload;
use super::span::Span;
use super::spec::{Content, OnDrop, UploadSpec, check_sha256};
use crate::S3;

/// Uploads image files to a bucket: `s3://bucket/prefix` and the SHA-256 of the content, so that the same image is sent once,
/// whatever its file is called.
///
/// An upload whose future is dropped is kept in the journal and goes on when the same file is uploaded again. Without a journal of the
/// caller's it is kept as long as this uploader lives.
#[derive(Clone)]
pub struct S3Images {
    s3: S3,
    bucket: String,
    prefix: String,
    journal: Arc<dyn TupleStore>,
    part_size: Option<u64>,
}

#[bon]
impl S3Images {
    /// Describes an uploader: `S3Images::builder().s3(s3).bucket("images").journal(store).build()`.
    #[builder(start_fn = builder, finish_fn = build)]
    pub fn with(
        /// The client.
        s3: S3,
        /// The bucket, which must be there.
        #[builder(into)]
        bucket: String,
        /// What the keys begin with.
        #[builder(into, default = "images/")]
        prefix: String,
        /// Where to remember uploads, so that they go on after the process was killed.
        journal: Option<Arc<dyn TupleStore>>,
        /// Bytes a part; by default what [`UploadSpec`] says.
        part_size: Option<u64>,
    ) -> Self {
        let journal = journal.unwrap_or_else(|| Arc::new(MemoryStore::new()));
        Self { s3, bucket, prefix, journal, part_size }
    }

    /// The key of the upload that was begun for a file last.
    async fn begun(&self, name: &str) -> Result<Option<String>> {
        let Some(tuple) = self.journal.get(name).await? else { return Ok(None) };
        let key = String::from_utf8(tuple.value);
        key.map(Some)
            .map_err(|error| Error::new(ErrorKind::Corrupt, "is not an upload's key").on(name).because(error))
    }

    async fn send(
        &self,
        source: &ImageSource,
        progress: &watch::Sender<UploadProgress>,
    ) -> Result<UploadedImage> {
        let file = SourceFile::open(source.path().to_owned()).await?;
        let bytes = source.bytes();
        if file.fingerprint.size != bytes {
            return Err(changed(source.path()));
        }
        let hash = content_hash(&file).await?;
        let key = format!("{}{hash}", self.prefix);
        let name = begun_name(source);
        match self.begun(&name).await? {
            Some(begun) if begun == key => {}
            begun => {
                // The file has other content than it had then.
                if let Some(begun) = begun {
                    Upload::discard(&self.s3, &self.bucket, &begun, Arc::clone(&self.journal)).await?;
                }
                self.journal.put(&name, key.as_bytes(), Expect::Anything).await?;
            }
        }
        let spec = UploadSpec::builder()
            .bucket(&self.bucket)
            .key(&key)
            .content(Content::opened(file))
            .sha256(&hash)
            .journal(Arc::clone(&self.journal))
            .maybe_part_size(self.part_size)
            .on_drop(OnDrop::Keep)
            .build()?;
        let mut upload = Upload::start(&self.s3, spec);
        let mut seen = upload.progress();
        loop {
            tokio::select! {
                biased;
                Ok(()) = seen.changed() => tell(progress, seen.borrow_and_update().acknowledged, bytes),
                ended = upload.ended() => { ended?; break; }
            };
        }
        tell(progress, bytes, bytes);
        self.journal.delete(&name, Expect::Anything).await?;
        let location = format!("s3://{}/{key}", self.bucket);
        let (format, virtual_bytes) = (source.format(), source.virtual_bytes());
        Ok(UploadedImage { location, content_hash: hash, format, bytes, virtual_bytes })
    }
}

/// Says how far it is, where that is news.
fn tell(progress: &watch::Sender<UploadProgress>, acknowledged: u64, total: u64) {
    progress.send_if_modified(|progress| {
        let news = UploadProgress { acknowledged, total };
        let is_news = acknowledged > 0 && *progress != news;
        if is_news {
            *progress = news;
        }
        is_news
    });
}

/// Where the key of a file's upload is noted.
fn begun_name(source: &ImageSource) -> String {
    let path = std::path::absolute(source.path()).unwrap_or_else(|_| source.path().to_owned());
    format!("images/{}", hex::encode(Sha256::digest(path.as_os_str().as_encoded_bytes())))
}

async fn content_hash(file: &SourceFile) -> Result<String> {
    let span = Span::Source { file: file.clone(), start: 0, length: file.fingerprint.size };
    let hash = span.sha256(&Buffers::default()).await?;
    file.check_unchanged().await?;
    Ok(hash)
}

#[async_trait]
impl ImageUploader for S3Images {
    async fn upload(
        &self,
        source: &ImageSource,
        progress: watch::Sender<UploadProgress>,
    ) -> Result<UploadedImage> {
        self.send(source, &progress).await
    }

    async fn abort(&self, source: &ImageSource) -> Result<()> {
        let name = begun_name(source);
        let Some(key) = self.begun(&name).await? else { return Ok(()) };
        Upload::discard(&self.s3, &self.bucket, &key, Arc::clone(&self.journal)).await?;
        self.journal.delete(&name, Expect::Anything).await
    }

    async fn remove(&self, content_hash: &str) -> Result<()> {
        check_sha256("content_hash", content_hash)?;
        let key = format!("{}{content_hash}", self.prefix);
        Upload::discard(&self.s3, &self.bucket, &key, Arc::clone(&self.journal)).await?;
        match self.s3.bucket(&self.bucket).delete(&key).await {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }
}

impl fmt::Debug for S3Images {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bucket, prefix, .. } = self;
        f.debug_struct("S3Images").field("bucket", bucket).field("prefix", prefix).finish_non_exhaustive()
    }
}

impl S3 {
    /// Uploads an image file to the client's image bucket, under its content's hash; see [`S3Images`], which can also go on after the
    /// process was killed.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) where the client has no image bucket; as [`ImageUploader`] says.
    pub async fn upload(&self, source: &ImageSource) -> Result<UploadedImage> {
        let why = "is not set: name a bucket with S3::builder().image_bucket(…)";
        let bucket = self.api().image_bucket.as_ref().ok_or_else(|| Error::invalid("image_bucket", why))?;
        let images = S3Images::builder().s3(self.clone()).bucket(bucket).build();
        images.send(source, &watch::Sender::default()).await
    }
}
