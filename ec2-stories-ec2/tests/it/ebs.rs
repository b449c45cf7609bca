//! Raw images straight into a snapshot.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use ec2_stories_core::conformance::image_uploader;
use ec2_stories_core::image::{Encryption, ImageSource, ImageSpec};
use ec2_stories_core::model::SnapshotId;
use ec2_stories_core::provider::{ImageRegistry, ImageUploader, UploadProgress, UploadedImage};
use ec2_stories_core::{Error, ErrorKind, MemoryStore, Result, memory};
use ec2_stories_ec2::{EbsUploader, Ec2};
use ec2_stories_sim::{Fault, Sim};
use tempfile::TempDir;
use tokio::sync::watch;

const BLOCK: usize = 512 * 1024;
const PARALLEL: usize = 2;

struct Desk {
    sim: Sim,
    ec2: Ec2,
    journal: MemoryStore,
    folder: TempDir,
}

impl Desk {
    fn new() -> Self {
        let sim = Sim::builder().seed(7).build();
        let ec2 = Ec2::from_config(&sim.sdk_config());
        Self { sim, ec2, journal: MemoryStore::new(), folder: tempfile::tempdir().unwrap() }
    }

    /// A disk whose blocks begin with these bytes; nothing but zeros follows.
    fn disk(&self, name: &str, blocks: &[u8]) -> ImageSource {
        let mut bytes = vec![0; blocks.len() * BLOCK];
        blocks.iter().enumerate().for_each(|(index, byte)| bytes[index * BLOCK] = *byte);
        let path = self.folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        ImageSource::open(path).unwrap()
    }

    /// The uploader of a new process.
    fn uploader(&self, parent: Option<SnapshotId>) -> EbsUploader {
        let journal = Arc::new(self.journal.clone());
        EbsUploader::builder().ec2(&self.ec2).journal(journal).maybe_parent(parent).parallel(PARALLEL).build()
    }

    async fn upload(&self, source: &ImageSource) -> Result<UploadedImage> {
        self.uploader(None).upload(source, watch::Sender::default()).await
    }

    fn sent(&self) -> usize {
        self.sim.calls().count("PutSnapshotBlock").try_into().unwrap()
    }

    async fn assert_clean(&self, place: &str) {
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert!(self.sim.leaks().is_empty(), "{place}: {}", self.sim.leaks());
    }
}

#[tokio::test(start_paused = true)]
async fn a_raw_disk_becomes_an_image_without_a_bucket() {
    let desk = Desk::new();
    let source = desk.disk("web.raw", &[1, 0, 0, 4, 0, 6]);
    let uploaded = desk.upload(&source).await.unwrap();
    assert!(uploaded.location.starts_with("snap-"), "{uploaded:?}");
    assert_eq!(desk.sent(), 3, "zeros are not sent");
    let image = desk.ec2.register(&uploaded, &ImageSpec::named("web-7")).await.unwrap();
    assert_eq!(image.snapshots, [SnapshotId::new(&uploaded.location)]);
    assert_eq!(desk.upload(&source).await.unwrap(), uploaded);
    assert_eq!((desk.sent(), desk.sim.calls().count("StartSnapshot")), (3, 1));
    assert_eq!(desk.sim.calls().count("ImportSnapshot"), 0);
    desk.ec2.deregister(&image.id).await.unwrap();
    desk.assert_clean("in the end").await;
}

#[tokio::test(start_paused = true)]
async fn it_keeps_the_uploaders_contract() {
    let desk = Desk::new();
    let uploader = desk.uploader(None);
    image_uploader(Arc::new(uploader), 8 * BLOCK, async || (desk.sent() * BLOCK) as u64).await;
    assert_eq!(desk.sim.leaks().len(), 1, "the image that was uploaded: {}", desk.sim.leaks());
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_is_lost_at_any_call_changes_nothing() {
    for operation in ["StartSnapshot", "PutSnapshotBlock", "CompleteSnapshot"] {
        for fault in [Fault::ReplyLostBefore, Fault::ReplyLostAfter, Fault::Throttle] {
            let (desk, place) = (Desk::new(), format!("{fault:?} at {operation}"));
            desk.sim.faults().nth(operation, 1, fault);
            let uploaded = desk.upload(&desk.disk("web.raw", &[1, 2, 3])).await;
            let uploaded = uploaded.unwrap_or_else(|error| panic!("{place}: {error:?}"));
            desk.ec2.abandon(&uploaded).await.unwrap();
            desk.assert_clean(&place).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_succeed_leaves_nothing() {
    for operation in ["StartSnapshot", "PutSnapshotBlock", "CompleteSnapshot"] {
        let desk = Desk::new();
        let denied = Fault::Error { code: "AccessDeniedException".to_owned(), status: 403 };
        desk.sim.faults().nth(operation, 1, denied);
        let error = desk.upload(&desk.disk("web.raw", &[1, 2, 3])).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Forbidden, "{operation}: {error:?}");
        desk.assert_clean(operation).await;
    }
}

#[tokio::test(start_paused = true)]
async fn another_process_goes_on_where_one_was_cut_off() {
    const BLOCKS: usize = 20;
    let desk = Desk::new();
    let source = desk.disk("web.raw", &[9; BLOCKS]);
    let (uploader, (sender, mut progress)) = (desk.uploader(None), watch::channel(UploadProgress::default()));
    let half = (BLOCKS / 2 * BLOCK) as u64;
    tokio::select! {
        biased;
        _ = progress.wait_for(|progress| progress.acknowledged >= half) => {}
        result = uploader.upload(&source, sender) => panic!("it was not cut off: {result:?}"),
    }
    let before = desk.sent();
    assert!((BLOCKS / 2..BLOCKS).contains(&before), "{before}");
    desk.upload(&source).await.unwrap();
    // Those that were on their way when it was cut off may be sent twice.
    assert!(desk.sent() <= BLOCKS + PARALLEL, "{} blocks in all", desk.sent());
    assert_eq!(desk.sim.calls().count("StartSnapshot"), 1);
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_is_not_resumed_is_aborted_without_a_trace() {
    let desk = Desk::new();
    let source = desk.disk("web.raw", &[9; 10]);
    let (uploader, (sender, mut progress)) = (desk.uploader(None), watch::channel(UploadProgress::default()));
    tokio::select! {
        biased;
        _ = progress.wait_for(|progress| progress.acknowledged > 0) => {}
        result = uploader.upload(&source, sender) => panic!("it was not cut off: {result:?}"),
    }
    assert_eq!(desk.sim.leaks().len(), 1);
    for _ in 0..2 {
        desk.uploader(None).abort(&source).await.unwrap();
    }
    desk.assert_clean("in the end").await;
}

#[tokio::test(start_paused = true)]
async fn a_child_holds_what_differs_from_its_parent() {
    let desk = Desk::new();
    let first = desk.upload(&desk.disk("web-1.raw", &[1, 2, 3, 0, 5])).await.unwrap();
    let before = desk.sent();
    let second = desk.disk("web-2.raw", &[1, 7, 0, 4, 5]);
    let child = desk.uploader(Some(SnapshotId::new(&first.location)));
    let child = child.upload(&second, watch::Sender::default()).await.unwrap();
    assert_eq!(desk.sent() - before, 3, "one changed, one is zeros now, one is new");
    assert_ne!(child.location, first.location);
    for uploaded in [&child, &first] {
        desk.ec2.abandon(uploaded).await.unwrap();
    }
    desk.assert_clean("in the end").await;
}

#[tokio::test(start_paused = true)]
async fn a_child_of_an_open_parent_is_sent_once() {
    let desk = Desk::new();
    let journal = Arc::new(desk.journal.clone());
    let open = EbsUploader::builder().ec2(&desk.ec2).journal(journal).encryption(Encryption::Off).build();
    let first = open.upload(&desk.disk("web-1.raw", &[1, 2]), watch::Sender::default()).await.unwrap();
    let second = desk.disk("web-2.raw", &[1, 7]);
    let child = desk.uploader(Some(SnapshotId::new(&first.location)));
    let uploaded = child.upload(&second, watch::Sender::default()).await.unwrap();
    assert_eq!(child.upload(&second, watch::Sender::default()).await.unwrap(), uploaded);
    assert_eq!(desk.sim.calls().count("StartSnapshot"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_that_is_encrypted_otherwise_is_not_registered() {
    let desk = Desk::new();
    let uploaded = desk.upload(&desk.disk("web.raw", &[1, 2])).await.unwrap();
    let register = |encryption| ImageSpec { encryption, ..ImageSpec::named("web-7") };
    for wrong in [Encryption::Off, Encryption::Key("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0".to_owned())] {
        let error = desk.ec2.register(&uploaded, &register(wrong)).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.resource()),
            (ErrorKind::Invalid, Some("image.encryption")),
            "{error}"
        );
        assert!(error.message().contains(&uploaded.location), "{error}");
    }
    assert_eq!(desk.sim.calls().count("RegisterImage"), 0);
    desk.ec2.register(&uploaded, &register(Encryption::DefaultKey)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_key_that_ebs_would_not_take_is_refused_before_the_file_is_read() {
    let desk = Desk::new();
    let source = desk.disk("web.raw", &[1]);
    for (key, words) in
        [("alias/shop", "is an alias"), ("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0", "give its ARN")]
    {
        let journal = Arc::new(desk.journal.clone());
        let uploader = EbsUploader::builder().ec2(&desk.ec2).journal(journal);
        let uploader = uploader.encryption(Encryption::Key(key.to_owned())).build();
        let error = uploader.upload(&source, watch::Sender::default()).await.unwrap_err();
        assert!(error.message().contains(words), "{error}");
    }
    assert_eq!(desk.sim.calls().total(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_that_cannot_be_noted_nor_seen_is_deleted() {
    let desk = Desk::new();
    desk.sim.faults().nth("StartSnapshot", 1, Fault::UnknownIdFor(Duration::from_secs(3)));
    // The journal is read twice, and the token written, before its snapshot is.
    desk.journal.fail(3, memory::Fault::Error(Error::new(ErrorKind::Io, "disk full")));
    let error = desk.upload(&desk.disk("web.raw", &[9; 3])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io, "{error:?}");
    assert_eq!((desk.sim.calls().count("StartSnapshot"), desk.sent()), (1, 0));
    desk.assert_clean("in the end").await;
}

#[tokio::test(start_paused = true)]
async fn two_processes_at_one_file_fill_one_snapshot() {
    let desk = Desk::new();
    let source = desk.disk("web.raw", &[9; 10]);
    let (one, other) = tokio::join!(desk.upload(&source), desk.upload(&source));
    assert_eq!(one.unwrap(), other.unwrap());
    assert_eq!(desk.sim.leaks().len(), 1, "the snapshot: {}", desk.sim.leaks());
    assert!(desk.journal.dump().is_empty(), "{:?}", desk.journal.dump());
}

#[tokio::test(start_paused = true)]
async fn other_formats_go_another_way() {
    let desk = Desk::new();
    let path = desk.folder.path().join("web.vhd");
    let raw = desk.disk("web.raw", &[1, 2]);
    let mut command = std::process::Command::new("qemu-img");
    command.args(["convert", "-f", "raw", "-O", "vpc", "-o", "force_size=on"]).arg(raw.path()).arg(&path);
    assert!(command.status().expect("qemu-img, of the package qemu-utils").success());
    let error = desk.upload(&ImageSource::open(&path).unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("only raw images"), "{error}");
    assert_eq!(desk.sim.calls().total(), 0);
}
