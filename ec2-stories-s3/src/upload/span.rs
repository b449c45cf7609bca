//! Bytes that can be read as often as a part has to be sent.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use ec2_stories_core::Result;
use md5::{Digest, Md5};
use sha2::Sha256;

use super::buffers::{Buffers, CHUNK};
use super::crc::{Crc64, RunningCrc};
use super::file::{SourceFile, blocking, changed, read_exactly, unreadable};

/// The bytes of a part.
#[derive(Clone, Debug)]
pub(crate) enum Span {
    /// Of the file that is uploaded.
    Source { file: SourceFile, start: u64, length: u64 },
    /// A file of our own, which has them from its beginning.
    Spooled { file: Arc<File>, length: u64 },
    /// In memory.
    Memory(Bytes),
}

impl Span {
    pub(crate) fn length(&self) -> u64 {
        match self {
            Self::Source { length, .. } | Self::Spooled { length, .. } => *length,
            Self::Memory(bytes) => bytes.len() as u64,
        }
    }

    /// The file that they are in, and where it begins there.
    pub(crate) fn file(&self) -> Option<(&Arc<File>, u64)> {
        match self {
            Self::Source { file, start, .. } => Some((file.descriptor(), *start)),
            Self::Spooled { file, .. } => Some((file, 0)),
            Self::Memory(_) => None,
        }
    }

    /// What it means that they could not be read: a file that ends too soon has changed.
    pub(crate) fn unreadable(&self, error: io::Error) -> ec2_stories_core::Error {
        let path = match self {
            Self::Source { file, .. } => file.path(),
            _ => Path::new("temporary file"),
        };
        if error.kind() == io::ErrorKind::UnexpectedEof { changed(path) } else { unreadable(path, error) }
    }

    /// What it means that they are not what they were when they were read before.
    pub(crate) fn changed(&self) -> ec2_stories_core::Error {
        self.unreadable(io::ErrorKind::UnexpectedEof.into())
    }

    /// Their checksum. From a file, they are in the page cache afterwards, where sending finds them.
    ///
    /// # Errors
    /// `Conflict` where the file is shorter than it was, `Io` where it cannot be read.
    pub(crate) async fn checksum(&self, buffers: &Buffers) -> Result<Crc64> {
        let this = self.clone();
        let buffers = buffers.clone();
        blocking(move || {
            let mut crc = RunningCrc::new();
            this.for_each(&buffers, |piece| crc.update(piece)).map_err(|error| this.unreadable(error))?;
            Ok(crc.value())
        })
        .await
    }

    /// Their MD5 in hex, which is the ETag of a part that is not encrypted.
    ///
    /// # Errors
    /// As [`checksum`](Self::checksum).
    pub(crate) async fn md5(&self, buffers: &Buffers) -> Result<String> {
        self.digest::<Md5>(buffers).await
    }

    /// Their SHA-256 in hex.
    ///
    /// # Errors
    /// As [`checksum`](Self::checksum).
    pub(crate) async fn sha256(&self, buffers: &Buffers) -> Result<String> {
        self.digest::<Sha256>(buffers).await
    }

    async fn digest<D: Digest>(&self, buffers: &Buffers) -> Result<String> {
        let this = self.clone();
        let buffers = buffers.clone();
        blocking(move || {
            let mut digest = D::new();
            this.for_each(&buffers, |piece| digest.update(piece)).map_err(|error| this.unreadable(error))?;
            Ok(hex::encode(digest.finalize()))
        })
        .await
    }

    fn for_each(&self, buffers: &Buffers, mut take: impl FnMut(&[u8])) -> io::Result<()> {
        let (file, start) = match self {
            Self::Source { file, start, .. } => (file.descriptor(), *start),
            Self::Spooled { file, .. } => (file, 0),
            Self::Memory(bytes) => {
                take(bytes);
                return Ok(());
            }
        };
        let mut buffer = buffers.take();
        let mut at = 0;
        while at < self.length() {
            let length = (self.length() - at).min(CHUNK as u64) as usize;
            let space = &mut buffer.space()[..length];
            read_exactly(file, space, start + at)?;
            take(space);
            at += length as u64;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ec2_stories_core::ErrorKind;

    use super::*;

    #[tokio::test]
    async fn the_checksum_is_that_of_the_very_bytes() {
        let content: Vec<u8> = (0..3 * CHUNK + 17).map(|at| (at % 251) as u8).collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("image");
        std::fs::write(&path, &content).unwrap();
        let file = SourceFile::open(path).await.unwrap();
        let buffers = Buffers::default();
        for (start, length) in [(0, content.len()), (1, CHUNK), (CHUNK - 1, CHUNK + 2), (5, 0)] {
            let span = Span::Source { file: file.clone(), start: start as u64, length: length as u64 };
            assert_eq!(span.checksum(&buffers).await.unwrap(), Crc64::of(&content[start..start + length]));
        }
        let beyond = Span::Source { file, start: 1, length: content.len() as u64 };
        assert_eq!(beyond.checksum(&buffers).await.unwrap_err().kind(), ErrorKind::Conflict);
        let memory = Span::Memory(Bytes::from(content.clone()));
        assert_eq!(memory.checksum(&buffers).await.unwrap(), Crc64::of(&content));
    }
}
