//! A part as the body of a request: read while it is sent, in small pieces.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use bytes::Bytes;
use ec2_stories_core::Error;
use http_body::{Body, Frame, SizeHint};
use tokio::task::JoinHandle;

use super::buffers::{Buffers, CHUNK};
use super::crc::{Crc64, RunningCrc};
use super::file::{read_cached, read_exactly};
use super::progress::Meter;
use super::pulse::Pulse;
use super::span::Span;

/// The bytes of a span.
///
/// They are summed up once more while they are sent. If they are not what they were when the checksum in the request's head was
/// made, the last of them is held back: the request fails, and the server keeps nothing.
#[derive(Debug)]
pub(crate) struct PartBody {
    span: Span,
    at: u64,
    crc: RunningCrc,
    expected: Crc64,
    /// A read that waits for the disk.
    reading: Option<JoinHandle<std::io::Result<Bytes>>>,
    buffers: Buffers,
    pulse: Pulse,
    meter: Arc<Meter>,
}

impl PartBody {
    pub(crate) fn new(
        span: Span,
        expected: Crc64,
        buffers: Buffers,
        pulse: Pulse,
        meter: Arc<Meter>,
    ) -> Self {
        Self { span, at: 0, crc: RunningCrc::new(), expected, reading: None, buffers, pulse, meter }
    }

    pub(crate) fn into_stream(self) -> ByteStream {
        ByteStream::new(SdkBody::from_body_1_x(self))
    }

    /// The next piece: as much as there is in memory, a chunk of a file.
    fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<Result<Bytes, Error>> {
        if let Some(reading) = &mut self.reading {
            let read = ready!(Pin::new(reading).poll(context));
            self.reading = None;
            let read = read.unwrap_or_else(|stopped| Err(std::io::Error::other(stopped)));
            return Poll::Ready(read.map_err(|error| self.span.unreadable(error)));
        }
        let length = (self.span.length() - self.at).min(CHUNK as u64) as usize;
        let Some((file, start)) = self.span.file() else {
            let Span::Memory(bytes) = &self.span else { unreachable!("everything else is in a file") };
            let at = self.at as usize;
            return Poll::Ready(Ok(bytes.slice(at..at + length)));
        };
        let mut buffer = self.buffers.take();
        let offset = start + self.at;
        if read_cached(file, &mut buffer.space()[..length], offset) {
            return Poll::Ready(Ok(buffer.freeze(length)));
        }
        let file = Arc::clone(file);
        self.reading = Some(tokio::task::spawn_blocking(move || {
            read_exactly(&file, &mut buffer.space()[..length], offset)?;
            Ok(buffer.freeze(length))
        }));
        self.poll_chunk(context)
    }
}

impl Body for PartBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if self.is_end_stream() {
            return Poll::Ready(None);
        }
        let chunk = ready!(self.poll_chunk(context))?;
        self.crc.update(&chunk);
        let at = self.at + chunk.len() as u64;
        if at == self.span.length() && self.crc.value() != self.expected {
            return Poll::Ready(Some(Err(self.span.changed())));
        }
        self.at = at;
        self.pulse.beat();
        self.meter.sent(chunk.len() as u64);
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.at == self.span.length()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.span.length() - self.at)
    }
}

#[cfg(test)]
mod tests {
    use ec2_stories_core::ErrorKind;
    use http_body_util::BodyExt;

    use super::super::file::SourceFile;
    use super::*;

    async fn span(folder: &tempfile::TempDir, content: &[u8]) -> Span {
        let path = folder.path().join("image");
        std::fs::write(&path, content).unwrap();
        let file = SourceFile::open(path).await.unwrap();
        Span::Source { file, start: 0, length: content.len() as u64 }
    }

    fn body(span: Span, expected: Crc64) -> PartBody {
        PartBody::new(span, expected, Buffers::default(), Pulse::new(), Meter::new(None).into())
    }

    #[tokio::test]
    async fn it_is_the_span_however_long() {
        let folder = tempfile::tempdir().unwrap();
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK] {
            let content: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            let body = body(span(&folder, &content).await, Crc64::of(&content));
            assert_eq!(body.size_hint().exact(), Some(length as u64));
            assert_eq!(body.collect().await.unwrap().to_bytes(), content);
        }
        let memory = Bytes::from(vec![7; 2 * CHUNK + 1]);
        let body = body(Span::Memory(memory.clone()), Crc64::of(&memory));
        assert_eq!(body.collect().await.unwrap().to_bytes(), memory);
    }

    #[tokio::test]
    async fn bytes_that_changed_since_they_were_summed_up_are_never_sent_whole() {
        let folder = tempfile::tempdir().unwrap();
        let before = vec![1; 2 * CHUNK];
        let span = span(&folder, &before).await;
        std::fs::write(folder.path().join("image"), vec![2; 2 * CHUNK]).unwrap();
        let body = body(span.clone(), Crc64::of(&before));
        assert_eq!(body.collect().await.unwrap_err().kind(), ErrorKind::Conflict);

        std::fs::write(folder.path().join("image"), &before[1..]).unwrap();
        let error = self::body(span, Crc64::of(&before)).collect().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    }
}
