//! Our client, in a process of its own.

use std::error::Error;
use std::sync::Arc;

use ec2_stories_core::account::StaticAccount;
use ec2_stories_s3::S3;
use ec2_stories_s3::upload::{Content, Upload, UploadSpec};

pub(crate) async fn upload(url: &str, path: &str) -> Result<(), Box<dyn Error>> {
    let account = StaticAccount::new("AKIABENCHMARK0000000", "benchmark", "us-east-1");
    let config = ec2_stories_core::aws::sdk_config(Arc::new(account)).await?;
    let s3 = S3::builder().config(&config).endpoint_url(url).build();
    let spec = UploadSpec::builder().bucket("bench").key("key").content(Content::file(path));
    Upload::start(&s3, spec.build()?).await?;
    Ok(())
}
