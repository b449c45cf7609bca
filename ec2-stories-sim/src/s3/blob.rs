//! The bytes of objects: small ones in memory, the rest in one temporary file, so that they cost no memory.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::{Bytes, BytesMut};
use futures::{Stream, stream};
use nix::fcntl::{FallocateFlags, fallocate};

/// Objects up to this size stay in memory.
const SMALL: usize = 64 << 10;
/// What is written to the file at once.
const CHUNK: usize = 1 << 20;
/// What is read from the file at once.
const READ: u64 = 256 << 10;

/// An unnamed temporary file that only grows at its end; what is dropped leaves a hole behind.
#[derive(Debug, Default)]
pub(crate) struct Spool {
    file: OnceLock<File>,
    end: AtomicU64,
}

impl Spool {
    fn file(&self) -> io::Result<&File> {
        if self.file.get().is_none() {
            // A second file that loses the race is gone with its handle.
            let _ = self.file.set(tempfile::tempfile()?);
        }
        self.file.get().ok_or_else(|| io::Error::other("no spool file"))
    }

    fn append(self: &Arc<Self>, bytes: &[u8]) -> io::Result<Extent> {
        let len = bytes.len() as u64;
        let offset = self.end.fetch_add(len, Ordering::Relaxed);
        self.file()?.write_all_at(bytes, offset)?;
        Ok(Extent { spool: self.clone(), offset, len })
    }
}

/// A stretch of the file that somebody still needs.
#[derive(Debug)]
struct Extent {
    spool: Arc<Spool>,
    offset: u64,
    len: u64,
}

impl Drop for Extent {
    fn drop(&mut self) {
        let (Ok(offset), Ok(len)) = (i64::try_from(self.offset), i64::try_from(self.len)) else { return };
        if let Some(file) = self.spool.file.get() {
            let hole = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
            // A file system without holes keeps the bytes until the simulation ends.
            let _ = fallocate(file, hole, offset, len);
        }
    }
}

#[derive(Clone, Debug)]
enum Source {
    Memory(Bytes),
    /// A stretch and where in it this piece starts.
    Spooled(Arc<Extent>, u64),
    Zeros,
}

#[derive(Clone, Debug)]
struct Piece {
    source: Source,
    len: u64,
}

impl Piece {
    fn slice(&self, from: u64, len: u64) -> Self {
        let source = match &self.source {
            Source::Memory(bytes) => Source::Memory(bytes.slice(from as usize..(from + len) as usize)),
            Source::Spooled(extent, start) => Source::Spooled(extent.clone(), start + from),
            Source::Zeros => Source::Zeros,
        };
        Self { source, len }
    }

    fn read(&self) -> io::Result<Bytes> {
        match &self.source {
            Source::Memory(bytes) => Ok(bytes.clone()),
            Source::Zeros => Ok(Bytes::from(vec![0; self.len as usize])),
            Source::Spooled(extent, start) => {
                let mut bytes = BytesMut::zeroed(self.len as usize);
                extent.spool.file()?.read_exact_at(&mut bytes, extent.offset + start)?;
                Ok(bytes.freeze())
            }
        }
    }
}

/// Bytes that do not change. Clones and slices share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Blob {
    pieces: Vec<Piece>,
    len: u64,
}

impl Blob {
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    pub(crate) fn append(&mut self, other: &Self) {
        self.pieces.extend_from_slice(&other.pieces);
        self.len += other.len;
    }

    pub(crate) fn slice(&self, range: Range<u64>) -> Self {
        let mut slice = Self::default();
        let mut at = 0;
        for piece in &self.pieces {
            let from = range.start.clamp(at, at + piece.len) - at;
            let to = range.end.clamp(at, at + piece.len) - at;
            if from < to {
                slice.pieces.push(piece.slice(from, to - from));
                slice.len += to - from;
            }
            at += piece.len;
        }
        slice
    }

    /// All bytes at once, for those who know that they are few.
    pub(crate) fn bytes(&self) -> io::Result<Vec<u8>> {
        let pieces = self.pieces.iter().map(Piece::read).collect::<io::Result<Vec<Bytes>>>()?;
        Ok(pieces.concat())
    }

    /// The bytes in order, a little at a time.
    pub(crate) fn read(self) -> impl Stream<Item = io::Result<Bytes>> + Send + Sync + use<> {
        let parts = self.pieces.into_iter().flat_map(|piece| {
            let cut = (0..piece.len).step_by(READ as usize);
            cut.map(move |from| piece.slice(from, READ.min(piece.len - from))).collect::<Vec<_>>()
        });
        stream::iter(parts.map(|piece| piece.read()))
    }
}

/// Takes bytes as they come.
#[derive(Debug)]
pub(crate) struct Writer {
    spool: Arc<Spool>,
    buffer: BytesMut,
    blob: Blob,
}

impl Writer {
    pub(crate) fn new(spool: Arc<Spool>) -> Self {
        Self { spool, buffer: BytesMut::new(), blob: Blob::default() }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= CHUNK {
            self.flush()?;
        }
        Ok(())
    }

    pub(crate) fn finish(mut self) -> io::Result<Blob> {
        if self.blob.len == 0 && self.buffer.len() <= SMALL {
            let bytes = self.buffer.freeze();
            let len = bytes.len() as u64;
            let piece = (len > 0).then_some(Piece { source: Source::Memory(bytes), len });
            return Ok(Blob { pieces: piece.into_iter().collect(), len });
        }
        self.flush()?;
        Ok(self.blob)
    }

    fn flush(&mut self) -> io::Result<()> {
        let len = self.buffer.len() as u64;
        if len == 0 {
            return Ok(());
        }
        let source = match self.buffer.iter().all(|byte| *byte == 0) {
            true => Source::Zeros,
            false => Source::Spooled(Arc::new(self.spool.append(&self.buffer)?), 0),
        };
        self.buffer.clear();
        self.blob.pieces.push(Piece { source, len });
        self.blob.len += len;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt;

    use super::*;

    fn written(chunks: &[&[u8]]) -> Blob {
        let mut writer = Writer::new(Arc::default());
        for chunk in chunks {
            writer.push(chunk).unwrap();
        }
        writer.finish().unwrap()
    }

    async fn bytes(blob: &Blob) -> Vec<u8> {
        blob.clone().read().try_collect::<Vec<_>>().await.unwrap().concat()
    }

    #[tokio::test]
    async fn what_was_written_is_read() {
        let large: Vec<u8> = (0..3 * CHUNK + 17).map(|i| (i % 251) as u8).collect();
        for size in [0, 1, SMALL, SMALL + 1, CHUNK, large.len()] {
            let blob = written(&large[..size].chunks(70_001).collect::<Vec<_>>());
            assert_eq!(blob.len(), size as u64);
            assert!(bytes(&blob).await == large[..size]);
        }
    }

    #[tokio::test]
    async fn slices_and_joints_share_the_bytes() {
        let large: Vec<u8> = (0..2 * CHUNK + 5).map(|i| (i % 251) as u8).collect();
        let blob = written(&[&large]);
        let (from, to) = (CHUNK - 3, CHUNK + 9);
        let mut joint = blob.slice(from as u64..to as u64);
        joint.append(&written(&[b"end"]));
        drop(blob);
        assert_eq!(bytes(&joint).await, [&large[from..to], b"end"].concat());
    }

    #[tokio::test]
    async fn zeros_take_no_room() {
        let blob = written(&[&vec![0; 2 * CHUNK], b"x"]);
        assert!(matches!(blob.pieces[0].source, Source::Zeros));
        assert_eq!(bytes(&blob.slice(2 * CHUNK as u64 - 1..blob.len())).await, b"\0x");
    }
}
