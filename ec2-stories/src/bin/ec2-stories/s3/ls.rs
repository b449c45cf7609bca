//! `ec2-stories s3 ls`

use ec2_stories::s3::{Entry, Listed};
use ec2_stories::terminal::say;
use futures::TryStreamExt;

use super::address::Address;
use super::args::{At, LsArgs};
use super::connect::connect;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render;

pub(super) async fn run(at: At, args: LsArgs) -> Result<Exit, Failure> {
    let s3 = connect(&at).await?;
    let Some(below) = args.below else {
        for bucket in s3.bucket_names().await? {
            if at.json {
                say(render::json(&serde_json::json!({ "bucket": bucket }))?);
            } else {
                say(format_args!("s3://{bucket}"));
            }
        }
        return Ok(Exit::Done);
    };
    let bucket = s3.bucket(&below.bucket);
    if args.recursive {
        let mut objects = bucket.list(&below.key);
        while let Some(object) = objects.try_next().await? {
            show(&at, &below, &Entry::Object(object))?;
        }
    } else {
        let mut entries = bucket.browse(&below.key, "/");
        while let Some(entry) = entries.try_next().await? {
            show(&at, &below, &entry)?;
        }
    }
    Ok(Exit::Done)
}

fn show(at: &At, below: &Address, entry: &Entry) -> Result<(), Failure> {
    match (entry, at.json) {
        (Entry::Object(object), true) => say(render::json(&serde_json::json!({
            "bucket": below.bucket,
            "key": object.key,
            "bytes": object.bytes,
            "etag": object.etag,
            "modified": object.modified.map(|at| at.to_string()),
        }))?),
        (Entry::Folder(prefix), true) => {
            say(render::json(&serde_json::json!({ "bucket": below.bucket, "prefix": prefix }))?);
        }
        (Entry::Object(Listed { key, bytes, modified, .. }), false) => {
            let modified = modified.map(|at| at.to_string()).unwrap_or_default();
            say(format_args!("{bytes:>14} {modified:20} s3://{}/{}", below.bucket, shown(key)));
        }
        (Entry::Folder(prefix), false) => {
            say(format_args!("{:>14} {:20} s3://{}/{}", "", "", below.bucket, shown(prefix)));
        }
    }
    Ok(())
}

/// A key as one line that leaves the terminal as it is.
fn shown(key: &str) -> String {
    key.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn a_key_cannot_write_to_the_terminal() {
        assert_eq!(shown("a\n\u{1b}[2Jä b"), "a\\n\\u{1b}[2Jä b");
    }
}
