//! `ec2-stories s3 gc`

use ec2_stories::terminal::say;

use super::args::{At, GcArgs};
use super::connect::bucket;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render;

pub(super) async fn run(at: At, args: GcArgs) -> Result<Exit, Failure> {
    let GcArgs { below, older_than, dry_run } = args;
    let bucket = bucket(&at, &below).await?;
    let stale = if dry_run {
        bucket.stale_uploads(&below.key, older_than).await?
    } else {
        bucket.gc(&below.key, older_than).await?
    };
    for upload in &stale {
        let began = upload.initiated.map(|at| at.to_string());
        if at.json {
            say(render::json(&serde_json::json!({
                "bucket": below.bucket,
                "key": upload.key,
                "upload_id": upload.upload_id,
                "initiated": began,
                "removed": !dry_run,
            }))?);
        } else {
            let what = if dry_run { "would be removed" } else { "removed" };
            say(format_args!(
                "s3://{}/{}: begun {}: {what}",
                below.bucket,
                upload.key,
                began.unwrap_or_default()
            ));
        }
    }
    Ok(Exit::Done)
}
