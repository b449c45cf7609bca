//! What is known of a file.

use russh_sftp::protocol::{FileAttributes, FileType};

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// A file with content.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A device, a socket, a pipe.
    Other,
}

/// What is known of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileStat {
    /// What it is.
    pub kind: FileKind,
    /// Its size in bytes.
    pub size: u64,
    /// Its permission bits, the special ones included.
    pub mode: u32,
    /// The number of its owner.
    pub user: u32,
    /// The number of its group.
    pub group: u32,
    /// When its content was changed last, in seconds since 1970.
    pub modified: u32,
}

/// A file in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name in the folder.
    pub name: String,
    /// What is known of it; of a link, not of what it leads to.
    pub stat: FileStat,
}

impl FileStat {
    pub(super) fn of(attributes: &FileAttributes) -> Self {
        Self {
            kind: match attributes.file_type() {
                FileType::File => FileKind::File,
                FileType::Dir => FileKind::Folder,
                FileType::Symlink => FileKind::Link,
                FileType::Other => FileKind::Other,
            },
            size: attributes.size.unwrap_or(0),
            mode: attributes.permissions.unwrap_or(0) & 0o7777,
            user: attributes.uid.unwrap_or(0),
            group: attributes.gid.unwrap_or(0),
            modified: attributes.mtime.unwrap_or(0),
        }
    }
}

/// Text as SSH writes it: its length, then its bytes (RFC 4251, section 5).
pub(super) fn text(text: &str) -> Vec<u8> {
    let mut written = u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes().to_vec();
    written.extend_from_slice(text.as_bytes());
    written
}
