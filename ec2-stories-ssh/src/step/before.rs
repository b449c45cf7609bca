//! What was at a path before a step came, put aside so that it can be put back.

use ec2_stories_core::Result;
use serde::{Deserialize, Serialize};

use super::host::Host;

/// `$1` is the path, `$2` where it is put aside.
const PUT_ASIDE: &str = r#"set -e
umask 077
if [ ! -e "$1" ] && [ ! -L "$1" ]; then echo absent; exit 0; fi
mkdir -p -- "${2%/*}"
rm -rf -- "$2" "$2.new"
cp -a -- "$1" "$2.new"
mv -f -- "$2.new" "$2"
echo there"#;

/// It comes under a name of its own, in a folder that was not there, and is moved to its place at once.
const PUT_BACK: &str = r#"set -e
new=$(mktemp -d -- "${1%/*}/.ec2-stories-XXXXXXXXXXXX")
trap 'rm -rf -- "$new"' EXIT
trap 'exit 143' HUP INT TERM
cp -a -- "$2" "$new/before"
mv -fT -- "$new/before" "$1"
rm -rf -- "$2""#;

const REMOVE: &str = r#"rm -f -- "$1""#;

/// What was at a file's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Before {
    Absent,
    There,
}

/// Puts a file aside, unless an earlier run has. Called before the first change.
pub(super) async fn put_aside(host: &mut Host, path: &str) -> Result<()> {
    if host.kept::<Before>()?.is_some() {
        return Ok(());
    }
    let output = host.script("put aside", PUT_ASIDE, &[path, &host.aside()]).await?;
    let before = if output.stdout.text().trim() == "there" { Before::There } else { Before::Absent };
    host.keep(&before).await
}

/// Puts back what was there. Returns whether there was anything to do.
pub(super) async fn put_back(host: &mut Host, path: &str) -> Result<bool> {
    match host.kept::<Before>()? {
        None => return Ok(false),
        Some(Before::Absent) => host.script("remove", REMOVE, &[path]).await?,
        Some(Before::There) => host.script("put back", PUT_BACK, &[path, &host.aside()]).await?,
    };
    host.forget().await?;
    Ok(true)
}
