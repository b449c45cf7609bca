//! Image files in a bucket.

use std::sync::Arc;

use ec2_stories_core::ErrorKind;
use ec2_stories_core::conformance::image_uploader;
use ec2_stories_core::image::ImageSource;
use ec2_stories_core::store::MemoryStore;
use ec2_stories_s3::S3;
use ec2_stories_s3::upload::S3Images;

use super::steps::Steps;
use super::world::simulation;

const PART: u64 = 5 * 1024 * 1024;

#[tokio::test(start_paused = true)]
async fn the_uploader_keeps_its_promises() {
    let (sim, bucket) = simulation().await;
    let steps = Steps::default();
    let config = sim.sdk_config();
    let http = steps.client(config.http_client().unwrap());
    let s3 = S3::from_config(&config.into_builder().http_client(http).build());
    let journal = Arc::new(MemoryStore::new());
    let images =
        S3Images::builder().s3(s3).bucket("uploads").journal(journal.clone()).part_size(PART).build();
    let bytes = 12 * PART as usize - 512;
    image_uploader(Arc::new(images), bytes, async || steps.sent()).await;
    assert_eq!(bucket.unfinished().await, []);
    assert!(journal.dump().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_short_form_needs_a_bucket_to_send_images_to() {
    let (sim, bucket) = simulation().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("disk.raw");
    std::fs::write(&path, vec![0; 64 * 512]).unwrap();
    let image = ImageSource::open(&path).unwrap();
    let refused = S3::from_config(&sim.sdk_config()).upload(&image).await.unwrap_err();
    assert_eq!((refused.kind(), refused.resource()), (ErrorKind::Invalid, Some("image_bucket")));
    let s3 = S3::builder().config(&sim.sdk_config()).image_bucket("uploads").build();
    let uploaded = s3.upload(&image).await.unwrap();
    assert_eq!(uploaded.location, format!("s3://uploads/images/{}", uploaded.content_hash));
    let key = format!("images/{}", uploaded.content_hash);
    assert_eq!(bucket.download(&key).await.0, 64 * 512);
}
