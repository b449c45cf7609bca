//! A file that is fit to be uploaded.

use std::path::{Path, PathBuf};

use super::{ImageFormat, Inspection, inspect};
use crate::{Error, Result};

/// An image file that was inspected, and that EC2 can import.
///
/// What was seen is of the moment of the inspection: an uploader checks that the file is still that size, and that it does
/// not change midway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageSource {
    path: PathBuf,
    seen: Inspection,
}

impl ImageSource {
    /// Opens and inspects an image file. It reads what describes the disk, not the disk.
    ///
    /// # Errors
    /// [`Io`](crate::ErrorKind::Io) where the file cannot be read. [`Invalid`](crate::ErrorKind::Invalid), with the reason and
    /// what to do, for a file that is truncated, damaged or no disk image, and for one that EC2 cannot import.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let seen = inspect(&path)?;
        match &seen.refusal {
            None => Ok(Self { path, seen }),
            Some(why) => {
                Err(Error::invalid(path.display(), format!("{why}; {}", remedy(&path, seen.format))))
            }
        }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its format.
    #[must_use]
    pub fn format(&self) -> ImageFormat {
        self.seen.format
    }

    /// The file's size.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.seen.bytes
    }

    /// The disk's size.
    #[must_use]
    pub fn virtual_bytes(&self) -> u64 {
        self.seen.virtual_bytes
    }

    /// SHA-256 of the file, in hex. Reads all of it; a reading that nobody waits for any more ends soon.
    ///
    /// # Errors
    /// [`Io`](crate::ErrorKind::Io) where it cannot be read; [`Conflict`](crate::ErrorKind::Conflict) where it is not of the
    /// size any more that it was opened with.
    pub async fn content_hash(&self) -> Result<String> {
        super::hash::of_file(&self.path, self.bytes()).await
    }

    /// What may keep it from booting.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.seen.warnings
    }
}

/// The command that makes an image of it that EC2 can import.
fn remedy(path: &Path, format: ImageFormat) -> String {
    let (options, to) = match format {
        ImageFormat::Vmdk => ("-O vmdk -o subformat=streamOptimized", "stream.vmdk"),
        _ => ("-O raw", "raw"),
    };
    let to = path.with_extension(to);
    format!("convert it: qemu-img convert {options} '{}' '{}'", path.display(), to.display())
}
