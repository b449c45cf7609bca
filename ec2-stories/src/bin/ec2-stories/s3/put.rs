//! `ec2-stories s3 put`

use std::path::Path;
use std::sync::Arc;

use ec2_stories::FileStore;
use ec2_stories::s3::upload::{Content, Upload, UploadSpec, Uploaded};
use ec2_stories::terminal::{Interrupts, Transfer, input, note, say};

use super::address::Address;
use super::args::{At, PutArgs};
use super::connect::connect;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render;

pub(super) async fn run(at: At, args: PutArgs) -> Result<Exit, Failure> {
    let PutArgs { file, mut to, create_only, content_type, state } = args;
    let from_input = file == Path::new("-");
    if !from_input && file.is_dir() {
        let (folder, to) = (file.display(), to.to_string());
        let to = to.trim_end_matches('/');
        let why = format!(
            "{folder} is a folder: send its files one by one, or all in one object: \
             tar -c -C '{folder}' . | ec2-stories s3 put - {to}/{}.tar",
            file.file_name().unwrap_or("folder".as_ref()).display()
        );
        return Err(Failure::new(Exit::Usage, why));
    }
    if to.key.is_empty() || to.key.ends_with('/') {
        let name = file.file_name().filter(|_| !from_input).and_then(|name| name.to_str());
        let name = name.ok_or_else(|| {
            Failure::new(Exit::Usage, format!("{to} names no object: end it with a key, such as {to}name"))
        })?;
        to.key.push_str(name);
    }
    let s3 = connect(&at).await?;
    let mut interrupts = Interrupts::listen()?;
    let content = if from_input { Content::reader(input()?) } else { Content::file(&file) };
    // What comes from standard input cannot be had again.
    let journal =
        if from_input { None } else { Some(Arc::new(FileStore::open(state.join("uploads"))?) as Arc<_>) };
    let spec = UploadSpec::builder()
        .bucket(&to.bucket)
        .key(&to.key)
        .content(content)
        .create_only(create_only)
        .maybe_content_type(content_type)
        .maybe_journal(journal)
        .build()?;
    let upload = Upload::start(&s3, spec);
    let bar = Transfer::follow(ec2_stories::s3::watched(upload.progress()));
    let mut progress = upload.progress();
    let ended = tokio::select! {
        biased;
        // The channel closes when the upload has ended.
        () = async { while progress.changed().await.is_ok() {} } => upload.join().await,
        () = interrupts.next() => {
            drop(bar);
            note("stopping; once more leaves parts behind, which `ec2-stories s3 gc` removes");
            tokio::select! {
                canceled = upload.cancel() => canceled?,
                () = interrupts.next() => {}
            }
            return Ok(Exit::Interrupted);
        }
    };
    drop(bar);
    show(&at, &to, &ended?)
}

fn show(at: &At, to: &Address, uploaded: &Uploaded) -> Result<Exit, Failure> {
    if at.json {
        say(render::json(&serde_json::json!({
            "bucket": to.bucket,
            "key": to.key,
            "bytes": uploaded.size,
            "sent": uploaded.sent,
            "etag": uploaded.etag,
            "crc64nvme": uploaded.crc64nvme.to_base64(),
        }))?);
    } else if uploaded.sent == 0 && uploaded.size > 0 {
        say(format_args!("{to}: was there already, {} bytes", uploaded.size));
    } else {
        say(format_args!("{to}: {} bytes", uploaded.size));
    }
    Ok(Exit::Done)
}
