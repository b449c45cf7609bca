//! Bringing a file to the cloud, while one watches.

use std::sync::Arc;

use async_trait::async_trait;
use ec2_stories::ec2::EbsUploader;
use ec2_stories::image::{Encryption, ImageFormat, ImageSource};
use ec2_stories::provider::{Expect, ImageUploader, TupleStore, UploadProgress, UploadedImage};
use ec2_stories::s3::BucketSpec;
use ec2_stories::s3::upload::S3Images;
use ec2_stories::terminal::{Transfer, note};
use ec2_stories::{Ec2, Error, ErrorKind, Result, S3};
use tokio::sync::watch;

use super::args::WayArgs;
use crate::exit::Exit;
use crate::failure::Failure;

/// A bucket's name comes after it.
const SENT_TO: &str = "sent-to/";

/// How files come to the cloud.
#[derive(Clone, Debug)]
pub(crate) enum Way {
    /// Through this bucket.
    Bucket(String),
    /// Straight into a snapshot that is encrypted so.
    Direct(Encryption),
}

impl Way {
    pub(super) fn of(args: &WayArgs, encryption: Encryption) -> Self {
        args.bucket.clone().map_or(Self::Direct(encryption), Self::Bucket)
    }

    /// Refuses what cannot go this way, before anything is said or done.
    pub(super) fn check(&self, source: &ImageSource) -> Result<(), Failure> {
        let refused = |why: String| Err(Failure::new(Exit::Usage, format!("--direct: {why}")));
        let encryption = match self {
            Self::Direct(encryption) => encryption,
            Self::Bucket(name) => {
                let wrong = |error: Error| {
                    Failure::new(Exit::Usage, error.chain().replace("bucket.name", "--bucket"))
                };
                return BucketSpec::builder().name(name).build().map(drop).map_err(wrong);
            }
        };
        if source.format() != ImageFormat::Raw {
            return refused(not_raw(source, "use --bucket"));
        }
        match encryption.key() {
            Some(key) if !key.starts_with("arn:") => {
                refused(format!("takes a key by its ARN alone; aws kms describe-key --key-id {key} shows it"))
            }
            _ => Ok(()),
        }
    }
}

/// Why the file cannot go straight into a snapshot, and what to do.
fn not_raw(source: &ImageSource, otherwise: &str) -> String {
    let (path, format) = (source.path().display(), source.format());
    let raw = source.path().with_extension("raw");
    format!(
        "{path} is {format}, and only raw images can go straight into a snapshot; {otherwise}, or convert it: \
         qemu-img convert -O raw '{path}' '{}'",
        raw.display()
    )
}

/// Brings files to the cloud and shows how far it is. The bucket is made where it is missing.
#[derive(Debug)]
pub(crate) struct Uploader {
    inner: Box<dyn ImageUploader>,
    bucket: Option<(S3, String)>,
    journal: Arc<dyn TupleStore>,
}

impl Uploader {
    pub(crate) fn new(way: Way, ec2: &Ec2, s3: &S3, journal: Arc<dyn TupleStore>) -> Self {
        match way {
            Way::Bucket(name) => {
                let images = S3Images::builder().s3(s3.clone()).bucket(&name).journal(journal.clone());
                Self { inner: Box::new(images.build()), bucket: Some((s3.clone(), name)), journal }
            }
            Way::Direct(encryption) => {
                let direct = EbsUploader::builder().ec2(ec2).journal(journal.clone()).encryption(encryption);
                Self { inner: Box::new(direct.build()), bucket: None, journal }
            }
        }
    }

    /// Notes the bucket before anything is sent to it: what a process that dies leaves there is found by the journal alone.
    async fn intend(&self) -> Result<()> {
        let Some((_, name)) = &self.bucket else { return Ok(()) };
        // A name that no bucket can have would stand in the way of every removal.
        BucketSpec::builder().name(name).build()?;
        self.journal.put(&format!("{SENT_TO}{name}"), b"", Expect::Anything).await.map(drop)
    }

    /// The buckets that files were sent to, or were about to be.
    pub(super) async fn buckets(journal: &dyn TupleStore) -> Result<Vec<String>> {
        let names = journal.list(SENT_TO).await?;
        Ok(names.iter().filter_map(|name| name.strip_prefix(SENT_TO)).map(str::to_owned).collect())
    }

    /// Makes the bucket where it is missing. One that is there is used as it is: its settings are somebody's; save where the
    /// journal says that it was being made when the process ended.
    async fn prepare(&self) -> Result<()> {
        let Some((s3, name)) = &self.bucket else { return Ok(()) };
        let spec = BucketSpec::builder().name(name).build()?;
        let begun = format!("buckets/{name}");
        if self.journal.get(&begun).await?.is_none() {
            if s3.find_bucket(name).await?.is_some() {
                return Ok(());
            }
            self.journal.put(&begun, b"", Expect::Anything).await?;
        }
        let created = s3.create_bucket(&spec).await?;
        for missing in &created.not_applied {
            note(format_args!("s3://{name}: the server has no {}: {}", missing.setting, missing.why));
        }
        self.journal.delete(&begun, Expect::Anything).await
    }
}

#[async_trait]
impl ImageUploader for Uploader {
    /// Asked where a story has the file.
    fn check(&self, source: &ImageSource) -> Result<()> {
        if self.bucket.is_some() || source.format() == ImageFormat::Raw {
            return Ok(());
        }
        let otherwise = "name a bucket that it goes through, image_bucket in the story's [account]";
        Err(Error::new(ErrorKind::Invalid, not_raw(source, otherwise)))
    }

    async fn upload(
        &self,
        source: &ImageSource,
        progress: watch::Sender<UploadProgress>,
    ) -> Result<UploadedImage> {
        for warning in source.warnings() {
            note(format_args!("{}: {warning}", source.path().display()));
        }
        self.intend().await?;
        self.prepare().await?;
        note(format_args!("uploading {}, {} bytes", source.path().display(), source.bytes()));
        let _bar = Transfer::of_image(progress.subscribe());
        self.inner.upload(source, progress).await
    }

    async fn abort(&self, source: &ImageSource) -> Result<()> {
        self.inner.abort(source).await
    }

    async fn remove(&self, content_hash: &str) -> Result<()> {
        self.inner.remove(content_hash).await
    }
}
