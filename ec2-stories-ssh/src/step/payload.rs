//! What is sent to a file.

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use ec2_stories_core::{Error, ErrorKind, Result};
use sha2::{Digest, Sha256};
use tokio::fs;
use tokio::io::{AsyncRead, AsyncReadExt};

/// What is sent to a file, its size and its SHA-256 in hexadecimal digits.
#[derive(Clone, Debug)]
pub(super) struct Payload {
    source: Source,
    pub(super) size: u64,
    pub(super) hash: String,
}

#[derive(Clone, Debug)]
enum Source {
    Bytes(Bytes),
    File(PathBuf),
}

impl Payload {
    pub(super) fn bytes(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self {
            size: bytes.len() as u64,
            hash: hex::encode(Sha256::digest(&bytes)),
            source: Source::Bytes(bytes),
        }
    }

    /// A file of this machine, which is read piece by piece.
    pub(super) async fn file(path: &Path) -> Result<Self> {
        let read = async {
            let mut file = fs::File::open(path).await?;
            let (mut hash, mut size) = (Sha256::new(), 0);
            let mut piece = vec![0; 256 * 1024];
            loop {
                let read = file.read(&mut piece).await?;
                if read == 0 {
                    return io::Result::Ok((hex::encode(hash.finalize()), size));
                }
                hash.update(&piece[..read]);
                size += read as u64;
            }
        };
        let (hash, size) = read.await.map_err(|error| unreadable(path, error))?;
        Ok(Self { source: Source::File(path.to_owned()), size, hash })
    }

    pub(super) async fn reader(&self) -> Result<Box<dyn AsyncRead + Send + Unpin>> {
        Ok(match &self.source {
            Source::Bytes(bytes) => Box::new(io::Cursor::new(bytes.clone())),
            Source::File(path) => {
                Box::new(fs::File::open(path).await.map_err(|error| unreadable(path, error))?)
            }
        })
    }
}

/// As [`unreadable`], before anything is sent: the description is wrong.
pub(super) fn unusable(field: &str, path: &Path, error: &io::Error) -> Error {
    Error::invalid(field, format!("{}: {error}", path.display()))
}

pub(super) fn unreadable(path: &Path, error: io::Error) -> Error {
    Error::new(ErrorKind::Io, "what should be sent cannot be read")
        .on(path.display().to_string())
        .because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_and_its_bytes_are_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("é '\n");
        let content: Vec<u8> = (0..=255).cycle().take(700_001).collect();
        std::fs::write(&path, &content).unwrap();
        let (file, bytes) = (Payload::file(&path).await.unwrap(), Payload::bytes(content.clone()));
        assert_eq!((file.size, &file.hash), (bytes.size, &bytes.hash));
        let mut read = Vec::new();
        file.reader().await.unwrap().read_to_end(&mut read).await.unwrap();
        assert_eq!(read, content);
        let error = Payload::file(&folder.path().join("none")).await.unwrap_err();
        assert!(error.to_string().contains("none"), "{error}");
    }
}
