//! The suite for image uploaders.

use std::fs;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tokio::sync::watch;

use super::{demand, fails, succeeds};
use crate::ErrorKind;
use crate::image::{ImageFormat, ImageSource};
use crate::provider::{ImageUploader, UploadProgress, UploadedImage};

const SECTOR: usize = 512;

/// Checks an [`ImageUploader`]. `sent` tells how many bytes it has sent so far, of files alone.
///
/// The raw image that it uploads is of `bytes` bytes, whole sectors of 512 and at least two of the uploader's parts, so that
/// it can be cut off midway.
///
/// # Panics
/// With the contract's bullet that was broken; uploads may be left then.
pub async fn image_uploader(uploader: Arc<dyn ImageUploader>, bytes: usize, sent: impl AsyncFn() -> u64) {
    const RESUME: &str = "an upload that was cut off goes on where it was";
    const AGAIN: &str = "the same content again is not sent again; the answer is the same";
    const PROGRESS: &str = "progress never goes back, and ends at acknowledged == total";
    const ABORT: &str = "abort is a success where nothing is";
    const REMOVE: &str = "remove takes back what was uploaded, and is a success where nothing is";

    let directory = tempfile::tempdir().expect("a temporary directory");
    let source = |name: &str, content: &[u8]| {
        let path = directory.path().join(name);
        fs::write(&path, content).expect("a file in a temporary directory");
        ImageSource::open(path).expect("a raw image")
    };
    // Zeros at first, so that it is not taken for a file of another kind.
    let mut content = vec![0; bytes];
    rand::fill(&mut content[bytes.min(SECTOR * 80)..]);
    let image = source("image.raw", &content);
    let total = bytes as u64;

    cut_off(&uploader, &image).await;
    let before = sent().await;
    demand(before < total, RESUME, "it was sent as a whole before it could be cut off");
    let (uploaded, seen) = upload(&uploader, &image).await;
    demand(seen.is_sorted(), PROGRESS, &seen);
    demand(seen.last() == Some(&total), PROGRESS, &seen);
    demand(seen.first().is_some_and(|first| *first > 0), RESUME, &seen);
    // The part that was on its way when it was cut off may be sent twice.
    demand(sent().await < total + total / 2, RESUME, sent().await);
    demand(
        uploaded.content_hash == hex::encode(Sha256::digest(&content)),
        "the hash is the content's",
        &uploaded,
    );
    demand(
        uploaded.bytes == total && uploaded.virtual_bytes == total && uploaded.format == ImageFormat::Raw,
        "the answer tells sizes and format",
        &uploaded,
    );

    let before = sent().await;
    let copy = source("copy.raw", &content);
    for same in [&image, &copy] {
        let (again, seen) = upload(&uploader, same).await;
        demand(again == uploaded && sent().await == before, AGAIN, &again);
        demand(seen.last() == Some(&total), PROGRESS, &seen);
    }

    for _ in 0..2 {
        succeeds(uploader.remove(&uploaded.content_hash).await, REMOVE);
    }
    let (again, _) = upload(&uploader, &image).await;
    demand(again.content_hash == uploaded.content_hash && sent().await > before, REMOVE, &again);

    let missing = source("missing.raw", &content);
    fs::remove_file(missing.path()).expect("a file in a temporary directory");
    let (sender, _) = watch::channel(UploadProgress::default());
    fails(uploader.upload(&missing, sender).await, ErrorKind::Io, "a file that cannot be read is Io");
    let grown = source("grown.raw", &content);
    fs::write(grown.path(), [&content[..], &[1; SECTOR]].concat()).expect("a file in a temporary directory");
    let (sender, _) = watch::channel(UploadProgress::default());
    let changed = "a file that changed since it was opened is Conflict";
    fails(uploader.upload(&grown, sender).await, ErrorKind::Conflict, changed);

    let tail = bytes / 2;
    content[tail..].iter_mut().for_each(|byte| *byte = !*byte);
    let other = source("other.raw", &content);
    cut_off(&uploader, &other).await;
    for source in [&other, &other, &missing] {
        succeeds(uploader.abort(source).await, ABORT);
    }
}

/// Uploads, and returns every progress that was seen.
async fn upload(uploader: &Arc<dyn ImageUploader>, source: &ImageSource) -> (UploadedImage, Vec<u64>) {
    let (sender, mut progress) = watch::channel(UploadProgress::default());
    let upload = uploader.upload(source, sender);
    let watch = async {
        let mut seen = Vec::new();
        // It ends when the uploader drops the sender.
        while progress.changed().await.is_ok() {
            seen.push(progress.borrow_and_update().acknowledged);
        }
        seen
    };
    let (uploaded, seen) = tokio::join!(upload, watch);
    (succeeds(uploaded, "an upload ends with an image"), seen)
}

/// Drops an upload as soon as something was acknowledged.
async fn cut_off(uploader: &Arc<dyn ImageUploader>, source: &ImageSource) {
    let (sender, mut progress) = watch::channel(UploadProgress::default());
    tokio::select! {
        biased;
        _ = progress.wait_for(|progress| progress.acknowledged > 0) => {}
        result = uploader.upload(source, sender) => {
            succeeds(result, "an upload ends with an image");
        }
    }
}
