//! What the tests of uploads share.

use aws_sdk_s3::Client;
use aws_types::SdkConfig;
use ec2_stories_core::aws::http_client;
use ec2_stories_s3::S3;
use ec2_stories_s3::upload::Crc64;
use ec2_stories_sim::Sim;

use super::steps::Steps;
use crate::seaweed::server::{Seaweed, config_of};

/// As one with every right.
pub(crate) fn config(seaweed: &Seaweed) -> SdkConfig {
    seaweed.config("AKIATESTER", "tester-secret")
}

/// The same, for another process, which knows only where the server is.
pub(crate) fn config_at(url: &str) -> SdkConfig {
    config_of(url, "AKIATESTER", "tester-secret")
}

/// Our client, whose steps are counted.
pub(crate) fn ours(config: &SdkConfig, steps: &Steps) -> S3 {
    S3::from_config(&config.clone().into_builder().http_client(steps.client(http_client())).build())
}

/// A server's view of one bucket.
pub(crate) struct Bucket {
    pub(crate) client: Client,
    pub(crate) name: String,
}

impl Bucket {
    /// A new bucket, seen by the SDK's own client.
    pub(crate) async fn create(config: &SdkConfig, name: &str) -> Self {
        let settings = aws_sdk_s3::config::Builder::from(config).force_path_style(true);
        let client = Client::from_conf(settings.build());
        client.create_bucket().bucket(name).send().await.unwrap();
        Self { client, name: name.to_owned() }
    }

    /// Size and checksum of what a download gives.
    pub(crate) async fn download(&self, key: &str) -> (u64, Crc64) {
        let mut object = self.client.get_object().bucket(&self.name).key(key).send().await.unwrap();
        let (mut size, mut crc) = (0, Crc64::default());
        while let Some(piece) = object.body.next().await {
            let piece = piece.unwrap();
            size += piece.len() as u64;
            crc = crc.then(Crc64::of(&piece), piece.len() as u64);
        }
        (size, crc)
    }

    /// Uploads in parts that were neither completed nor aborted, with the number of their parts.
    pub(crate) async fn unfinished(&self) -> Vec<(String, usize)> {
        let listed = self.client.list_multipart_uploads().bucket(&self.name).send().await.unwrap();
        let mut unfinished = Vec::new();
        for upload in listed.uploads() {
            let (key, id) = (upload.key().unwrap(), upload.upload_id().unwrap());
            let parts = self.client.list_parts().bucket(&self.name).key(key).upload_id(id).send().await;
            unfinished.push((id.to_owned(), parts.map_or(0, |parts| parts.parts().len())));
        }
        unfinished
    }
}

/// A simulation with a bucket.
pub(crate) async fn simulation() -> (Sim, Bucket) {
    let sim = Sim::builder().build();
    let bucket = Bucket::create(&sim.sdk_config(), "uploads").await;
    (sim, bucket)
}
