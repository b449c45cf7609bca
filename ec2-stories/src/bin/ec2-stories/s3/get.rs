//! `ec2-stories s3 get`

use std::path::Path;

use ec2_stories::s3::{Bucket, FetchOptions, progress};
use ec2_stories::terminal::{self, Interrupts, Transfer, note, say};
use ec2_stories::{Error, ErrorKind};
use futures::TryStreamExt;
use tokio::io::AsyncWriteExt;

use super::address::Address;
use super::args::{At, GetArgs};
use super::connect::{bucket, connect, object};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render;

pub(super) async fn run(at: At, args: GetArgs) -> Result<Exit, Failure> {
    let GetArgs { from, file } = args;
    object(&from)?;
    let bucket = bucket(&at, &from).await?;
    if file == Path::new("-") {
        return to_output(&bucket, &from.key).await;
    }
    let file = if file.is_dir() {
        if matches!(from.name(), "" | "." | "..") {
            return Err(Failure::new(Exit::Usage, format!("{from} names no file: say which")));
        }
        file.join(from.name())
    } else if file.to_string_lossy().ends_with('/') {
        return Err(Failure::new(
            Exit::Usage,
            format!("{}: there is no such folder: make it first", file.display()),
        ));
    } else {
        file
    };
    let mut interrupts = Interrupts::listen()?;
    let (sender, events) = progress();
    let bar = Transfer::follow(events);
    let options = FetchOptions::builder().progress(sender).build();
    let fetched = tokio::select! {
        fetched = bucket.fetch_with(&from.key, &file, options) => match fetched {
            Ok(fetched) => fetched,
            Err(error) => return Err(missing(&at, &from, error).await),
        },
        () = interrupts.next() => {
            drop(bar);
            note("stopped; the same command goes on where it was");
            return Ok(Exit::Interrupted);
        }
    };
    drop(bar);
    if at.json {
        say(render::json(&serde_json::json!({
            "bucket": from.bucket,
            "key": from.key,
            "file": file,
            "bytes": fetched.info.bytes,
            "resumed": fetched.resumed,
            "etag": fetched.info.etag,
            "crc64nvme": fetched.crc.to_base64(),
            "verified": fetched.verified,
        }))?);
    } else {
        say(format_args!("{}: {} bytes", file.display(), fetched.info.bytes));
    }
    Ok(Exit::Done)
}

/// S3 does not say whether it is the object or the bucket that is not there.
async fn missing(at: &At, from: &Address, error: Error) -> Failure {
    if error.kind() == ErrorKind::NotFound
        && let Ok(s3) = connect(at).await
        && let Ok(None) = s3.find_bucket(&from.bucket).await
    {
        return Failure::new(Exit::Failed, format!("there is no bucket s3://{}", from.bucket));
    }
    error.into()
}

/// A checksum that differs is told after the bytes: who reads them has to look at how this ended.
async fn to_output(bucket: &Bucket, key: &str) -> Result<Exit, Failure> {
    let mut reading = bucket.read(key).await?;
    let mut output = terminal::output()?;
    let unwritten = |error: std::io::Error| Failure::new(Exit::Failed, format!("standard output: {error}"));
    while let Some(bytes) = reading.try_next().await? {
        output.write_all(&bytes).await.map_err(unwritten)?;
    }
    output.flush().await.map_err(unwritten)?;
    Ok(Exit::Done)
}
