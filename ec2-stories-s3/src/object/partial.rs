//! A file on its way: the object's bytes, what object it is, and a mark for each part that is there.
//!
//! A mark may reach the disk before the bytes that it is about, when the machine dies: it is their checksum, and who goes on
//! compares.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use ec2_stories_core::{Error, ErrorKind, Result};
use sha2::{Digest, Sha256};

use crate::upload::Crc64;
use crate::upload::crc::RunningCrc;

/// The least size of a part; larger ones where there would be more than [`MOST_PARTS`].
const PART: u64 = 8 * 1024 * 1024;
const MOST_PARTS: u64 = 10_000;

/// Bytes of the SHA-256 that says which object it is, after the object's own.
const IDENTITY: u64 = 32;

/// Bytes of a mark: whether the part is there, and its checksum.
const MARK: u64 = 1 + 8;
const THERE: u8 = 1;

#[derive(Debug)]
pub(super) struct Partial {
    file: Arc<File>,
    path: PathBuf,
    target: PathBuf,
    bytes: u64,
    part: u64,
    /// The checksums in the marks as they were found.
    found: Vec<Option<Crc64>>,
}

impl Partial {
    /// Opens what an earlier try at the same object left, or begins.
    pub(super) async fn open(target: &Path, identity: &str, bytes: u64) -> Result<Self> {
        let Some(name) = target.file_name() else {
            return Err(Error::invalid("path", format!("{} names no file", target.display())));
        };
        let mut beside = OsString::from(".");
        beside.push(name);
        beside.push(".ec2-stories-partial");
        let path = target.with_file_name(beside);
        let (target, identity) = (target.to_owned(), Sha256::digest(identity.as_bytes()));
        let wanted = target.clone();
        let part = PART.max(bytes.div_ceil(MOST_PARTS));
        blocking(&path.clone(), move || {
            if wanted.is_dir() {
                return Err(io::ErrorKind::IsADirectory.into());
            }
            let file = locked(&path)?;
            let parts = bytes.div_ceil(part);
            let length = bytes + IDENTITY + parts * MARK;
            let mut marks = vec![0; usize::try_from(parts * MARK).map_err(io::Error::other)?];
            let mut there = [0; IDENTITY as usize];
            if file.metadata()?.len() == length {
                file.read_exact_at(&mut there, bytes)?;
            }
            if there[..] == identity[..] {
                file.read_exact_at(&mut marks, bytes + IDENTITY)?;
            } else {
                // Nothing of another object may stay.
                file.set_len(0)?;
                file.set_len(length)?;
                file.write_all_at(&identity, bytes)?;
            }
            let found = marks.chunks_exact(MARK as usize).map(noted).collect();
            Ok(Self { file: Arc::new(file), path, target, bytes, part, found })
        })
        .await
    }

    pub(super) fn parts(&self) -> u64 {
        self.found.len() as u64
    }

    pub(super) fn range(&self, part: u64) -> Range<u64> {
        part * self.part..self.bytes.min((part + 1) * self.part)
    }

    /// The checksum of a part that was there at the beginning. `None` also where its bytes are not what the mark says.
    pub(super) async fn there(&self, part: u64) -> Result<Option<Crc64>> {
        let noted = usize::try_from(part).ok().and_then(|part| self.found.get(part).copied().flatten());
        match noted {
            Some(noted) => Ok(Some(self.checksum(part).await?).filter(|there| *there == noted)),
            None => Ok(None),
        }
    }

    pub(super) async fn write(&self, at: u64, bytes: Bytes) -> Result<()> {
        self.with_file(move |file| file.write_all_at(&bytes, at)).await
    }

    /// Marks a part as being there.
    pub(super) async fn done(&self, part: u64, crc: Crc64) -> Result<()> {
        let at = self.bytes + IDENTITY + part * MARK;
        let mut mark = [THERE; MARK as usize];
        mark[1..].copy_from_slice(&crc.0.to_be_bytes());
        self.with_file(move |file| file.write_all_at(&mark, at)).await
    }

    async fn checksum(&self, part: u64) -> Result<Crc64> {
        let range = self.range(part);
        self.with_file(move |file| {
            let mut crc = RunningCrc::new();
            let mut buffer = vec![0; 256 * 1024];
            let mut at = range.start;
            while at < range.end {
                let rest = usize::try_from(range.end - at).unwrap_or(usize::MAX).min(buffer.len());
                file.read_exact_at(&mut buffer[..rest], at)?;
                crc.update(&buffer[..rest]);
                at += rest as u64;
            }
            Ok(crc.value())
        })
        .await
    }

    /// Gives the file its name, once it is safe on the disk.
    pub(super) async fn finish(&self) -> Result<()> {
        let (bytes, path, target) = (self.bytes, self.path.clone(), self.target.clone());
        self.with_file(move |file| {
            file.set_len(bytes)?;
            file.sync_all()?;
            std::fs::rename(&path, &target)?;
            let directory = target.parent().filter(|parent| !parent.as_os_str().is_empty());
            File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
        })
        .await
    }

    /// Removes the file.
    pub(super) async fn discard(&self) -> Result<()> {
        let path = self.path.clone();
        blocking(&self.path, move || std::fs::remove_file(path)).await
    }

    async fn with_file<T: Send + 'static>(
        &self,
        work: impl FnOnce(&File) -> io::Result<T> + Send + 'static,
    ) -> Result<T> {
        let file = self.file.clone();
        blocking(&self.path, move || work(&file)).await
    }
}

/// What a mark says.
fn noted(mark: &[u8]) -> Option<Crc64> {
    let (_, crc) = mark.split_first().filter(|(there, _)| **there == THERE)?;
    Some(Crc64(u64::from_be_bytes(crc.try_into().ok()?)))
}

/// The file of this name, which nobody else has locked.
fn locked(path: &Path) -> io::Result<File> {
    loop {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            // Who held the lock may have given the file its final name since it was opened here: it is whole, and no part of it
            // may be touched.
            Ok(()) if !is_at(&file, path)? => {}
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => return Err(io::ErrorKind::ResourceBusy.into()),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

/// Whether the open file still has this name.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let own = file.metadata()?;
    match std::fs::metadata(path) {
        Ok(there) => Ok((own.dev(), own.ino()) == (there.dev(), there.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

async fn blocking<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await.map_err(io::Error::other).flatten();
    done.map_err(|error| {
        let (kind, why) = match error.kind() {
            io::ErrorKind::ResourceBusy => (ErrorKind::InUse, "another fetches into it"),
            io::ErrorKind::IsADirectory => {
                (ErrorKind::Io, "there is a folder of that name: name a file in it")
            }
            _ => (ErrorKind::Io, "cannot be written"),
        };
        Error::new(kind, why).during("fetch").on(path.display().to_string()).because(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_there_is_found_again_for_the_same_object_only() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("image");
        let bytes = PART + 3;
        let partial = Partial::open(&target, "a", bytes).await.unwrap();
        assert_eq!((partial.parts(), partial.there(1).await.unwrap()), (2, None));
        partial.write(PART, Bytes::from_static(b"end")).await.unwrap();
        let crc = Crc64::of(b"end");
        partial.done(1, crc).await.unwrap();
        let error = Partial::open(&target, "a", bytes).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InUse);
        drop(partial);
        let again = Partial::open(&target, "a", bytes).await.unwrap();
        assert_eq!((again.there(0).await.unwrap(), again.there(1).await.unwrap()), (None, Some(crc)));
        again.write(PART, Bytes::from_static(b"\0nd")).await.unwrap();
        assert_eq!(again.there(1).await.unwrap(), None, "bytes that never reached the disk");
        drop(again);
        let other = Partial::open(&target, "b", bytes).await.unwrap();
        assert_eq!(other.there(1).await.unwrap(), None);
        assert_eq!(other.checksum(1).await.unwrap(), Crc64::of(&[0; 3]));
        other.finish().await.unwrap();
        assert_eq!(std::fs::metadata(&target).unwrap().len(), bytes);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_got_another_name_is_not_the_partial_one_any_more() {
        let directory = tempfile::tempdir().unwrap();
        let (path, target) = (directory.path().join("partial"), directory.path().join("whole"));
        let opened = File::create(&path).unwrap();
        assert!(is_at(&opened, &path).unwrap());
        std::fs::rename(&path, &target).unwrap();
        assert!(!is_at(&opened, &path).unwrap(), "it is gone");
        drop(locked(&path).unwrap());
        assert!(!is_at(&opened, &path).unwrap(), "it is another");
    }

    #[tokio::test]
    async fn a_folder_is_no_file_to_fetch_into() {
        let directory = tempfile::tempdir().unwrap();
        let error = Partial::open(directory.path(), "a", 1).await.unwrap_err();
        assert!(error.kind() == ErrorKind::Io && error.to_string().contains("folder"), "{error}");
    }

    #[tokio::test]
    async fn a_path_that_names_no_file_is_refused() {
        let error = Partial::open(Path::new("/"), "a", 1).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }
}
