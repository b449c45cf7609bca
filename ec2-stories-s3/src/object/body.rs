//! What is to be stored.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;

use bytes::{Bytes, BytesMut};
use ec2_stories_core::{Error, ErrorKind, Result};
use futures::Stream;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio_util::io::StreamReader;

/// An object's content: bytes, a file, or a stream of which nobody knows how long it is.
pub struct Body(pub(crate) Source);

pub(crate) enum Source {
    Bytes(Bytes),
    File(PathBuf),
    Reader(Reader),
}

/// Bytes from somewhere.
pub(crate) type Reader = Pin<Box<dyn AsyncRead + Send>>;

impl Body {
    /// A file.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self(Source::File(path.into()))
    }

    /// Everything up to the reader's end.
    #[must_use]
    pub fn reader(reader: impl AsyncRead + Send + 'static) -> Self {
        Self(Source::Reader(Box::pin(reader)))
    }

    /// Everything up to the stream's end.
    #[must_use]
    pub fn stream(stream: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Self {
        Self::reader(StreamReader::new(stream))
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::Bytes(bytes) => write!(f, "Body({} bytes)", bytes.len()),
            Source::File(path) => write!(f, "Body({})", path.display()),
            Source::Reader(_) => f.write_str("Body(stream)"),
        }
    }
}

impl<B: Into<Bytes>> From<B> for Body {
    fn from(bytes: B) -> Self {
        Self(Source::Bytes(bytes.into()))
    }
}

/// Reads until the end or `limit` bytes are there.
pub(super) async fn read_up_to(reader: &mut Reader, limit: usize, from: &str) -> Result<Bytes> {
    let mut buffer = BytesMut::new();
    while buffer.len() < limit {
        let room = (limit - buffer.len()) as u64;
        let read = reader.take(room).read_buf(&mut buffer).await;
        if read.map_err(|error| unreadable(from, error))? == 0 {
            break;
        }
    }
    Ok(buffer.freeze())
}

pub(super) fn unreadable(from: &str, error: io::Error) -> Error {
    Error::new(ErrorKind::Io, "cannot be read").during("put").on(from).because(error)
}
