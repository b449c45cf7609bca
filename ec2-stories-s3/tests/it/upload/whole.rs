//! What was uploaded is what is downloaded, whatever its size.

use std::sync::Arc;

use aws_types::SdkConfig;
use bytes::Bytes;
use ec2_stories_core::ErrorKind;
use ec2_stories_core::store::MemoryStore;
use ec2_stories_s3::upload::{Content, Crc64, Upload, UploadSpec};
use futures::stream;

use super::content;
use super::steps::Steps;
use super::world::{Bucket, config, ours};
use crate::seaweed::server::Seaweed;

const PART: usize = 5 * 1024 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seaweedfs_gives_back_what_was_uploaded() {
    let seaweed = Seaweed::start().await;
    let config = config(&seaweed);
    let bucket = Bucket::create(&config, "whole").await;
    every_boundary(&config, &bucket).await;
    the_same_is_not_sent_again(&config, &bucket).await;
    what_is_there_is_not_replaced_if_that_is_asked_for(&config, &bucket).await;
    a_canceled_upload_leaves_nothing(&config, &bucket).await;
    gibibytes(&config, &bucket).await;
    assert_eq!(bucket.unfinished().await, []);
}

async fn every_boundary(seaweed: &SdkConfig, bucket: &Bucket) {
    let s3 = ours(seaweed, &Steps::default());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("content");
    let sizes = [0, 1, PART - 1, PART, PART + 1, 2 * PART - 1, 2 * PART, 2 * PART + 1, 3 * PART + 12_345];
    for (seed, size) in (1..).zip(sizes) {
        let bytes = Bytes::from(content::bytes(size, seed));
        std::fs::write(&path, &bytes).unwrap();
        let pieces: Vec<_> = bytes.chunks(70_001).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        let contents = [
            ("file", Content::file(&path)),
            ("bytes", Content::bytes(bytes.clone())),
            ("stream", Content::stream(stream::iter(pieces))),
        ];
        for (kind, content) in contents {
            let key = format!("{kind}/{size} ü+%/&=?#~");
            let spec =
                UploadSpec::builder().bucket("whole").key(&key).content(content).part_size(PART as u64);
            let upload = Upload::start(&s3, spec.build().unwrap());
            let progress = upload.progress();
            let uploaded = upload.await.unwrap();
            let sum = (size as u64, Crc64::of(&bytes));
            assert_eq!((uploaded.size, uploaded.crc64nvme), sum, "{key}");
            assert_eq!(uploaded.sent, size as u64, "{key}");
            assert_eq!(bucket.download(&key).await, sum, "{key}");
            let progress = *progress.borrow();
            let all = (progress.read, progress.acknowledged, progress.total);
            assert_eq!(all, (size as u64, size as u64, Some(size as u64)), "{key}");
        }
    }
}

async fn the_same_is_not_sent_again(seaweed: &SdkConfig, bucket: &Bucket) {
    let steps = Steps::default();
    let s3 = ours(seaweed, &steps);
    let upload = async |bytes: &Bytes| {
        let spec = UploadSpec::builder().bucket("whole").key("same").content(Content::bytes(bytes.clone()));
        Upload::start(&s3, spec.part_size(PART as u64).build().unwrap()).await.unwrap()
    };
    for size in [1_000, 2 * PART + 1] {
        let bytes = Bytes::from(content::bytes(size, 99));
        let first = upload(&bytes).await;
        let again = upload(&bytes).await;
        assert_eq!((first.sent, again.sent), (size as u64, 0));
        assert_eq!((first.etag, first.crc64nvme), (again.etag, again.crc64nvme));
        let mut other = bytes.to_vec();
        other[size / 2] ^= 1;
        assert_eq!(upload(&other.clone().into()).await.sent, size as u64);
        assert_eq!(bucket.download("same").await, (size as u64, Crc64::of(&other)));
    }
}

async fn what_is_there_is_not_replaced_if_that_is_asked_for(seaweed: &SdkConfig, bucket: &Bucket) {
    let s3 = ours(seaweed, &Steps::default());
    for (size, key) in [(1_000, "only/small"), (2 * PART, "only/large")] {
        let create = |seed| {
            let bytes = content::bytes(size, seed);
            let spec = UploadSpec::builder().bucket("whole").key(key).content(Content::bytes(bytes));
            Upload::start(&s3, spec.part_size(PART as u64).create_only(true).build().unwrap())
        };
        let first = create(1).await.unwrap();
        assert_eq!(create(2).await.unwrap_err().kind(), ErrorKind::Conflict);
        assert_eq!(bucket.download(key).await, (size as u64, first.crc64nvme));
    }
}

async fn a_canceled_upload_leaves_nothing(seaweed: &SdkConfig, bucket: &Bucket) {
    let s3 = ours(seaweed, &Steps::default());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("content");
    content::file(&path, 20 * PART, 5);
    let journal = Arc::new(MemoryStore::new());
    let start = || {
        let spec = UploadSpec::builder().bucket("whole").key("canceled").content(Content::file(&path));
        let spec = spec.part_size(PART as u64).connections(2).journal(journal.clone());
        Upload::start(&s3, spec.build().unwrap())
    };
    let upload = start();
    upload.progress().wait_for(|progress| progress.acknowledged > 0).await.unwrap();
    assert_eq!(bucket.unfinished().await.len(), 1);
    upload.cancel().await.unwrap();
    assert_eq!(bucket.unfinished().await, []);
    assert!(journal.dump().is_empty());

    let upload = start();
    upload.progress().wait_for(|progress| progress.acknowledged > 0).await.unwrap();
    upload.keep().await.unwrap();
    let kept = settled(bucket).await;
    let again = start().await.unwrap();
    assert!(kept > 0 && again.sent == ((20 - kept) * PART) as u64, "{kept} parts, {} bytes", again.sent);
    assert!(journal.dump().is_empty());
}

/// How many parts the server has, once those whose requests were dropped on their way have arrived or never will.
async fn settled(bucket: &Bucket) -> usize {
    let mut parts = bucket.unfinished().await[0].1;
    loop {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        let now = bucket.unfinished().await[0].1;
        if now == parts {
            return parts;
        }
        parts = now;
    }
}

async fn gibibytes(seaweed: &SdkConfig, bucket: &Bucket) {
    const SIZE: u64 = (2 << 30) + 54_321;
    let s3 = ours(seaweed, &Steps::default());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("content");
    content::sparse_file(&path, SIZE);
    let spec = UploadSpec::builder().bucket("whole").key("gibibytes").content(Content::file(&path));
    let uploaded = Upload::start(&s3, spec.build().unwrap()).await.unwrap();
    assert_eq!(bucket.download("gibibytes").await, (SIZE, uploaded.crc64nvme));
}
