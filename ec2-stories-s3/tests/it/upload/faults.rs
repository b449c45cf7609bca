//! What goes wrong on the way, in virtual time.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ec2_stories_core::store::MemoryStore;
use ec2_stories_core::{ErrorKind, Result};
use ec2_stories_s3::S3;
use ec2_stories_s3::upload::{Content, Crc64, Upload, UploadSpec, Uploaded};
use ec2_stories_sim::{Fault, Sim};

use super::content;
use super::world::{Bucket, simulation};

const PART: u64 = 5 * 1024 * 1024;
const PARTS: u64 = 6;
const SIZE: usize = size(PARTS);

const fn size(parts: u64) -> usize {
    (parts * PART) as usize - 99
}

fn who() -> BTreeMap<String, String> {
    BTreeMap::from([("who".to_owned(), "me".to_owned())])
}

/// An upload of a file of some parts to a simulation.
struct World {
    size: usize,
    connections: u32,
    sim: Sim,
    bucket: Bucket,
    folder: tempfile::TempDir,
    journal: Arc<MemoryStore>,
    crc: Crc64,
}

impl World {
    async fn new() -> Self {
        Self::of(PARTS).await
    }

    async fn of(parts: u64) -> Self {
        let size = size(parts);
        let (sim, bucket) = simulation().await;
        let folder = tempfile::tempdir().unwrap();
        let bytes = content::bytes(size, 11);
        std::fs::write(folder.path().join("content"), &bytes).unwrap();
        Self {
            size,
            connections: 8,
            sim,
            bucket,
            folder,
            journal: Arc::new(MemoryStore::new()),
            crc: Crc64::of(&bytes),
        }
    }

    fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("content")
    }

    fn start(&self, create_only: bool) -> Upload {
        let s3 = S3::from_config(&self.sim.sdk_config());
        let spec = UploadSpec::builder()
            .bucket("uploads")
            .key("key")
            .content(Content::file(self.file()))
            .part_size(PART)
            .create_only(create_only)
            .connections(self.connections)
            .metadata(who())
            .journal(self.journal.clone());
        Upload::start(&s3, spec.build().unwrap())
    }

    async fn upload(&self) -> Result<Uploaded> {
        self.start(false).await
    }

    /// It is there, as a whole, and nothing else is.
    async fn assert_there(&self, uploaded: &Uploaded) {
        assert_eq!((uploaded.size, uploaded.crc64nvme), (self.size as u64, self.crc));
        assert_eq!(self.bucket.download("key").await, (self.size as u64, self.crc));
        self.assert_nothing_left().await;
    }

    async fn assert_nothing_left(&self) {
        assert_eq!(self.bucket.unfinished().await, []);
        assert!(self.journal.dump().is_empty(), "{:?}", self.journal.dump());
    }
}

fn error(code: &str, status: u16) -> Fault {
    Fault::Error { code: code.to_owned(), status }
}

/// Every operation of an upload, each failing in every way that it can recover from.
#[tokio::test(start_paused = true)]
async fn every_request_may_fail_once_in_every_way() {
    let faults = [
        Fault::Throttle,
        error("InternalError", 500),
        error("ServiceUnavailable", 503),
        error("RequestTimeout", 400),
        error("ExpiredToken", 400),
        Fault::ReplyLostBefore,
        Fault::ReplyLostAfter,
        Fault::TruncatedReply,
        Fault::ResetMidway,
        Fault::Stall,
    ];
    for operation in ["HeadObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"] {
        for fault in &faults {
            let world = World::of(2).await;
            world.sim.faults().nth(operation, 1, fault.clone());
            let uploaded =
                world.upload().await.unwrap_or_else(|error| panic!("{operation} {fault:?}: {error:?}"));
            world.assert_there(&uploaded).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_inside_a_good_reply_is_an_error_and_is_settled() {
    for code in ["InternalError", "SlowDown"] {
        let world = World::new().await;
        world.sim.faults().nth("CompleteMultipartUpload", 1, Fault::ErrorInside(code.to_owned()));
        world.assert_there(&world.upload().await.unwrap()).await;
        assert_eq!(world.sim.calls().count("CompleteMultipartUpload"), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_is_lost_after_the_object_was_made_is_settled_by_looking() {
    let world = World::new().await;
    world.sim.faults().nth("CompleteMultipartUpload", 1, Fault::ReplyLostAfter);
    world.assert_there(&world.start(true).await.unwrap()).await;
    assert_eq!(world.sim.calls().count("CompleteMultipartUpload"), 1);
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_is_gone_begins_anew_and_not_for_ever() {
    let world = World::new().await;
    world.sim.faults().nth("UploadPart", 3, error("NoSuchUpload", 404));
    world.assert_there(&world.upload().await.unwrap()).await;
    assert_eq!(world.sim.calls().count("CreateMultipartUpload"), 2);

    let world = World::new().await;
    world.sim.faults().always("UploadPart", error("NoSuchUpload", 404));
    assert_eq!(world.upload().await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(world.sim.calls().count("CreateMultipartUpload"), 3);
    world.assert_nothing_left().await;
}

/// Two processes take up one upload, and the other one is quicker.
#[tokio::test(start_paused = true)]
async fn what_another_completed_meanwhile_is_not_sent_again() {
    let world = World { connections: 1, ..World::new().await };
    let upload = world.start(false);
    upload.progress().wait_for(|progress| progress.acknowledged > 0).await.unwrap();
    let same = UploadSpec::builder()
        .bucket("uploads")
        .key("key")
        .content(Content::file(world.file()))
        .part_size(1 << 30)
        .metadata(who());
    Upload::start(&S3::from_config(&world.sim.sdk_config()), same.build().unwrap()).await.unwrap();
    world.sim.faults().always("UploadPart", error("NoSuchUpload", 404));
    world.assert_there(&upload.await.unwrap()).await;
    assert_eq!(world.sim.calls().count("CreateMultipartUpload"), 1);
}

/// XML cannot carry the key of the other upload.
#[tokio::test(start_paused = true)]
async fn an_upload_of_which_nobody_heard_is_removed_whatever_others_there_are() {
    let world = World::new().await;
    let other = world.bucket.client.create_multipart_upload().bucket("uploads").key("key\u{1}");
    // The SDK cannot read the reply either.
    let _ = other.send().await;
    world.sim.faults().nth("CreateMultipartUpload", 1, Fault::ReplyLostAfter);
    let uploaded = world.upload().await.unwrap();
    let bucket = S3::from_config(&world.sim.sdk_config()).bucket("uploads");
    assert_eq!(bucket.gc("", Duration::ZERO).await.unwrap().len(), 1, "the other one alone");
    world.assert_there(&uploaded).await;
}

#[tokio::test(start_paused = true)]
async fn another_change_at_the_same_time_makes_it_begin_anew() {
    let world = World::new().await;
    world.sim.faults().nth("CompleteMultipartUpload", 1, error("ConditionalRequestConflict", 409));
    world.assert_there(&world.start(true).await.unwrap()).await;
    assert_eq!(world.sim.calls().count("CreateMultipartUpload"), 2);
}

#[tokio::test(start_paused = true)]
async fn an_object_that_came_meanwhile_is_not_replaced() {
    let world = World::new().await;
    let upload = world.start(true);
    upload.progress().wait_for(|progress| progress.acknowledged > 0).await.unwrap();
    let put = world.bucket.client.put_object().bucket("uploads").key("key");
    put.body(b"other".to_vec().into()).send().await.unwrap();
    assert_eq!(upload.await.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(world.bucket.download("key").await, (5, Crc64::of(b"other")));
    world.assert_nothing_left().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_not_tried_again() {
    let world = World::new().await;
    world.sim.faults().always("UploadPart", error("AccessDenied", 403));
    assert_eq!(world.upload().await.unwrap_err().kind(), ErrorKind::Forbidden);
    assert!(world.sim.calls().count("UploadPart") <= PARTS);

    let world = World::new().await;
    world.sim.faults().always("UploadPart", error("ExpiredToken", 400));
    assert_eq!(world.upload().await.unwrap_err().kind(), ErrorKind::Credentials);
    assert!(world.sim.calls().count("UploadPart") <= 2 * PARTS, "credentials are asked for again once");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_always_fails_is_given_up_and_the_upload_goes_on_later() {
    let world = World::new().await;
    world.sim.faults().always("UploadPart", error("InternalError", 500));
    let before = tokio::time::Instant::now();
    assert_eq!(world.upload().await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(before.elapsed() < Duration::from_secs(200), "{:?}", before.elapsed());
    assert!(world.sim.calls().count("UploadPart") <= 8 * PARTS);
    assert_eq!(world.bucket.unfinished().await.len(), 1);
    world.sim.faults().clear();
    world.assert_there(&world.upload().await.unwrap()).await;
    assert_eq!(world.sim.calls().count("CreateMultipartUpload"), 1);
}

#[tokio::test(start_paused = true)]
async fn many_requests_may_fail_and_it_arrives() {
    let world = World::new().await;
    world.sim.faults().sometimes("UploadPart", 0.2, Fault::Throttle);
    world.sim.faults().sometimes("UploadPart", 0.1, Fault::ReplyLostAfter);
    world.sim.faults().sometimes("UploadPart", 0.1, Fault::ResetMidway);
    world.sim.faults().sometimes("CompleteMultipartUpload", 0.5, Fault::ReplyLostBefore);
    world.assert_there(&world.upload().await.unwrap()).await;
}

#[tokio::test(start_paused = true)]
async fn a_slow_last_part_is_sent_twice_and_the_first_counts() {
    let world = World::new().await;
    world.sim.faults().nth("UploadPart", 5, Fault::Slow(Duration::from_secs(20)));
    let before = tokio::time::Instant::now();
    world.assert_there(&world.upload().await.unwrap()).await;
    assert!(before.elapsed() < Duration::from_secs(10), "{:?}", before.elapsed());
    assert_eq!(world.sim.calls().count("UploadPart"), PARTS + 1);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_changes_midway_is_an_error_and_leaves_nothing() {
    let changes: [fn(&Path); 3] = [
        |path| {
            OpenOptions::new().write(true).open(path).unwrap().write_all_at(b"!", SIZE as u64 - 1).unwrap();
        },
        |path| OpenOptions::new().write(true).open(path).unwrap().set_len(SIZE as u64 / 2).unwrap(),
        |path| {
            let other = path.with_extension("other");
            std::fs::write(&other, content::bytes(SIZE, 12)).unwrap();
            std::fs::rename(&other, path).unwrap();
        },
    ];
    for change in changes {
        let world = World { connections: 1, ..World::new().await };
        let upload = world.start(false);
        upload.progress().wait_for(|progress| progress.acknowledged > 0).await.unwrap();
        change(&world.file());
        let error = upload.await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}");
        assert!(error.to_string().contains("content"), "{error}");
        world.assert_nothing_left().await;
        assert!(world.bucket.client.head_object().bucket("uploads").key("key").send().await.is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_changed_between_two_runs_is_sent_anew() {
    let world = World::new().await;
    let upload = world.start(false);
    upload.progress().wait_for(|progress| progress.acknowledged > 0).await.unwrap();
    upload.keep().await.unwrap();
    assert_eq!(world.bucket.unfinished().await.len(), 1);
    let bytes = content::bytes(SIZE, 13);
    std::fs::write(world.file(), &bytes).unwrap();
    let uploaded = world.upload().await.unwrap();
    assert_eq!((uploaded.sent, uploaded.crc64nvme), (SIZE as u64, Crc64::of(&bytes)));
    world.assert_nothing_left().await;
}

#[tokio::test(start_paused = true)]
async fn a_canceled_upload_leaves_nothing_even_if_removing_fails_at_first() {
    let world = World::new().await;
    world.sim.faults().nth("AbortMultipartUpload", 1, Fault::ReplyLostBefore);
    world.sim.faults().nth("ListParts", 1, Fault::Throttle);
    let upload = world.start(false);
    upload.progress().wait_for(|progress| progress.acknowledged > 0).await.unwrap();
    upload.cancel().await.unwrap();
    world.assert_nothing_left().await;
}

#[tokio::test(start_paused = true)]
async fn a_dropped_upload_is_canceled_in_the_background() {
    let world = World::new().await;
    let upload = world.start(false);
    let mut progress = upload.progress();
    progress.wait_for(|progress| progress.acknowledged > 0).await.unwrap();
    drop(upload);
    while progress.changed().await.is_ok() {}
    world.assert_nothing_left().await;
}
