//! Tuples on files.

mod disk;
mod layout;
mod record;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;

use self::disk::Disk;
use super::check_name;
use crate::provider::{Expect, Tuple, TupleStore, Version};
use crate::{Error, ErrorKind, Result, Status};

/// Tuples on files of one directory, for a journal on a local disk.
///
/// - A tuple is a file of its own: a header with the format's version, the tuple's name and version and a SHA-256 checksum, then
///   the value. A tuple that is damaged, cut off, of an unknown format or under another's name is
///   [`Corrupt`](ErrorKind::Corrupt), with its path; [`Expect::Anything`] overwrites or deletes it.
/// - A change is written beside, synced, renamed over the old file, and the directory synced: a crash leaves the old tuple or the
///   new one. What it leaves beside is removed by the next [`open`](Self::open).
/// - Changes exclude each other, between processes too, by a lock on a file in the directory.
/// - Where the file system takes `A` and `a` for the same, names that differ only in case must not be used: a tuple that it
///   takes for another is refused with [`Invalid`](ErrorKind::Invalid). Network file systems are as safe as their locks and
///   renames are.
/// - Files and directories are made for their owner only. A call runs on tokio's threads for blocking work.
#[derive(Clone, Debug)]
pub struct FileStore(Arc<Disk>);

impl FileStore {
    /// Opens the store in `directory`, making it where it is missing.
    ///
    /// It blocks for as long as another process is changing a tuple.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when the directory cannot be made or used.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self> {
        Ok(Self(Arc::new(Disk::open(directory.into())?)))
    }

    /// Its directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.0.directory()
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Disk) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let disk = self.0.clone();
        tokio::task::spawn_blocking(move || work(&disk)).await.unwrap_or_else(|error| {
            let why = "the blocking task was cut off";
            Err(Error::new(ErrorKind::Io, why).status(Status::Ambiguous).because(error))
        })
    }
}

#[async_trait]
impl TupleStore for FileStore {
    async fn get(&self, name: &str) -> Result<Option<Tuple>> {
        check_name(name)?;
        let name = name.to_owned();
        self.blocking(move |disk| disk.get(&name)).await
    }

    async fn put(&self, name: &str, value: &[u8], expect: Expect) -> Result<Version> {
        check_name(name)?;
        let (name, value) = (name.to_owned(), value.to_vec());
        self.blocking(move |disk| disk.put(&name, &value, &expect)).await
    }

    async fn delete(&self, name: &str, expect: Expect) -> Result<()> {
        check_name(name)?;
        let name = name.to_owned();
        self.blocking(move |disk| disk.delete(&name, &expect)).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>> {
        let prefix = prefix.to_owned();
        self.blocking(move |disk| disk.list(&prefix)).await
    }
}
