//! Publications: cut off anywhere, they go on, and nothing is done twice.

use std::collections::BTreeSet;
use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use ec2_stories_core::image::{Encryption, ImageSource, ImageSpec};
use ec2_stories_core::model::Region;
use ec2_stories_core::provider::{ImageRegistry, ImageUploader, UploadProgress, UploadedImage};
use ec2_stories_core::{ErrorKind, MemoryStore, Result};
use ec2_stories_ec2::{Ec2, Publication, Publish, Stage};
use ec2_stories_sim::{DiskImageSeed, Fault, Sim};
use tempfile::TempDir;
use tokio::sync::watch;

use crate::images::{BUCKET, quick};

const FRIEND: &str = "210987654321";

/// Puts files into the simulated S3, and counts how many.
#[derive(Debug)]
struct Bucket {
    sim: Sim,
    uploads: AtomicU64,
    /// The contents that are there.
    there: Mutex<BTreeSet<String>>,
}

#[async_trait]
impl ImageUploader for Bucket {
    async fn upload(
        &self,
        source: &ImageSource,
        progress: watch::Sender<UploadProgress>,
    ) -> Result<UploadedImage> {
        self.uploads.fetch_add(1, Ordering::SeqCst);
        let content_hash = source.content_hash().await?;
        let content = fs::read(source.path()).unwrap();
        let seed = DiskImageSeed::builder().bucket(BUCKET).key(&content_hash).content(content).build();
        self.sim.add_disk_image(seed);
        self.there.lock().unwrap().insert(content_hash.clone());
        let total = source.bytes();
        progress.send_replace(UploadProgress { acknowledged: total, total });
        Ok(UploadedImage {
            location: format!("s3://{BUCKET}/{content_hash}"),
            content_hash,
            format: source.format(),
            bytes: total,
            virtual_bytes: source.virtual_bytes(),
        })
    }

    async fn abort(&self, _: &ImageSource) -> Result<()> {
        Ok(())
    }

    async fn remove(&self, content_hash: &str) -> Result<()> {
        self.there.lock().unwrap().remove(content_hash);
        Ok(())
    }
}

struct Desk {
    sim: Sim,
    journal: MemoryStore,
    bucket: Arc<Bucket>,
    folder: TempDir,
}

impl Desk {
    fn new() -> Self {
        let sim = quick();
        let bucket =
            Arc::new(Bucket { sim: sim.clone(), uploads: AtomicU64::new(0), there: Mutex::default() });
        Self { sim, journal: MemoryStore::new(), bucket, folder: tempfile::tempdir().unwrap() }
    }

    fn file(&self, content: u8) -> ImageSource {
        let path = self.folder.path().join(format!("{content}.raw"));
        fs::write(&path, vec![content; 4096]).unwrap();
        ImageSource::open(path).unwrap()
    }

    /// A publication by a new process.
    fn publish(&self) -> Publish {
        Publish::builder()
            .ec2(Ec2::from_config(&self.sim.sdk_config()))
            .uploader(self.bucket.clone())
            .journal(Arc::new(self.journal.clone()))
            .spec(ImageSpec { encryption: Encryption::Off, ..ImageSpec::named("web-7") })
            .share([FRIEND])
            .copy_to([Region::new("eu-west-1")])
            .deprecate_at(self.sim.now() + Duration::from_secs(90 * 86_400))
            .build()
            .unwrap()
    }

    fn uploads(&self) -> u64 {
        self.bucket.uploads.load(Ordering::SeqCst)
    }

    async fn assert_clean(&self, place: &str) {
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert!(self.sim.leaks().is_empty(), "{place}: {}", self.sim.leaks());
        let there = self.bucket.there.lock().unwrap();
        assert!(there.is_empty(), "{place}: uploads are left: {there:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_becomes_images_and_is_published_once() {
    let desk = Desk::new();
    let (publish, source) = (desk.publish(), desk.file(1));
    assert_eq!(publish.state().await.unwrap(), None);
    let progress = watch::Sender::default();
    let publication = publish.run_with(&source, &progress).await.unwrap();
    assert!(publication.is_published());
    assert_eq!(*progress.borrow(), UploadProgress { acknowledged: 4096, total: 4096 });
    assert_eq!(publication.own.shared, [FRIEND]);
    assert_eq!(publication.copies["eu-west-1"].shared, [FRIEND]);
    assert_eq!(publish.state().await.unwrap().as_ref(), Some(&publication));
    let text = publication.to_string();
    assert!(text.contains("web-7 in us-east-1: ami-") && text.contains("in eu-west-1"), "{text}");

    let again = desk.publish().run(&source).await.unwrap();
    assert_eq!(again.image().unwrap().id, publication.image().unwrap().id);
    // Another machine, that has no journal.
    let elsewhere = Desk { journal: MemoryStore::new(), folder: tempfile::tempdir().unwrap(), ..desk };
    let there = elsewhere.publish().run(&elsewhere.file(1)).await.unwrap();
    assert_eq!(there.image().unwrap().id, publication.image().unwrap().id);
    let copy = |publication: &Publication| publication.copies["eu-west-1"].image.as_ref().unwrap().id.clone();
    assert_eq!(copy(&there), copy(&publication));
    for operation in ["ImportSnapshot", "CopyImage", "RegisterImage"] {
        assert_eq!(elsewhere.sim.calls().count(operation), 1, "{operation}");
    }
    assert_eq!(elsewhere.uploads(), 1);
    for _ in 0..2 {
        elsewhere.publish().remove().await.unwrap();
    }
    elsewhere.assert_clean("in the end").await;
}

#[tokio::test(start_paused = true)]
async fn an_image_that_was_taken_away_is_made_again_with_all_that_belongs_to_it() {
    let desk = Desk::new();
    let source = desk.file(1);
    let first = desk.publish().run(&source).await.unwrap();
    let ec2 = Ec2::from_config(&desk.sim.sdk_config());
    ec2.deregister(&first.image().unwrap().id).await.unwrap();
    let shared = desk.sim.calls().count("ModifyImageAttribute");
    let deprecated = desk.sim.calls().count("EnableImageDeprecation");

    let second = desk.publish().run(&source).await.unwrap();
    assert_ne!(second.image().unwrap().id, first.image().unwrap().id);
    assert_eq!(desk.sim.calls().count("ModifyImageAttribute") - shared, 2, "it, and its copy");
    assert_eq!(desk.sim.calls().count("EnableImageDeprecation") - deprecated, 2, "it, and its copy");
    let there = ec2.in_region(&Region::new("eu-west-1")).published().await.unwrap();
    let copies: Vec<_> = there.iter().map(|image| &image.id).collect();
    assert_eq!(copies, [&second.copies["eu-west-1"].image.as_ref().unwrap().id], "the old copy is gone");
    desk.publish().remove().await.unwrap();
    desk.assert_clean("in the end").await;
}

#[tokio::test(start_paused = true)]
async fn another_file_under_the_name_is_a_conflict() {
    let desk = Desk::new();
    desk.publish().run(&desk.file(1)).await.unwrap();
    let error = desk.publish().run(&desk.file(2)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    let without_journal = Desk { journal: MemoryStore::new(), folder: tempfile::tempdir().unwrap(), ..desk };
    let error = without_journal.publish().run(&without_journal.file(2)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert_eq!(without_journal.uploads(), 1, "what cannot be registered is not uploaded");
}

#[tokio::test(start_paused = true)]
async fn a_file_that_was_fixed_takes_the_place_of_one_that_failed() {
    let desk = Desk::new();
    desk.sim.fail_next_import("ClientError: Disk validation failed [damaged]");
    let error = desk.publish().run(&desk.file(1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert_eq!(desk.publish().state().await.unwrap().unwrap().stage, Stage::Registering);
    assert!(desk.publish().run(&desk.file(2)).await.unwrap().is_published());
    desk.publish().remove().await.unwrap();
    desk.assert_clean("in the end").await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_is_refused_before_anything_is_done() {
    let desk = Desk::new();
    let refused = |spec: ImageSpec, share: &[&str], region: &str| {
        let described = Publish::builder()
            .ec2(Ec2::from_config(&desk.sim.sdk_config()))
            .uploader(desk.bucket.clone())
            .journal(Arc::new(desk.journal.clone()))
            .spec(spec)
            .share(share.iter().copied())
            .copy_to([Region::new(region)])
            .build();
        described.unwrap_err().resource().unwrap().to_owned()
    };
    assert_eq!(refused(ImageSpec::named("x"), &[], "eu-west-1"), "publish.spec.name");
    assert_eq!(refused(ImageSpec::named("web-7"), &[], "us-east-1"), "publish.copy_to");
    assert_eq!(refused(ImageSpec::named("web-7"), &[FRIEND], "eu-west-1"), "publish.spec.encryption");
    let with_key = ImageSpec {
        encryption: Encryption::Key("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0".to_owned()),
        ..ImageSpec::named("web-7")
    };
    assert_eq!(refused(with_key, &[FRIEND], "eu-west-1"), "publish.copy_to");
    let open = ImageSpec { encryption: Encryption::Off, ..ImageSpec::named("web-7") };
    assert_eq!(refused(open, &["friend"], "eu-west-1"), "publish.share");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_seen_yet_is_removed_too() {
    for operation in ["ImportSnapshot", "RegisterImage", "CopyImage"] {
        let desk = Desk::new();
        desk.sim.faults().nth(operation, 1, Fault::UnknownIdFor(Duration::from_secs(8)));
        let (publish, source) = (desk.publish(), desk.file(1));
        let died = async {
            while desk.sim.calls().count(operation) == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            // The reply is there; the effect is not to be seen.
            tokio::time::sleep(Duration::from_millis(500)).await;
        };
        tokio::select! {
            biased;
            () = died => {}
            result = publish.run(&source) => panic!("{operation}: it was not cut off: {result:?}"),
        }
        desk.publish().remove().await.unwrap();
        tokio::time::sleep(Duration::from_secs(60)).await;
        desk.assert_clean(operation).await;
    }
}

/// A run that is struck by the fault at each call in turn, or cut off there, then another process.
async fn cut_off_everywhere(fault: Option<Fault>) {
    let desk = Desk::new();
    desk.publish().run(&desk.file(1)).await.unwrap();
    let all = desk.sim.calls().total();
    assert!(all > 10, "{all}");
    for at_call in 1..=all {
        let place = format!("{fault:?} at call {at_call} of {all}");
        let (desk, fault) = (Desk::new(), fault.clone());
        let source = desk.file(1);
        match fault {
            Some(fault) => {
                desk.sim.faults().at_call(at_call, fault);
                let _ = desk.publish().run(&source).await;
            }
            // The process dies while this call is on its way.
            None => {
                let (publish, sim) = (desk.publish(), desk.sim.clone());
                let died = async {
                    while sim.calls().total() < at_call {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                };
                tokio::select! {
                    biased;
                    () = died => {}
                    result = publish.run(&source) => drop(result),
                }
            }
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
        if at_call % 2 == 0 {
            let next = desk.publish().run(&source).await.unwrap_or_else(|error| panic!("{place}: {error:?}"));
            assert!(next.is_published(), "{place}: {next}");
            assert!(desk.uploads() <= 2, "{place}: {} uploads", desk.uploads());
            for operation in ["ImportSnapshot", "CopyImage"] {
                let made = desk.sim.calls_log().iter().filter(|call| call.operation == operation).count();
                // The SDK, and whoever comes next, repeat under the same token.
                assert!(made <= 3, "{place}: {operation} {made} times");
            }
            let ec2 = Ec2::from_config(&desk.sim.sdk_config());
            assert_eq!(ec2.published().await.unwrap().len(), 1, "{place}");
            assert_eq!(
                ec2.in_region(&Region::new("eu-west-1")).published().await.unwrap().len(),
                1,
                "{place}"
            );
        }
        desk.publish().remove().await.unwrap_or_else(|error| panic!("{place}: {error:?}"));
        desk.assert_clean(&place).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_is_lost_after_the_effect() {
    cut_off_everywhere(Some(Fault::ReplyLostAfter)).await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_call() {
    cut_off_everywhere(Some(Fault::Error { code: "UnauthorizedOperation".to_owned(), status: 403 })).await;
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies() {
    cut_off_everywhere(None).await;
}
