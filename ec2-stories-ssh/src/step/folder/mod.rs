//! A folder with all that is in it.

mod difference;

use std::path::PathBuf;

use async_trait::async_trait;
use ec2_stories_core::attributes::Reference;
use ec2_stories_core::{Error, Result};
use futures::stream::{self, StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};

use difference::{Difference, difference};

use super::file::check_name;
use super::host::Host;
use super::listing::{Listing, Local, Remote, RemoteKind, local, remote};
use super::payload::{Payload, unusable};
use super::place::{check_path, send};
use super::steps::{failure, refused};
use super::{Apply, is_false};
use crate::WriteOptions;

/// Files sent at once: each waits for a few answers of the host.
const AT_ONCE: usize = 8;

const OWNER: &str = r#"[ -n "$1" ] || exit 0
user=$(id -u -- "$1" 2>/dev/null) || { echo "the host has no user $1" >&2; exit 1; }
group=$(id -g -- "$1")
if [ -n "$2" ]; then
  group=$(getent group "$2" | cut -d: -f3)
  [ -n "$group" ] || { echo "the host has no group $2" >&2; exit 1; }
fi
echo "$user:$group""#;

// Each has the folder in `$1` and reads names that end with NUL. `./` before a name keeps it from being an option.
const MAKE: &str = r#"cd -- "$1" && xargs -0 -r mkdir --"#;
const REMOVE: &str = r#"cd -- "$1" && xargs -0 -r rm -rf --"#;
const REMOVE_EMPTY: &str = r#"cd -- "$1" 2>/dev/null || exit 0; xargs -0 -r rmdir --ignore-fail-on-non-empty -- 2>/dev/null; exit 0"#;
const LINK: &str = r#"cd -- "$1" && xargs -0 -r -n 2 ln -sT --"#;
const CHMOD: &str = r#"cd -- "$1" && xargs -0 -r chmod -- "$2""#;
const CHOWN: &str = r#"cd -- "$1" && xargs -0 -r chown -h -- "$2""#;
const PUT_ASIDE: &str =
    r#"umask 077; mkdir -p -- "$2" && cd -- "$1" && xargs -0 -r cp -a --parents -t "$2" --"#;
const PUT_BACK: &str = r#"set -e
[ ! -d "$2" ] || { mkdir -p -- "$1"; cp -a --remove-destination -- "$2/." "$1/"; rm -rf -- "$2"; }"#;

/// A folder of this machine, copied: its files, folders and links, with their permissions. Only what differs is sent, each file
/// at once. Links of the node are not followed, and a link that leads out of the folder is not sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Folder {
    path: String,
    source: PathBuf,
    #[serde(default, skip_serializing_if = "is_false")]
    exactly: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    undo: bool,
}

/// What this step did, for undo. What it replaced or removed is put aside.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Done {
    /// Made by it, those above before those within; the folder itself has an empty name.
    made: Vec<String>,
    put_aside: Vec<String>,
}

impl Folder {
    /// Copies `source`, a folder of this machine, to `path`.
    pub fn new(path: impl Into<String>, source: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            source: source.into(),
            exactly: false,
            owner: None,
            group: None,
            undo: false,
        }
    }

    /// Removes what is in the node's folder and not in the source.
    #[must_use]
    pub fn exactly(mut self) -> Self {
        self.exactly = true;
        self
    }

    /// All of it belongs to this user, and to that user's group where no group is said.
    #[must_use]
    pub fn owner(mut self, user: impl Into<String>) -> Self {
        self.owner = Some(user.into());
        self
    }

    /// All of it belongs to this group.
    #[must_use]
    pub fn group(mut self, group: impl Into<String>) -> Self {
        self.group = Some(group.into());
        self
    }

    /// Undo removes what this step made and puts back what it replaced and removed.
    #[must_use]
    pub fn undone(mut self) -> Self {
        self.undo = true;
        self
    }

    /// The folder of this machine that is sent.
    pub fn source_mut(&mut self) -> &mut PathBuf {
        &mut self.source
    }

    async fn owner_numbers(&self, host: &Host) -> Result<Option<(u32, u32)>> {
        let names = [self.owner.as_deref().unwrap_or_default(), self.group.as_deref().unwrap_or_default()];
        let said = host.script("look for the owner", OWNER, &names).await?.stdout.text();
        Ok(said.trim().split_once(':').and_then(|(user, group)| user.parse().ok().zip(group.parse().ok())))
    }

    async fn remember(
        &self,
        host: &mut Host,
        there: Option<&Listing<Remote>>,
        todo: &Difference,
    ) -> Result<()> {
        let mut done: Done = host.kept()?.unwrap_or_default();
        let exists = |name: &String| there.is_some_and(|there| there.contains_key(name));
        let touched = todo.folders.iter().chain(&todo.files).chain(todo.links.iter().map(|(name, _)| name));
        let is_ours = |done: &Done, name: &String| done.made.contains(name) || done.put_aside.contains(name);
        if there.is_none() && !done.made.contains(&String::new()) {
            done.made.push(String::new());
        }
        let mut aside = Vec::new();
        for name in touched.chain(&todo.remove) {
            if is_ours(&done, name) || aside.contains(name) {
                continue;
            }
            if exists(name) { aside.push(name.clone()) } else { done.made.push(name.clone()) }
        }
        if !aside.is_empty() {
            each(host, "put aside", PUT_ASIDE, &[&self.path, &host.aside()], &aside).await?;
            done.put_aside.extend(aside);
        }
        host.keep(&done).await
    }

    async fn bring_about(&self, host: &Host, wanted: &Listing<Local>, todo: &Difference) -> Result<()> {
        let path = self.path.as_str();
        host.script("make folder", r#"mkdir -p -- "$1""#, &[path]).await?;
        each(host, "remove", REMOVE, &[path], &todo.remove).await?;
        each(host, "make folders", MAKE, &[path], &todo.folders).await?;
        if !todo.links.is_empty() {
            let links: Vec<String> =
                todo.links.iter().flat_map(|(name, to)| [to.clone(), dotted(name)]).collect();
            host.feed("make links", LINK, &[path], joined(&links)).await?;
        }
        let mut files = Vec::with_capacity(todo.files.len());
        for name in &todo.files {
            files.push(self.send_one(host, wanted, name));
        }
        stream::iter(files).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
        for (mode, names) in &todo.modes {
            each(host, "set permissions", CHMOD, &[path, &format!("{mode:04o}")], names).await?;
        }
        Ok(())
    }

    async fn send_one(&self, host: &Host, wanted: &Listing<Local>, name: &str) -> Result<()> {
        let Some(Local::File { mode, payload }) = wanted.get(name) else { return Ok(()) };
        send(host, payload, &format!("{}/{name}", self.path), &WriteOptions::new().mode(*mode)).await
    }
}

/// Does something to each of these names.
async fn each(host: &Host, what: &str, script: &str, arguments: &[&str], names: &[String]) -> Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    host.feed(what, script, arguments, nul(names)).await.map(drop)
}

fn dotted(name: &str) -> String {
    format!("./{name}")
}

fn nul(names: &[String]) -> Vec<u8> {
    joined(&names.iter().map(|name| dotted(name)).collect::<Vec<_>>())
}

fn joined(words: &[String]) -> Vec<u8> {
    words.iter().flat_map(|word| word.bytes().chain([0])).collect()
}

#[async_trait]
impl Apply for Folder {
    fn title(&self) -> String {
        format!("folder {}", self.path)
    }

    fn key(&self) -> String {
        self.title()
    }

    fn check(&self) -> Result<()> {
        check_path("folder.path", &self.path)?;
        if self.source.as_os_str().is_empty() {
            return Err(refused("folder.source", "is empty"));
        }
        if self.group.is_some() && self.owner.is_none() {
            return Err(refused("folder.group", "needs an owner beside it"));
        }
        if self.exactly && self.path.matches('/').count() < 2 {
            return Err(Error::invalid("folder.exactly", format!("would empty the host's {}", self.path)));
        }
        check_name("folder.owner", self.owner.as_deref())?;
        check_name("folder.group", self.group.as_deref())
    }

    fn read_sources(&self) -> Result<Vec<Reference>> {
        match std::fs::read_dir(&self.source) {
            Ok(_) => Ok(Vec::new()),
            Err(error) => Err(unusable("folder.source", &self.source, &error)),
        }
    }

    fn is_undone(&self) -> bool {
        self.undo
    }

    async fn content(&self) -> Result<String> {
        let entries = local(&self.source).await?;
        let lines: Vec<String> =
            entries.iter().map(|(name, entry)| format!("{name:?} {}", entry.in_words())).collect();
        Ok(Payload::bytes(lines.join("\n")).hash)
    }

    async fn apply(&self, host: &mut Host) -> Result<bool> {
        let wanted = local(&self.source).await?;
        let owner = self.owner_numbers(host).await?;
        let there = remote(host, &self.path).await?;
        let todo = difference(&wanted, there.as_ref(), owner, self.exactly);
        if todo.is_empty() && there.is_some() {
            return Ok(false);
        }
        if self.undo {
            self.remember(host, there.as_ref(), &todo).await?;
        }
        host.about_to_change().await?;
        self.bring_about(host, &wanted, &todo).await?;
        if let Some((user, group)) = owner {
            // Not `todo`'s: a file that was replaced is root's again.
            let now = remote(host, &self.path).await?;
            let owners = difference(&wanted, now.as_ref(), owner, false).owners;
            each(host, "set owners", CHOWN, &[&self.path, &format!("{user}:{group}")], &owners).await?;
        }
        let now = remote(host, &self.path).await?;
        match difference(&wanted, now.as_ref(), owner, self.exactly) {
            left if left.is_empty() => Ok(true),
            left => {
                tracing::debug!(?left, folder = self.path, "a folder differs from what was sent");
                Err(failure(format!("{} is not what was sent: something else writes to it", self.path)))
            }
        }
    }

    async fn take_back(&self, host: &mut Host) -> Result<bool> {
        let Some(done) = host.kept::<Done>()? else { return Ok(false) };
        let there = remote(host, &self.path).await?.unwrap_or_default();
        let (folders, files): (Vec<String>, Vec<String>) = done
            .made
            .iter()
            .filter(|name| there.contains_key(*name))
            .cloned()
            .partition(|name| there[name].kind == RemoteKind::Folder);
        each(host, "remove", REMOVE, &[&self.path], &files).await?;
        // Those within before those above.
        let mut inner: Vec<String> = folders.into_iter().filter(|name| !name.is_empty()).collect();
        inner.sort_by(|a, b| b.cmp(a));
        each(host, "remove folders", REMOVE_EMPTY, &[&self.path], &inner).await?;
        host.script("put back", PUT_BACK, &[&self.path, &host.aside()]).await?;
        if done.made.contains(&String::new()) {
            let script = r#"[ ! -d "$1" ] || rmdir --ignore-fail-on-non-empty -- "$1""#;
            host.script("remove the folder", script, &[&self.path]).await?;
        }
        host.forget().await?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_not_emptied() {
        assert!(Folder::new("/etc", "x").exactly().check().is_err());
        Folder::new("/srv/www", "x").exactly().check().unwrap();
    }
}
