//! How a byte stream to a host is had: directly, through another host, or by whatever plugs in here.

mod banner;
mod jump;
mod unstuck;
mod watched;

use std::fmt;
use std::io;

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

pub(crate) use banner::{NoBanner, read_banner};
pub use jump::Jump;
pub(crate) use unstuck::Unstuck;
pub(crate) use watched::Watched;

/// A byte stream in both directions.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + ?Sized> Stream for T {}

/// Opens a byte stream to a host.
///
/// # Contract
/// - A call opens one stream and may be dropped; then nothing stays open.
/// - It need not bound its time: the caller does.
///
/// # Errors
/// An [`io::Error`] whose kind tells refusal from time-out. All are taken as temporary.
#[async_trait]
pub trait Connect: fmt::Debug + Send + Sync {
    /// Opens a stream to a TCP port.
    async fn connect(&self, host: &str, port: u16) -> io::Result<Box<dyn Stream>>;
}

/// TCP from this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Direct;

#[async_trait]
impl Connect for Direct {
    async fn connect(&self, host: &str, port: u16) -> io::Result<Box<dyn Stream>> {
        let stream = TcpStream::connect((host, port)).await?;
        // Requests are small and each waits for its answer: Nagle's algorithm would hold them back.
        stream.set_nodelay(true)?;
        Ok(Box::new(stream))
    }
}
