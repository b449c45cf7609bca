//! An object into a file: in parts side by side, resumed where it was cut off, checked before it gets its name.

use std::path::Path;
use std::sync::Arc;

use bon::Builder;
use bytes::BytesMut;
use ec2_stories_core::{Error, ErrorKind, Result};
use futures::{StreamExt, TryStreamExt, stream};

use super::cursor::{Cursor, differs};
use super::partial::Partial;
use super::{ObjectInfo, key};
use crate::bucket::Bucket;
use crate::progress::ProgressSender;
use crate::upload::crc::RunningCrc;
use crate::upload::{Crc64, Progress};

/// How much of a part is held before it is written.
const WRITTEN_AT_ONCE: usize = 1024 * 1024;

/// How an object is fetched.
#[derive(Builder, Clone, Debug)]
pub struct FetchOptions {
    /// How many parts are fetched side by side. Each holds 1 MiB of memory.
    #[builder(default = 8)]
    pub connections: usize,
    /// Where to say how far it is: read from S3, given to the file, and acknowledged part by part.
    pub progress: Option<ProgressSender>,
}

impl Default for FetchOptions {
    fn default() -> Self {
        Self::builder().build()
    }
}

/// An object that is in a file now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// What it is.
    pub info: ObjectInfo,
    /// The checksum of the file.
    pub crc: Crc64,
    /// Whether that was compared with one that the server keeps.
    pub verified: bool,
    /// How many bytes were there from an earlier try.
    pub resumed: u64,
}

impl Bucket {
    /// Fetches an object into a file.
    ///
    /// # Errors
    /// As [`fetch_with`](Self::fetch_with).
    pub async fn fetch(&self, key: &str, path: impl AsRef<Path>) -> Result<Fetched> {
        self.fetch_with(key, path, FetchOptions::default()).await
    }

    /// Fetches an object into a file, replacing what is there.
    ///
    /// Parts come in side by side into a file beside the wanted one, `.NAME.ec2-stories-partial`. When all are there
    /// and the checksum over the whole is the server's, it gets its name: nobody sees half an object. What was cut off,
    /// dropped or killed leaves that file, and the next fetch of the same version of the object goes on with it.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound), [`Io`](ErrorKind::Io) for the file, [`InUse`](ErrorKind::InUse) while another
    /// fetches into it, [`Conflict`](ErrorKind::Conflict) when the object is replaced meanwhile,
    /// [`Corrupt`](ErrorKind::Corrupt) when the checksum differs, and the service's own.
    pub async fn fetch_with(
        &self,
        key: &str,
        path: impl AsRef<Path>,
        options: FetchOptions,
    ) -> Result<Fetched> {
        key::check(key)?;
        let missing = || Error::new(ErrorKind::NotFound, "does not exist").during("GetObject");
        let info = self.head(key).await?.ok_or_else(|| missing().on(self.object_address(key)))?;
        let identity = format!("{}\n{}", self.object_address(key), info.etag);
        let partial = Arc::new(Partial::open(path.as_ref(), &identity, info.bytes).await?);
        let told = Told(options.progress);
        told.tell(|progress| progress.total = Some(info.bytes));
        let parts =
            stream::iter(0..partial.parts()).map(|part| self.fetch_part(&info, &partial, part, &told));
        let parts: Vec<Part> = parts.buffered(options.connections.max(1)).try_collect().await?;
        let resumed = parts.iter().filter(|part| part.resumed).map(|part| part.length).sum();
        let crc = parts.iter().fold(Crc64::default(), |whole, part| whole.then(part.crc, part.length));
        if let Some(expected) = info.crc.filter(|expected| *expected != crc) {
            partial.discard().await?;
            return Err(differs(expected, crc, &self.object_address(key)));
        }
        partial.finish().await?;
        Ok(Fetched { verified: info.crc.is_some(), info, crc, resumed })
    }

    /// Fetches a part unless it is there.
    async fn fetch_part(
        &self,
        info: &ObjectInfo,
        partial: &Arc<Partial>,
        part: u64,
        told: &Told,
    ) -> Result<Part> {
        let range = partial.range(part);
        let (mut at, length) = (range.start, range.end - range.start);
        if let Some(crc) = partial.there(part).await? {
            told.tell(|progress| {
                progress.read += length;
                progress.sent += length;
                progress.acknowledged += length;
            });
            return Ok(Part { crc, length, resumed: true });
        }
        let mut cursor = Cursor::new(self, info, range);
        let mut crc = RunningCrc::new();
        let mut buffer = BytesMut::new();
        loop {
            let next = cursor.next().await?;
            let ended = next.is_none();
            if let Some(bytes) = next {
                told.tell(|progress| progress.read += bytes.len() as u64);
                crc.update(&bytes);
                buffer.extend_from_slice(&bytes);
            }
            if buffer.len() >= WRITTEN_AT_ONCE || (ended && !buffer.is_empty()) {
                let bytes = buffer.split().freeze();
                let written = bytes.len() as u64;
                partial.write(at, bytes).await?;
                at += written;
                told.tell(|progress| progress.sent += written);
            }
            if ended {
                break;
            }
        }
        let crc = crc.value();
        partial.done(part, crc).await?;
        told.tell(|progress| progress.acknowledged += length);
        Ok(Part { crc, length, resumed: false })
    }
}

/// A part that is there.
struct Part {
    crc: Crc64,
    length: u64,
    /// An earlier try fetched it.
    resumed: bool,
}

/// Who is told how far it is, if anybody.
struct Told(Option<ProgressSender>);

impl Told {
    fn tell(&self, change: impl FnOnce(&mut Progress)) {
        if let Some(sender) = &self.0 {
            sender.send_modify(change);
        }
    }
}
