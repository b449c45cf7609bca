//! S3 through the AWS SDK, in process and in virtual time.

mod access;
mod checks;
mod faults;
mod main_path;
mod reads;

use aws_sdk_s3::Client;
use ec2_stories_sim::Sim;

const MIB: usize = 1 << 20;

/// Bytes that are nowhere the same.
fn bytes(size: usize) -> Vec<u8> {
    (0..size).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

/// A simulation with the bucket `web` in its home region.
async fn with_bucket() -> (Sim, Client) {
    let sim = Sim::builder().build();
    let s3 = Client::new(&sim.sdk_config());
    s3.create_bucket().bucket("web").send().await.unwrap();
    (sim, s3)
}
