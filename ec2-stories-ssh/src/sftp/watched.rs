//! A stream that tells others when it is gone.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream whose owner is a task of the library, which drops it when it ends.
pub(super) struct Watched<S> {
    stream: S,
    gone: Arc<AtomicBool>,
}

/// Whether a stream is still there.
pub(super) struct Alive(Arc<AtomicBool>);

impl<S> Watched<S> {
    pub(super) fn new(stream: S) -> (Self, Alive) {
        let gone = Arc::new(AtomicBool::new(false));
        (Self { stream, gone: Arc::clone(&gone) }, Alive(gone))
    }
}

impl Alive {
    pub(super) fn is_alive(&self) -> bool {
        !self.0.load(Ordering::Acquire)
    }
}

impl<S> Drop for Watched<S> {
    fn drop(&mut self) {
        self.gone.store(true, Ordering::Release);
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
