//! What is to be uploaded, to where, and how.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use bon::bon;
use bytes::Bytes;
use ec2_stories_core::provider::TupleStore;
use ec2_stories_core::{Error, Result};
use futures::{Stream, TryStreamExt};
use tokio::io::AsyncRead;
use tokio_util::io::StreamReader;

use super::file::SourceFile;
use super::plan::check_part_size;

/// Names of the object's metadata that are ours.
pub(crate) const TOKEN: &str = "ec2-stories-upload";
pub(crate) const SHA256: &str = "ec2-stories-sha256";

/// S3's limit.
const LONGEST_KEY: usize = 1024;

pub(crate) type Reader = Pin<Box<dyn AsyncRead + Send>>;

/// What is uploaded.
pub struct Content(pub(crate) Kind);

pub(crate) enum Kind {
    File(PathBuf),
    Opened(SourceFile),
    Bytes(Bytes),
    Stream(Reader),
}

impl Content {
    /// A file, which must not change while it is uploaded.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self(Kind::File(path.into()))
    }

    /// A file that was opened to look into it, and must still be what it was then.
    pub(crate) fn opened(file: SourceFile) -> Self {
        Self(Kind::Opened(file))
    }

    /// Bytes in memory.
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self(Kind::Bytes(bytes.into()))
    }

    /// Whatever comes, of unknown length, up to 7.8 TiB. Each part waits in a temporary file until S3 has it, as it may have to be
    /// sent again: the folder for such files (`TMPDIR`) must have room for as many parts as are sent at once.
    pub fn reader(reader: impl AsyncRead + Send + 'static) -> Self {
        Self(Kind::Stream(Box::pin(reader)))
    }

    /// As [`reader`](Self::reader), from a stream of pieces.
    pub fn stream(pieces: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static) -> Self {
        Self::reader(StreamReader::new(pieces.into_stream()))
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::File(path) => f.debug_tuple("File").field(path).finish(),
            Kind::Opened(file) => f.debug_tuple("File").field(&file.path()).finish(),
            Kind::Bytes(bytes) => f.debug_tuple("Bytes").field(&bytes.len()).finish(),
            Kind::Stream(_) => f.write_str("Stream"),
        }
    }
}

/// What becomes of an upload whose handle is dropped before it ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDrop {
    /// It stops, and its parts are removed.
    #[default]
    Cancel,
    /// It stops, and goes on where it was when the same is uploaded with the same journal. Without one, it is canceled.
    Keep,
}

/// An upload to be made.
#[derive(Debug)]
pub struct UploadSpec {
    pub(crate) content: Content,
    pub(crate) target: Target,
    pub(crate) journal: Option<Arc<dyn TupleStore>>,
    pub(crate) part_size: Option<u64>,
    pub(crate) connections: Option<u32>,
    pub(crate) on_drop: OnDrop,
}

/// The object that is to be.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) content_type: Option<String>,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) sha256: Option<String>,
    pub(crate) create_only: bool,
    pub(crate) replaces: Option<String>,
    pub(crate) send_again: bool,
}

#[bon]
impl UploadSpec {
    /// Describes an upload: `UploadSpec::builder().bucket("b").key("k").content(Content::file("disk.raw")).build()?`.
    ///
    /// # Errors
    /// [`Invalid`](ec2_stories_core::ErrorKind::Invalid) names the field.
    #[builder(start_fn = builder, finish_fn = build)]
    pub fn with(
        /// The bucket.
        #[builder(into)]
        bucket: String,
        /// The object's key.
        #[builder(into)]
        key: String,
        /// What is uploaded.
        content: Content,
        /// The object's media type.
        #[builder(into)]
        content_type: Option<String>,
        /// More about the object.
        #[builder(default)]
        metadata: BTreeMap<String, String>,
        /// SHA-256 of the content in hex, where it is known: it is kept with the object.
        #[builder(into)]
        sha256: Option<String>,
        /// Whether an object that is there already is an error (`Conflict`), and not replaced.
        #[builder(default)]
        create_only: bool,
        /// The ETag of the version that it is to replace: where another is there, or none, that is an error (`Conflict`).
        #[builder(into)]
        replaces: Option<String>,
        /// Whether to send what is there already, with the same size, checksum, type and metadata, once more.
        #[builder(default)]
        send_again: bool,
        /// Where to remember the upload of a file, so that it can go on after the process was killed.
        journal: Option<Arc<dyn TupleStore>>,
        /// Bytes a part; by default 8 MiB, and 16 MiB from 1 GiB on. Raised where 10,000 parts would not do.
        part_size: Option<u64>,
        /// How many parts are sent at once at most; by default as many as bring more throughput, up to 64.
        connections: Option<u32>,
        /// What becomes of it when its handle is dropped.
        #[builder(default)]
        on_drop: OnDrop,
    ) -> Result<Self> {
        if bucket.is_empty() {
            return Err(Error::invalid("bucket", "is empty"));
        }
        if key.is_empty() || key.len() > LONGEST_KEY {
            return Err(Error::invalid("key", format!("is not of 1 to {LONGEST_KEY} bytes")));
        }
        if let Some(name) =
            metadata.keys().find(|name| [TOKEN, SHA256].contains(&name.to_lowercase().as_str()))
        {
            return Err(Error::invalid(format!("metadata.{name}"), "is written by the upload itself"));
        }
        if let Some(hash) = &sha256 {
            check_sha256("sha256", hash)?;
        }
        if let Some(size) = part_size {
            check_part_size(size)?;
        }
        if connections == Some(0) {
            return Err(Error::invalid("connections", "must be at least 1"));
        }
        if create_only && replaces.is_some() {
            return Err(Error::invalid("replaces", "cannot be what create_only says is not there"));
        }
        let target =
            Target { bucket, key, content_type, metadata, sha256, create_only, replaces, send_again };
        Ok(Self { content, target, journal, part_size, connections, on_drop })
    }
}

pub(super) fn check_sha256(field: &str, hash: &str) -> Result<()> {
    match hex::decode(hash) {
        Ok(bytes) if bytes.len() == 32 => Ok(()),
        _ => Err(Error::invalid(field, "is not a SHA-256 in hex")),
    }
}

#[cfg(test)]
mod tests {
    use ec2_stories_core::ErrorKind;

    use super::*;

    #[test]
    fn a_field_that_s3_would_refuse_is_named() {
        let spec = || UploadSpec::builder().content(Content::bytes("x"));
        let field = |spec: Result<UploadSpec>| {
            let error = spec.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            error.resource().unwrap().to_owned()
        };
        assert_eq!(field(spec().bucket("").key("k").build()), "bucket");
        assert_eq!(field(spec().bucket("b").key("").build()), "key");
        assert_eq!(field(spec().bucket("b").key("k".repeat(1025)).build()), "key");
        assert_eq!(field(spec().bucket("b").key("k").sha256("abc").build()), "sha256");
        assert_eq!(field(spec().bucket("b").key("k").part_size(1).build()), "part_size");
        assert_eq!(field(spec().bucket("b").key("k").connections(0).build()), "connections");
        let ours = BTreeMap::from([("EC2-Stories-SHA256".to_owned(), "x".to_owned())]);
        assert_eq!(field(spec().bucket("b").key("k").metadata(ours).build()), "metadata.EC2-Stories-SHA256");
        assert_eq!(field(spec().bucket("b").key("k").create_only(true).replaces("e").build()), "replaces");
        assert!(spec().bucket("b").key("k").build().is_ok());
    }
}
