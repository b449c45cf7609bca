//! The store's work on the disk; all of it blocks.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::super::met;
use super::{layout, record};
use crate::provider::{Expect, Tuple, Version};
use crate::{Error, ErrorKind, Result, Status};

#[derive(Debug)]
pub(super) struct Disk {
    root: PathBuf,
}

impl Disk {
    pub(super) fn open(root: PathBuf) -> Result<Self> {
        let disk = Self { root };
        let scratch = layout::scratch(&disk.root);
        make_directory(&scratch).map_err(|error| failed("open", &disk.root, error))?;
        // Whoever writes there holds the lock: what is left is from a process that died.
        let _lock = disk.lock("open")?;
        let emptied = fs::read_dir(&scratch)
            .and_then(|mut left| left.try_for_each(|file| fs::remove_file(file?.path())));
        emptied.map_err(|error| failed("open", &scratch, error))?;
        Ok(disk)
    }

    pub(super) fn directory(&self) -> &Path {
        &self.root
    }

    pub(super) fn get(&self, name: &str) -> Result<Option<Tuple>> {
        self.read("get", name)
    }

    pub(super) fn put(&self, name: &str, value: &[u8], expect: &Expect) -> Result<Version> {
        let _lock = self.lock("put")?;
        self.check("put", name, expect)?;
        let version = Version(format!("{:032x}", rand::random::<u128>()));
        let tuple = Tuple { value: value.to_vec(), version: version.clone() };
        let path = layout::path(&self.root, name);
        self.replace(&path, &record::encode(name, &tuple)).map_err(|error| failed("put", &path, error))?;
        self.settle("put", &path)?;
        Ok(version)
    }

    pub(super) fn delete(&self, name: &str, expect: &Expect) -> Result<()> {
        let _lock = self.lock("delete")?;
        self.check("delete", name, expect)?;
        let path = layout::path(&self.root, name);
        match fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed("delete", &path, error)),
        }
        self.settle("delete", &path)?;
        // Directories that it was the last file of; one that is not empty ends the climb.
        let parents = path.ancestors().skip(1).take_while(|parent| *parent != self.root);
        parents.take_while(|parent| fs::remove_dir(parent).is_ok()).for_each(drop);
        Ok(())
    }

    pub(super) fn list(&self, prefix: &str) -> Result<Vec<String>> {
        layout::names(&self.root, prefix).map_err(|error| failed("list", &self.root, error))
    }

    /// Excludes changes by others until it is dropped.
    fn lock(&self, operation: &str) -> Result<File> {
        let path = layout::lock_file(&self.root);
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let locked = file.and_then(|file| file.lock().map(|()| file));
        locked.map_err(|error| failed(operation, &path, error))
    }

    /// Whether what is there is what the change expects. Only a change that expects something minds damage.
    fn check(&self, operation: &str, name: &str, expect: &Expect) -> Result<()> {
        let current = match self.read(operation, name) {
            Err(error) if error.kind() == ErrorKind::Corrupt && *expect == Expect::Anything => None,
            current => current?,
        };
        met(name, current.as_ref().map(|tuple| &tuple.version), expect)
            .map_err(|error| error.during(operation))
    }

    fn read(&self, operation: &str, name: &str) -> Result<Option<Tuple>> {
        let path = layout::path(&self.root, name);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(failed(operation, &path, error)),
        };
        let wrong = |kind, why: String| {
            Error::new(kind, format!("{} ({})", why, path.display())).during(operation).on(name)
        };
        match record::decode(&bytes) {
            Ok((stored, tuple)) if stored == name => Ok(Some(tuple)),
            Ok((stored, _)) if stored.eq_ignore_ascii_case(name) => {
                Err(wrong(ErrorKind::Invalid, format!("the file system takes it for {stored:?}")))
            }
            Ok((stored, _)) => Err(wrong(ErrorKind::Corrupt, format!("its file holds {stored:?}"))),
            Err(why) => Err(wrong(ErrorKind::Corrupt, why)),
        }
    }

    /// Writes beside, syncs, renames.
    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let parent = path.parent().unwrap_or(&self.root);
        if !parent.is_dir() {
            make_directory(parent)?;
            // The new directories' own entries must survive a crash as well.
            for made in parent.ancestors().take_while(|made| *made != self.root) {
                sync_directory(made.parent().unwrap_or(&self.root))?;
            }
        }
        let mut file = tempfile::NamedTempFile::new_in(layout::scratch(&self.root))?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    }

    /// Makes the change of a directory's entry last. It is visible already: failing here leaves it in doubt.
    fn settle(&self, operation: &str, path: &Path) -> Result<()> {
        sync_directory(path.parent().unwrap_or(&self.root))
            .map_err(|error| failed(operation, path, error).status(Status::Ambiguous))
    }
}

fn make_directory(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)
}

/// Directories can be synced on Unix only.
fn sync_directory(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

/// Nothing there, or a file where the name has a directory.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn failed(operation: &str, path: &Path, error: io::Error) -> Error {
    Error::new(ErrorKind::Io, "the file system refused")
        .during(operation)
        .on(path.display().to_string())
        .because(error)
}
