//! The file that is uploaded, and whether it is still the one that was opened.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ec2_stories_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

/// What tells a file from another, and from itself when it was written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fingerprint {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) size: u64,
    pub(crate) modified_seconds: i64,
    pub(crate) modified_nanoseconds: i64,
}

impl From<&Metadata> for Fingerprint {
    fn from(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified_seconds: metadata.mtime(),
            modified_nanoseconds: metadata.mtime_nsec(),
        }
    }
}

/// An open file. Clones share one descriptor; all reads say where.
#[derive(Clone, Debug)]
pub(crate) struct SourceFile {
    file: Arc<File>,
    path: Arc<Path>,
    pub(crate) fingerprint: Fingerprint,
}

impl SourceFile {
    pub(crate) async fn open(path: PathBuf) -> Result<Self> {
        blocking(move || {
            let opened = File::open(&path).and_then(|file| Ok((file.metadata()?, file)));
            let (metadata, file) = opened.map_err(|error| unreadable(&path, error))?;
            if !metadata.is_file() {
                let why = format!("{}: is not a file: hand other content over as a stream", path.display());
                return Err(Error::new(ErrorKind::Invalid, why).on(path.display().to_string()));
            }
            let fingerprint = Fingerprint::from(&metadata);
            Ok(Self { file: Arc::new(file), path: path.into(), fingerprint })
        })
        .await
    }

    pub(crate) fn descriptor(&self) -> &Arc<File> {
        &self.file
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the descriptor, and what is behind the path now, are as they were when the file was opened.
    ///
    /// # Errors
    /// `Conflict` when the file changed.
    pub(crate) async fn check_unchanged(&self) -> Result<()> {
        let this = self.clone();
        blocking(move || {
            let now = this.file.metadata().map_err(|error| unreadable(&this.path, error))?;
            let by_name = std::fs::metadata(&this.path).map_err(|_| changed(&this.path))?;
            let same = [&now, &by_name].into_iter().all(|now| Fingerprint::from(now) == this.fingerprint);
            if same { Ok(()) } else { Err(changed(&this.path)) }
        })
        .await
    }
}

/// Reads all of `space` at `offset`.
pub(crate) fn read_exactly(file: &File, space: &mut [u8], offset: u64) -> io::Result<()> {
    file.read_exact_at(space, offset)
}

/// Reads all of `space` at `offset` if that does not wait for the disk; `false` where it would.
#[cfg(target_os = "linux")]
pub(crate) fn read_cached(file: &File, space: &mut [u8], offset: u64) -> bool {
    use rustix::io::{ReadWriteFlags, preadv2};
    let wanted = space.len();
    let read = preadv2(file, &mut [io::IoSliceMut::new(space)], offset, ReadWriteFlags::NOWAIT);
    read == Ok(wanted)
}

/// Only Linux can tell.
#[cfg(not(target_os = "linux"))]
pub(crate) fn read_cached(_: &File, _: &mut [u8], _: u64) -> bool {
    false
}

pub(crate) fn changed(path: &Path) -> Error {
    Error::new(ErrorKind::Conflict, "the file changed while it was uploaded").on(path.display().to_string())
}

pub(crate) fn unreadable(path: &Path, error: io::Error) -> Error {
    Error::new(ErrorKind::Io, "cannot be read").during("upload").on(path.display().to_string()).because(error)
}

/// Does work that may wait for a disk or takes a while on a thread of its own.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(Error::new(ErrorKind::Canceled, "the runtime is shutting down")))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[tokio::test]
    async fn a_change_is_noticed_behind_the_descriptor_and_behind_the_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("image");
        std::fs::write(&path, "one").unwrap();
        let source = SourceFile::open(path.clone()).await.unwrap();
        source.check_unchanged().await.unwrap();

        let other = folder.path().join("other");
        std::fs::write(&other, "two").unwrap();
        std::fs::rename(&other, &path).unwrap();
        assert_eq!(source.check_unchanged().await.unwrap_err().kind(), ErrorKind::Conflict);

        let source = SourceFile::open(path.clone()).await.unwrap();
        std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"more").unwrap();
        assert_eq!(source.check_unchanged().await.unwrap_err().kind(), ErrorKind::Conflict);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(source.check_unchanged().await.unwrap_err().kind(), ErrorKind::Conflict);
    }

    #[tokio::test]
    async fn what_is_no_file_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let refused = SourceFile::open(folder.path().to_owned()).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Invalid);
        let missing = SourceFile::open(folder.path().join("missing")).await.unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::Io);
        assert!(missing.to_string().contains("missing"), "{missing}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn cached_bytes_are_read_without_waiting_and_short_ones_are_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("image");
        std::fs::write(&path, "0123456789").unwrap();
        let file = File::open(path).unwrap();
        let mut space = [0; 4];
        // A file system without RWF_NOWAIT reads nothing.
        if read_cached(&file, &mut space, 2) {
            assert_eq!(&space, b"2345");
        }
        assert!(!read_cached(&file, &mut space, 8));
    }
}
