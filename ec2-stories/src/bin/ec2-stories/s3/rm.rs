//! `ec2-stories s3 rm`

use ec2_stories::terminal::{note, say};

use super::args::{At, RmArgs};
use super::connect::{bucket, object};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render;

pub(super) async fn run(at: At, args: RmArgs) -> Result<Exit, Failure> {
    let RmArgs { object: address, recursive } = args;
    if !recursive {
        object(&address)?;
    }
    let bucket = bucket(&at, &address).await?;
    let (removed, failed) = if recursive {
        let emptied = bucket.delete_below(&address.key).await?;
        (emptied.removed, emptied.failed)
    } else {
        bucket.delete(&address.key).await?;
        (1, Vec::new())
    };
    for failure in &failed {
        note(format_args!("error: s3://{}/{:?}: {}", address.bucket, failure.key, failure.why));
    }
    if at.json {
        say(render::json(&serde_json::json!({ "removed": removed, "failed": failed.len() }))?);
    } else if recursive {
        say(format_args!("{removed} removed"));
    }
    Ok(if failed.is_empty() { Exit::Done } else { Exit::NotClean })
}
