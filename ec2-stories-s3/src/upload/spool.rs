//! A stream's parts, each in a temporary file while it may have to be sent again.

use std::fmt;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use ec2_stories_core::{Error, ErrorKind, Result};
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::io::AsyncReadExt;

use super::buffers::{Buffer, Buffers, CHUNK};
use super::crc::{Crc64, RunningCrc};
use super::file::blocking;
use super::plan::streamed_part_size;
use super::progress::Meter;
use super::span::Span;
use super::spec::Reader;

/// A part of a stream.
#[derive(Debug)]
pub(crate) struct Spooled {
    pub(crate) number: u32,
    pub(crate) span: Span,
    pub(crate) crc: Crc64,
    /// The stream ended within it.
    pub(crate) last: bool,
}

/// Cuts a stream into parts.
pub(crate) struct Spool {
    state: State,
    next: u32,
    part_size: Option<u64>,
    buffers: Buffers,
    meter: Arc<Meter>,
}

enum State {
    Idle(Reader),
    Filling(BoxFuture<'static, Result<(Reader, Spooled)>>),
    Ended,
}

impl Spool {
    pub(crate) fn new(reader: Reader, part_size: Option<u64>, buffers: Buffers, meter: Arc<Meter>) -> Self {
        Self { state: State::Idle(reader), next: 1, part_size, buffers, meter }
    }

    /// The next part, `None` after the last. Dropped midway, it goes on when it is called again.
    pub(crate) async fn next(&mut self) -> Result<Option<Spooled>> {
        if let State::Idle(_) = self.state {
            let size = streamed_part_size(self.next, self.part_size)?;
            let State::Idle(reader) = std::mem::replace(&mut self.state, State::Ended) else {
                return Ok(None);
            };
            let fill = fill(reader, self.next, size, self.buffers.clone(), Arc::clone(&self.meter));
            self.state = State::Filling(fill.boxed());
        }
        let State::Filling(filling) = &mut self.state else { return Ok(None) };
        let filled = filling.await;
        self.state = State::Ended;
        let (reader, part) = filled?;
        self.next += 1;
        if !part.last {
            self.state = State::Idle(reader);
        }
        Ok(Some(part).filter(|part| part.number == 1 || part.span.length() > 0))
    }
}

impl fmt::Debug for Spool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spool").field("next", &self.next).finish_non_exhaustive()
    }
}

async fn fill(
    mut reader: Reader,
    number: u32,
    size: u64,
    buffers: Buffers,
    meter: Arc<Meter>,
) -> Result<(Reader, Spooled)> {
    let file =
        blocking(|| tempfile::tempfile().map_err(|error| spool_failed(error, "cannot be made"))).await?;
    let file = Arc::new(file);
    let mut crc = RunningCrc::new();
    let mut length = 0;
    let mut last = false;
    while length < size && !last {
        let mut buffer = buffers.take();
        let wanted = (size - length).min(CHUNK as u64) as usize;
        let filled = fill_buffer(&mut reader, &mut buffer.space()[..wanted]).await?;
        last = filled < wanted;
        crc.update(&buffer.space()[..filled]);
        meter.read(filled as u64);
        write(Arc::clone(&file), buffer, filled, length).await?;
        length += filled as u64;
    }
    Ok((reader, Spooled { number, span: Span::Spooled { file, length }, crc: crc.value(), last }))
}

/// Reads until the space is full or the stream has ended.
async fn fill_buffer(reader: &mut Reader, space: &mut [u8]) -> Result<usize> {
    let mut filled = 0;
    while filled < space.len() {
        let read = reader.read(&mut space[filled..]).await.map_err(|error| {
            Error::new(ErrorKind::Io, "the stream cannot be read").during("upload").because(error)
        })?;
        if read == 0 {
            break;
        }
        filled += read;
    }
    Ok(filled)
}

async fn write(file: Arc<File>, mut buffer: Buffer, filled: usize, offset: u64) -> Result<()> {
    let mut write = move || file.write_all_at(&buffer.space()[..filled], offset);
    blocking(move || write().map_err(|error| spool_failed(error, "cannot be written; is TMPDIR full?"))).await
}

fn spool_failed(error: std::io::Error, why: &str) -> Error {
    Error::new(ErrorKind::Io, why).during("upload").on("temporary file").because(error)
}

#[cfg(test)]
mod tests {
    use super::super::plan::MIB;
    use super::*;

    async fn parts(length: usize) -> Vec<(u32, u64, bool)> {
        let content: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
        let reader: Reader = Box::pin(std::io::Cursor::new(content.clone()));
        let meter = Arc::new(Meter::new(None));
        let mut spool = Spool::new(reader, Some(5 * MIB), Buffers::default(), Arc::clone(&meter));
        let mut seen = Vec::new();
        let mut at = 0;
        while let Some(part) = spool.next().await.unwrap() {
            let length = part.span.length();
            assert_eq!(part.crc, Crc64::of(&content[at..at + length as usize]));
            assert_eq!(part.span.checksum(&Buffers::default()).await.unwrap(), part.crc);
            at += length as usize;
            seen.push((part.number, length, part.last));
        }
        assert_eq!((at, meter.now().read), (length, length as u64));
        seen
    }

    #[tokio::test]
    async fn a_stream_is_cut_into_parts_and_its_end_is_seen() {
        let part = 5 * MIB as usize;
        assert_eq!(parts(0).await, [(1, 0, true)]);
        assert_eq!(parts(1).await, [(1, 1, true)]);
        assert_eq!(parts(part - 1).await, [(1, 5 * MIB - 1, true)]);
        assert_eq!(parts(part).await, [(1, 5 * MIB, false)]);
        assert_eq!(parts(part + 1).await, [(1, 5 * MIB, false), (2, 1, true)]);
    }
}
