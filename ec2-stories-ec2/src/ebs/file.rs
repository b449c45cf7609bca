//! Whether a file is still the one that was opened.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use ec2_stories_core::image::ImageSource;
use ec2_stories_core::{Error, ErrorKind, Result};

/// What changes when a file does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
}

impl Identity {
    pub(super) fn of(path: &Path) -> Result<Self> {
        let metadata = fs::metadata(path).map_err(|error| unreadable(path, error))?;
        Ok(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            bytes: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        })
    }

    /// Refuses a file that is not of the size that was inspected.
    pub(super) fn must_be(&self, source: &ImageSource) -> Result<()> {
        if self.bytes == source.bytes() { Ok(()) } else { Err(changed(source.path())) }
    }

    pub(super) fn must_be_unchanged(&self, path: &Path) -> Result<()> {
        if Self::of(path)? == *self { Ok(()) } else { Err(changed(path)) }
    }
}

pub(super) fn unreadable(path: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, "cannot be read").during("upload").on(path.display().to_string()).because(error)
}

pub(super) fn changed(path: &Path) -> Error {
    let why = "the file changed since it was opened; upload it when nothing writes to it";
    Error::new(ErrorKind::Conflict, why).during("upload").on(path.display().to_string())
}
