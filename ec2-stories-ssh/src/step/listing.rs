//! What is in a folder: of this machine, and of a node.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ec2_stories_core::{Error, ErrorKind, Result};

use super::host::Host;
use super::payload::{Payload, unreadable};
use crate::links::stays_within;

/// `$1` is the folder. Records of what is in it, itself included under an empty name, and the hashes of files; all ends with NUL,
/// and the two parts with an empty record. Nothing is followed.
const LIST: &str = r#"cd -- "$1" 2>/dev/null || { [ ! -e "$1" ] && [ ! -L "$1" ] && exit 0; echo 'is not a folder' >&2; exit 1; }
find -P . -printf '%y %m %U:%G %l\0%P\0' || exit 1
printf '\0'
find -P . -type f -print0 | xargs -0 -r sha256sum -z -- || exit 1"#;

/// A file, folder or link, by its path within the folder.
pub(super) type Listing<T> = BTreeMap<String, T>;

/// What shall be there.
#[derive(Clone, Debug)]
pub(super) enum Local {
    Folder { mode: u32 },
    File { mode: u32, payload: Payload },
    Link { to: String },
}

impl Local {
    /// What a copy of it differs by.
    pub(super) fn in_words(&self) -> String {
        match self {
            Self::Folder { mode } => format!("folder {mode:o}"),
            Self::File { mode, payload } => format!("file {mode:o} {}", payload.hash),
            Self::Link { to } => format!("link {to:?}"),
        }
    }
}

/// What is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Remote {
    pub(super) kind: RemoteKind,
    pub(super) mode: u32,
    pub(super) owner: (u32, u32),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RemoteKind {
    Folder,
    File { hash: String },
    Link { to: String },
    Other,
}

/// Reads a folder of this machine. A link that leads out of it is refused.
pub(super) async fn local(root: &Path) -> Result<Listing<Local>> {
    let mut listing = Listing::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let path = root.join(&folder);
        let mut entries = tokio::fs::read_dir(&path).await.map_err(|error| unreadable(&path, error))?;
        while let Some(entry) = entries.next_entry().await.map_err(|error| unreadable(&path, error))? {
            let (inner, path) = (folder.join(entry.file_name()), entry.path());
            let name = inner.to_str().ok_or_else(|| refused(&path, "its name is not UTF-8"))?.to_owned();
            let found = tokio::fs::symlink_metadata(&path).await.map_err(|error| unreadable(&path, error))?;
            let mode = found.permissions().mode() & 0o7777;
            let local = if found.is_dir() {
                folders.push(inner);
                Local::Folder { mode }
            } else if found.is_file() {
                Local::File { mode, payload: Payload::file(&path).await? }
            } else if found.is_symlink() {
                let to = tokio::fs::read_link(&path).await.map_err(|error| unreadable(&path, error))?;
                Local::Link {
                    to: to
                        .to_str()
                        .ok_or_else(|| refused(&path, "it leads to a name that is not UTF-8"))?
                        .to_owned(),
                }
            } else {
                return Err(refused(&path, "it is neither file, folder nor link"));
            };
            listing.insert(name, local);
        }
    }
    let link = |at: &Path| match listing.get(at.to_str()?) {
        Some(Local::Link { to }) => Some(PathBuf::from(to)),
        _ => None,
    };
    for (name, local) in &listing {
        if let Local::Link { to } = local
            && !stays_within(Path::new(name), Path::new(to), link)
        {
            return Err(refused(&root.join(name), "it leads out of the folder"));
        }
    }
    Ok(listing)
}

fn refused(path: &Path, why: &str) -> Error {
    Error::new(ErrorKind::Invalid, format!("folder.source: {} cannot be sent: {why}", path.display()))
}

/// Reads a folder of the node; `None` if there is none.
pub(super) async fn remote(host: &Host, folder: &str) -> Result<Option<Listing<Remote>>> {
    let output = host.script("list", LIST, &[folder]).await?;
    if output.stdout.cut() > 0 {
        return Err(Error::new(ErrorKind::Limit, "there are too many files in the folder").on(folder));
    }
    let bytes = output.stdout.bytes();
    if bytes.is_empty() {
        return Ok(None);
    }
    let text = String::from_utf8(bytes).map_err(|_| {
        Error::new(ErrorKind::Unsupported, "a file in the node's folder has a name that is not UTF-8")
            .on(folder)
    })?;
    let listing = parse(&text);
    listing
        .map(Some)
        .ok_or_else(|| Error::new(ErrorKind::Unexpected, "the host's list is damaged").on(folder))
}

fn parse(text: &str) -> Option<Listing<Remote>> {
    let mut records = text.split('\0');
    let mut listing = Listing::new();
    loop {
        let about = records.next()?;
        if about.is_empty() {
            break;
        }
        let name = records.next()?;
        let (kind, rest) = about.split_once(' ')?;
        let (mode, rest) = rest.split_once(' ')?;
        let (owner, to) = rest.split_once(' ')?;
        let (user, group) = owner.split_once(':')?;
        let kind = match kind {
            "d" => RemoteKind::Folder,
            "f" => RemoteKind::File { hash: String::new() },
            "l" => RemoteKind::Link { to: to.to_owned() },
            _ => RemoteKind::Other,
        };
        let mode = u32::from_str_radix(mode, 8).ok()?;
        let owner = (user.parse().ok()?, group.parse().ok()?);
        listing.insert(name.to_owned(), Remote { kind, mode, owner });
    }
    for record in records.filter(|record| !record.is_empty()) {
        let (hash, name) = record.split_once("  ./")?;
        if let Some(Remote { kind: RemoteKind::File { hash: found }, .. }) = listing.get_mut(name) {
            hash.clone_into(found);
        }
    }
    Some(listing)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_hosts_list_is_read_whatever_the_names_are() {
        let text = "d 755 0:0 \0\0f 644 1000:100 \0a b\nc'\0l 777 0:0 ../x y\0link\0\0abc  ./a b\nc'\0";
        let listing = parse(text).unwrap();
        assert_eq!(listing["a b\nc'"].kind, RemoteKind::File { hash: "abc".to_owned() });
        assert_eq!((listing["a b\nc'"].mode, listing["a b\nc'"].owner), (0o644, (1000, 100)));
        assert_eq!(listing["link"].kind, RemoteKind::Link { to: "../x y".to_owned() });
        assert_eq!(listing[""].kind, RemoteKind::Folder);
        assert_eq!(parse("d 755"), None);
    }

    #[tokio::test]
    async fn links_that_lead_out_are_refused() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("sub")).unwrap();
        symlink("../file", root.path().join("sub/in")).unwrap();
        assert!(
            matches!(&local(root.path()).await.unwrap()["sub/in"], Local::Link { to } if to == "../file")
        );
        for to in ["../../etc", "/etc/passwd"] {
            let _ = std::fs::remove_file(root.path().join("sub/out"));
            symlink(to, root.path().join("sub/out")).unwrap();
            let error = local(root.path()).await.unwrap_err();
            assert!(error.to_string().contains("leads out"), "{error}");
        }
    }
}
