//! What the tests of uploads share.

use std::sync::Arc;

use aws_sdk_s3::Client;
use ec2_stories_core::account::StaticAccount;
use ec2_stories_core::aws::{http_client, sdk_config};
use ec2_stories_s3::S3;
use ec2_stories_s3::upload::Crc64;

use super::steps::Steps;
use super::weed::{KEY, SECRET};

/// The SDK's own client, to look from the side.
pub(crate) fn client(endpoint: &str) -> Client {
    let credentials = aws_sdk_s3::config::Credentials::new(KEY, SECRET, None, None, "test");
    let config = aws_sdk_s3::Config::builder()
        .behavior_version_latest()
        .region(aws_sdk_s3::config::Region::new("us-east-1"))
        .credentials_provider(credentials)
        .endpoint_url(endpoint)
        .force_path_style(true)
        .http_client(http_client());
    Client::from_conf(config.build())
}

/// Ours, whose steps are counted.
pub(crate) async fn ours(endpoint: &str, steps: &Steps) -> S3 {
    let account = StaticAccount::new(KEY, SECRET, "us-east-1");
    let config = sdk_config(Arc::new(account)).await.unwrap();
    let config = config.into_builder().http_client(steps.client(http_client())).build();
    S3::builder().config(&config).endpoint_url(endpoint).build()
}

/// A server's view of one bucket.
pub(crate) struct Bucket {
    pub(crate) client: Client,
    pub(crate) name: String,
}

impl Bucket {
    pub(crate) async fn create(client: Client, name: &str) -> Self {
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
