//! Images, from an upload to their removal.

mod every_step;
mod find;
mod import;
mod prune;
mod register;
mod share;

use std::time::Duration;

use ec2_stories_core::image::ImageFormat;
use ec2_stories_core::provider::UploadedImage;
use ec2_stories_sim::{DiskImageSeed, Latencies, Sim};
use sha2::{Digest, Sha256};

pub(crate) const BUCKET: &str = "images";

/// A raw image of 2 GiB that was uploaded.
pub(crate) fn upload(sim: &Sim, name: &str) -> UploadedImage {
    const SIZE: u64 = 2 << 30;
    let key = format!("{name}.raw");
    let content = name.as_bytes().to_vec();
    let hash = hex::encode(Sha256::digest(&content));
    let seed = DiskImageSeed::builder().bucket(BUCKET).key(&key).content(content).size(SIZE).build();
    sim.add_disk_image(seed);
    UploadedImage {
        location: format!("s3://{BUCKET}/{key}"),
        content_hash: hash,
        format: ImageFormat::Raw,
        bytes: SIZE,
        virtual_bytes: SIZE,
    }
}

/// A cloud where work on images takes moments: what is waited for costs calls, and each is one more that can fail in no
/// other way.
pub(crate) fn quick() -> Sim {
    let moment = Duration::from_secs(2);
    let latency = Latencies::builder().import(moment).register(moment).copy(moment).snapshot(moment);
    let latency = latency.import_per_gib(moment).copy_per_gib(moment).snapshot_per_gib(moment).build();
    Sim::builder().seed(7).latency(latency).build()
}
