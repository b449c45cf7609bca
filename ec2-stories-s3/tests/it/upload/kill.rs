//! A process that dies in the middle of an upload, at every step of it.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use aws_types::SdkConfig;
use ec2_stories_core::provider::TupleStore;
use ec2_stories_core::store::FileStore;
use ec2_stories_s3::upload::{Content, Upload, UploadSpec};

use super::content;
use super::steps::Steps;
use super::world::{Bucket, config, config_at, ours};
use crate::seaweed::server::Seaweed;

const TEST: &str = "upload::kill::killed_at_every_step_an_upload_goes_on_where_it_was";
const CHILD: &str = "EC2_STORIES_TEST_UPLOAD";

const PART: u64 = 5 * 1024 * 1024;
const PARTS: u64 = 3;
const SIZE: u64 = PARTS * PART - 777;

macro_rules! spec {
    ($folder:expr, $key:expr) => {
        UploadSpec::builder()
            .bucket("kill")
            .key($key)
            .content(Content::file($folder.join("content")))
            .part_size(PART)
            .connections(1)
    };
}
/// What the child is to do: endpoint, folder, key, and the step at which to die.
struct Child {
    endpoint: String,
    folder: PathBuf,
    key: String,
    step: u64,
}

impl Child {
    fn from_environment() -> Option<Self> {
        let told = std::env::var(CHILD).ok()?;
        let mut told = told.split('|').map(ToOwned::to_owned);
        let (endpoint, folder, key) = (told.next()?, told.next()?.into(), told.next()?);
        Some(Self { endpoint, folder, key, step: told.next()?.parse().ok()? })
    }

    /// Runs it, and says whether it died.
    fn dies(&self) -> bool {
        let Self { endpoint, folder, key, step } = self;
        let told = format!("{endpoint}|{}|{key}|{step}", folder.display());
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", TEST]).env(CHILD, told).stdout(Stdio::null()).stderr(Stdio::null());
        let status = child.status().unwrap();
        assert!(status.success() || status.signal() == Some(9), "step {step}: {status}");
        !status.success()
    }

    async fn upload(&self) {
        let steps = Steps::dying_at(self.step);
        let s3 = ours(&config_at(&self.endpoint), &steps);
        let journal = steps.store(FileStore::open(self.folder.join("journal")).unwrap());
        Upload::start(&s3, spec!(self.folder, &self.key).journal(journal).build().unwrap()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_every_step_an_upload_goes_on_where_it_was() {
    if let Some(child) = Child::from_environment() {
        return child.upload().await;
    }
    let seaweed = Seaweed::start().await;
    let config = config(&seaweed);
    let bucket = Bucket::create(&config, "kill").await;
    let folder = tempfile::tempdir().unwrap();
    content::file(&folder.path().join("content"), SIZE as usize, 3);
    let mut step = 0;
    loop {
        step += 1;
        let (endpoint, key) = (config.endpoint_url().unwrap().to_owned(), format!("step {step}"));
        let child = Child { endpoint, folder: folder.path().to_owned(), key, step };
        let died = tokio::task::block_in_place(|| child.dies());
        if !died {
            break;
        }
        goes_on(&config, &bucket, folder.path(), &child.key).await;
    }
    assert!(step > 2 * PARTS, "only {step} steps");
}

/// The uploads that are unfinished, once what the dead process had sent has arrived.
async fn settled(bucket: &Bucket) -> Vec<(String, usize)> {
    let mut before = None;
    loop {
        let now = bucket.unfinished().await;
        if before.as_ref() == Some(&now) {
            return now;
        }
        before = Some(now);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Uploads the same again, and sees that only what was missing is sent and nothing is left.
async fn goes_on(config: &SdkConfig, bucket: &Bucket, folder: &Path, key: &str) {
    let unfinished = settled(bucket).await;
    let there: usize = unfinished.iter().map(|(_, parts)| parts).sum();
    let complete = bucket.client.head_object().bucket("kill").key(key).send().await.is_ok();
    let steps = Steps::default();
    let s3 = ours(config, &steps);
    let journal = Arc::new(FileStore::open(folder.join("journal")).unwrap());
    let spec = spec!(folder, key).journal(journal.clone());
    let uploaded = Upload::start(&s3, spec.build().unwrap()).await.unwrap();
    let sent = steps.requests("PUT part");
    let missing = if complete { 0 } else { PARTS - there as u64 };
    assert_eq!(sent, missing, "{key}: {there} parts were there, complete: {complete}");
    assert_eq!(bucket.download(key).await, (SIZE, uploaded.crc64nvme), "{key}");
    assert_eq!(bucket.unfinished().await, [], "{key}");
    assert_eq!(journal.list("").await.unwrap(), Vec::<String>::new(), "{key}");
}
