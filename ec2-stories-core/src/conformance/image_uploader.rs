//! The suite for image uploaders.

use std::fs;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tokio::sync::watch;

use super::{demand, fails, succeeds};
use crate::ErrorKind;
use crate::provider::{ImageFormat, ImageUploader, UploadProgress, UploadSource, UploadedImage};

/// Checks an [`ImageUploader`]. `sent` tells how many bytes it has sent so far, of files alone.
///
/// The file that it uploads is of `bytes` bytes, at least two of the uploader's parts, so that it can be cut off midway.
///
/// # Panics
/// With the contract's bullet that was broken; uploads may be left then.
pub async fn image_uploader(uploader: Arc<dyn ImageUploader>, bytes: usize, sent: impl AsyncFn() -> u64) {
    const RESUME: &str = "an upload that was cut off goes on where it was";
    const AGAIN: &str = "the same content again is not sent again; the answer is the same";
    const PROGRESS: &str = "progress never goes back, and ends at acknowledged == total";
    const ABORT: &str = "abort is a success where nothing is";

    let directory = tempfile::tempdir().expect("a temporary directory");
    let source = |name: &str| UploadSource { path: directory.path().join(name), format: ImageFormat::Raw };
    let content: Vec<u8> = (0..bytes).map(|at| (at % 251) as u8 ^ rand::random::<u8>()).collect();
    let image = source("image.raw");
    fs::write(&image.path, &content).expect("a file in a temporary directory");
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
        uploaded.bytes == total && uploaded.format == ImageFormat::Raw,
        "the answer tells size and format",
        &uploaded,
    );

    let before = sent().await;
    let copy = source("copy.raw");
    fs::copy(&image.path, &copy.path).expect("a file in a temporary directory");
    for same in [&image, &copy] {
        let (again, seen) = upload(&uploader, same).await;
        demand(again == uploaded && sent().await == before, AGAIN, &again);
        demand(seen.last() == Some(&total), PROGRESS, &seen);
    }

    let (sender, _) = watch::channel(UploadProgress::default());
    let missing = uploader.upload(&source("missing.raw"), sender).await;
    fails(missing, ErrorKind::Io, "a file that cannot be read is Io");
    let other = source("other.raw");
    fs::write(&other.path, content.iter().map(|byte| !byte).collect::<Vec<u8>>())
        .expect("a file in a temporary directory");
    cut_off(&uploader, &other).await;
    for source in [&other, &other, &source("missing.raw")] {
        succeeds(uploader.abort(source).await, ABORT);
    }
}

/// Uploads, and returns every progress that was seen.
async fn upload(uploader: &Arc<dyn ImageUploader>, source: &UploadSource) -> (UploadedImage, Vec<u64>) {
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
async fn cut_off(uploader: &Arc<dyn ImageUploader>, source: &UploadSource) {
    let (sender, mut progress) = watch::channel(UploadProgress::default());
    tokio::select! {
        biased;
        _ = progress.wait_for(|progress| progress.acknowledged > 0) => {}
        result = uploader.upload(source, sender) => {
            succeeds(result, "an upload ends with an image");
        }
    }
}
