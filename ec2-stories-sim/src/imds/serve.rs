//! The metadata service on a socket.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use super::Metadata;
use crate::http::body::{half_of, reset};
use crate::sim::Broken;

/// Nothing that may be asked has a body.
const MAX_BODY: usize = 4096;
/// A client that opens a connection and says nothing is cut off.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);

/// A metadata service on a loopback port; dropping it ends it and cuts connections off.
#[derive(Debug)]
pub struct MetadataListener {
    addr: SocketAddr,
    serving: JoinHandle<()>,
}

impl MetadataListener {
    /// The address bound.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What a reader takes as its endpoint: `http://ADDR:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }
}

impl Drop for MetadataListener {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Metadata {
    /// Serves on a loopback port that the system picks, for tests and other processes of this machine. Needs real or
    /// scaled time.
    ///
    /// # Errors
    /// No port can be had.
    pub async fn listen(&self) -> io::Result<MetadataListener> {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let addr = socket.local_addr()?;
        Ok(MetadataListener { addr, serving: tokio::spawn(self.clone().serve(socket)) })
    }

    /// Serves on a socket that is open already, such as one inside of another network namespace, until the future is
    /// dropped; open connections end with it.
    pub async fn serve(self, socket: TcpListener) {
        let mut open = JoinSet::new();
        loop {
            match socket.accept().await {
                Ok((stream, _)) => drop(open.spawn(connection(self.clone(), stream))),
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    // Most likely out of file descriptors; some come back.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
            while open.try_join_next().is_some() {}
        }
    }
}

async fn connection(metadata: Metadata, stream: TcpStream) {
    let service = service_fn(move |request| answer(metadata.clone(), request));
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    if let Err(error) = builder.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "connection ended early");
    }
}

type Reply = http::Response<BoxBody<Bytes, io::Error>>;

/// An error makes hyper close the connection without a reply.
async fn answer(metadata: Metadata, request: http::Request<Incoming>) -> Result<Reply, io::Error> {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, MAX_BODY).collect().await.map_err(|_| reset())?;
    match metadata.handle(http::Request::from_parts(parts, body.to_bytes())).await {
        Ok(response) => {
            Ok(response.map(|body| Full::new(body).map_err(|never: Infallible| match never {}).boxed()))
        }
        Err(Broken::Reset) => Err(reset()),
        Err(Broken::Truncated(response)) => {
            let length = response.body().len();
            let mut reply = response.map(|body| half_of(&body).boxed());
            reply.headers_mut().insert(http::header::CONTENT_LENGTH, length.into());
            Ok(reply)
        }
    }
}
