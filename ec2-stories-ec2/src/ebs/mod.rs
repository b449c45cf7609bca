//! Raw images straight into a snapshot, by the EBS direct API: nothing lies in S3, and no role is needed.

mod api;
mod delta;
mod file;
mod journal;
mod scan;
mod send;
mod snapshot;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bon::bon;
use ec2_stories_core::image::{Encryption, ImageFormat, ImageSource};
use ec2_stories_core::model::SnapshotId;
use ec2_stories_core::provider::{Expect, ImageUploader, TupleStore, UploadProgress, UploadedImage};
use ec2_stories_core::{Error, ErrorKind, Result};
use tokio::sync::watch;

use self::api::EbsApi;
use self::file::Identity;
use self::journal::{Journal, Record};
use self::send::Work;
use crate::Ec2;
use crate::images::{
    Wanted, abandon_content, delete_snapshot, find_snapshot, settled_snapshot, wait_until_completed,
};

/// What EBS keeps and takes at once
/// (<https://docs.aws.amazon.com/ebs/latest/userguide/ebs-accessing-snapshot.html>).
const BLOCK: usize = 512 * 1024;

/// Uploads raw images block by block into a snapshot that [`register`](ec2_stories_core::provider::ImageRegistry::register)
/// then takes; `location` is the snapshot's id.
///
/// Holes of the file and blocks of zeros are not sent. Blocks are sent with their SHA-256, and the whole with the hash of
/// those. The journal knows which blocks were acknowledged: an upload that was cut off goes on there. One that cannot
/// succeed deletes its snapshot; one that is never resumed fails by itself after a day, and
/// [`abort`](ImageUploader::abort) deletes it at once.
#[derive(Clone, Debug)]
pub struct EbsUploader(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    ec2: Ec2,
    ebs: EbsApi,
    journal: Journal,
    encryption: Encryption,
    parent: Option<SnapshotId>,
    parallel: usize,
}

#[bon]
impl EbsUploader {
    /// Describes an uploader: `EbsUploader::builder().ec2(&ec2).journal(store).build()`.
    #[builder(start_fn = builder, finish_fn = build)]
    pub fn with(
        /// The account and region.
        ec2: &Ec2,
        /// Where it is kept how far an upload is.
        journal: Arc<dyn TupleStore>,
        /// How snapshots are encrypted, a certain key by its ARN; as the parent is, where there is one. The
        /// [`ImageSpec`](ec2_stories_core::image::ImageSpec) that it is registered by must say the same.
        #[builder(default)]
        encryption: Encryption,
        /// A snapshot of an earlier version of the disk: only what differs is sent and stored. Its blocks are read for that.
        parent: Option<SnapshotId>,
        /// How many blocks are sent in a second at most; EBS takes 1,000 of an account
        /// (<https://docs.aws.amazon.com/ebs/latest/userguide/ebs-resource-quotas.html>).
        #[builder(default = 950.0)]
        blocks_per_second: f64,
        /// How many blocks are on their way at a time: 950 a second at a round trip of 60 ms, in 32 MiB of memory.
        #[builder(default = 64)]
        parallel: usize,
    ) -> Self {
        let ebs = EbsApi::new(ec2.config(), blocks_per_second);
        Self(Arc::new(Inner {
            ec2: ec2.clone(),
            ebs,
            journal: Journal(journal),
            encryption,
            parent,
            parallel: parallel.max(1),
        }))
    }

    /// The requests that this client has sent, by operation, repeated ones included.
    #[must_use]
    pub fn calls(&self) -> std::collections::BTreeMap<String, u64> {
        self.0.ebs.calls.snapshot()
    }
}

#[async_trait]
impl ImageUploader for EbsUploader {
    async fn upload(
        &self,
        source: &ImageSource,
        progress: watch::Sender<UploadProgress>,
    ) -> Result<UploadedImage> {
        if source.format() != ImageFormat::Raw {
            let why = format!(
                "is {}, and only raw images can go straight into a snapshot: publish it through a bucket, or convert it",
                source.format()
            );
            return Err(Error::invalid(source.path().display(), why));
        }
        self.0.check_encryption()?;
        let result = self.0.upload(source, &progress).await;
        if let Err(error) = &result
            && error.is_permanent()
            && error.kind() != ErrorKind::Credentials
        {
            // The cause is worth more than what goes wrong while its traces are removed; `abort` comes back to them.
            if let Err(left) = self.abort(source).await {
                tracing::warn!(%left, "an upload left its snapshot");
            }
        }
        result
    }

    async fn abort(&self, source: &ImageSource) -> Result<()> {
        let Inner { ec2, journal, .. } = &*self.0;
        let Some((record, _)) = journal.read(source.path()).await? else { return Ok(()) };
        self.0.discard(&record).await?;
        journal.remove(source.path()).await?;
        tracing::debug!(region = %ec2.region(), "aborted");
        Ok(())
    }

    /// The journal of an unfinished upload, which is its file's, stays: who goes on with that file finds the snapshot gone.
    async fn remove(&self, content_hash: &str) -> Result<()> {
        abandon_content(&self.0.ec2, content_hash).await
    }
}

impl Inner {
    /// EBS takes a key by its ARN alone
    /// (<https://docs.aws.amazon.com/ebs/latest/APIReference/API_StartSnapshot.html>).
    fn check_encryption(&self) -> Result<()> {
        self.encryption.check("encryption")?;
        match self.encryption.key() {
            Some(key) if !key.starts_with("arn:") => {
                let why = format!(
                    "{key:?} is a key's id; give its ARN, which `aws kms describe-key --key-id {key}` shows"
                );
                Err(Error::invalid("encryption", why))
            }
            _ => Ok(()),
        }
    }

    async fn upload(
        &self,
        source: &ImageSource,
        progress: &watch::Sender<UploadProgress>,
    ) -> Result<UploadedImage> {
        let (api, path) = (self.ec2.api(), source.path());
        let file = Identity::of(path)?;
        file.must_be(source)?;
        let mut scan = scan::scan(path).await?;
        file.must_be_unchanged(path)?;
        let total = source.bytes();
        let content_hash = scan.content_hash.clone();
        let uploaded = |snapshot: &SnapshotId| UploadedImage {
            location: snapshot.to_string(),
            content_hash: content_hash.clone(),
            format: ImageFormat::Raw,
            bytes: total,
            virtual_bytes: source.virtual_bytes(),
        };

        let earlier = self.journal.read(path).await?;
        let encryption = self.encryption_of_snapshot().await?;
        let wanted = Wanted { content_hash: &content_hash, encryption: &encryption };
        if let Some(snapshot) = find_snapshot(api, wanted).await? {
            if let Some((record, _)) =
                earlier.filter(|(record, _)| record.snapshot.as_ref() != Some(&snapshot))
            {
                self.discard(&record).await?;
            }
            self.journal.remove(path).await?;
            progress.send_replace(UploadProgress { acknowledged: total, total });
            return Ok(uploaded(&snapshot));
        }

        let fresh = Record::new(path, &content_hash, &self.encryption, self.parent.as_ref());
        let record = self.claim(path, fresh).await?;
        let (record, snapshot) = self.start(path, record, &scan).await?;
        let blocks = match &self.parent {
            Some(parent) => delta::against(&self.ebs, parent, &scan).await?,
            // A million blocks are 36 MB: they are not held twice.
            None => std::mem::take(&mut scan.blocks),
        };
        let work = Work {
            ebs: &self.ebs,
            journal: &self.journal,
            path,
            snapshot: &snapshot,
            total,
            progress,
            parallel: self.parallel,
        };
        let filled = async {
            work.send(record, &blocks).await?;
            file.must_be_unchanged(path)?;
            snapshot::complete(&self.ebs, api, &snapshot, &blocks).await
        };
        if let Err(error) = filled.await {
            // Another process at the same file, under the same token, may have been quicker.
            let may_be_done = error.kind() == ErrorKind::Invalid && error.api_code().is_some();
            if !(may_be_done && snapshot::is_completing(api, &snapshot).await) {
                return Err(error);
            }
        }
        wait_until_completed(api, &snapshot).await?;
        self.journal.remove(path).await?;
        progress.send_replace(UploadProgress { acknowledged: total, total });
        Ok(uploaded(&snapshot))
    }

    /// The record to go on with, which is in the journal: an earlier one, or this one. Of processes that begin at once one writes
    /// its own, and the others take that: under its token they fill the same snapshot.
    async fn claim(&self, path: &Path, fresh: Record) -> Result<Record> {
        loop {
            let expect = match self.journal.read(path).await? {
                Some((record, _)) if record.is_for(&fresh) && self.can_go_on(&record).await? => {
                    return Ok(record);
                }
                Some((other, version)) => {
                    self.discard(&other).await?;
                    Expect::Unchanged(version)
                }
                None => Expect::Absent,
            };
            if self.journal.claim(path, &fresh, expect).await? {
                return Ok(fresh);
            }
        }
    }

    /// Deletes what an upload has made that will not be resumed.
    async fn discard(&self, record: &Record) -> Result<()> {
        // A start whose reply was lost is found by its token's tag.
        let made = match &record.snapshot {
            Some(snapshot) => vec![snapshot.clone()],
            None => snapshot::started_under(self.ec2.api(), &record.token).await?,
        };
        for snapshot in &made {
            // What cannot be seen yet would be taken for gone.
            settled_snapshot(self.ec2.api(), snapshot).await?;
            delete_snapshot(self.ec2.api(), snapshot).await?;
        }
        Ok(())
    }
}
