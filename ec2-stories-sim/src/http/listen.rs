//! A listener for SDKs in other processes and languages.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::body::{half_of, reset};
use super::entry::Service;
use crate::s3;
use crate::sim::{Broken, Sim};

/// Connections at once; more wait in the kernel's backlog.
const MAX_CONNECTIONS: usize = 1024;
/// EC2 takes no larger request; user data is 16 KiB at most.
const MAX_BODY: usize = 1 << 20;
/// A client that opens a connection and says nothing is cut off.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// What open calls get to finish when the listener ends.
const GRACE: Duration = Duration::from_secs(5);

/// A simulation that answers on a loopback socket. Dropping it closes the socket and cuts connections off;
/// [`shutdown`](Self::shutdown) lets open calls finish.
#[derive(Debug)]
pub struct Listener {
    addr: SocketAddr,
    stop: watch::Sender<bool>,
    accepting: JoinSet<()>,
}

impl Listener {
    pub(crate) async fn bind(sim: Sim, addr: SocketAddr) -> io::Result<Self> {
        let socket = TcpListener::bind(addr).await?;
        let addr = socket.local_addr()?;
        let inside = match sim.vpc() {
            Some(vpc) => Some(vpc.listen(addr).await?),
            None => None,
        };
        let (stop, stopped) = watch::channel(false);
        let accept = |socket| accept(sim.clone(), socket, stopped.clone());
        Ok(Self { addr, stop, accepting: [socket].into_iter().chain(inside).map(accept).collect() })
    }

    /// The address bound, with the port that the system picked for port 0.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What an SDK takes as its endpoint: `http://ADDR:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Takes no more calls, lets open ones finish for a few seconds, and returns when the last is over.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        // An error is a panic in the accept loop, which tokio has reported.
        while self.accepting.join_next().await.is_some() {}
    }
}

async fn accept(sim: Sim, socket: TcpListener, mut stopped: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut open = JoinSet::new();
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { break };
        let stream = tokio::select! {
            accepted = socket.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    // Most likely out of file descriptors; some come back.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            _ = stopped.changed() => break,
        };
        let (sim, stopped) = (sim.clone(), stopped.clone());
        open.spawn(async move {
            serve(sim, stream, stopped).await;
            drop(place);
        });
        while open.try_join_next().is_some() {}
    }
    drop(socket);
    let finished = async { while open.join_next().await.is_some() {} };
    if tokio::time::timeout(GRACE, finished).await.is_err() {
        tracing::warn!("cutting off calls that did not end in time");
    }
}

async fn serve(sim: Sim, stream: TcpStream, mut stopped: watch::Receiver<bool>) {
    let service = service_fn(move |request| answer(sim.clone(), request));
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        // A lost reply is one of these; so is a client that hangs up.
        tracing::debug!(%error, "connection ended early");
    }
}

type Reply = http::Response<BoxBody<Bytes, io::Error>>;

/// An error makes hyper close the connection without a reply.
async fn answer(sim: Sim, request: http::Request<Incoming>) -> Result<Reply, io::Error> {
    let (parts, body) = request.into_parts();
    if Service::of(&parts) == Service::S3 {
        let request = http::Request::from_parts(parts, s3s::Body::from(body));
        let response = s3::serve(&sim, request).await.map_err(|_| reset())?;
        return Ok(response.map(|body| body.map_err(io::Error::other).boxed()));
    }
    let Ok(body) = Limited::new(body, MAX_BODY).collect().await else {
        return Ok(too_large());
    };
    match sim.handle(http::Request::from_parts(parts, body.to_bytes())).await {
        Ok(response) => Ok(response.map(whole)),
        Err(Broken::Reset) => Err(reset()),
        Err(Broken::Truncated(response)) => Ok(truncated(response)),
    }
}

/// Announces the whole length, so that the client can tell that it got only half.
fn truncated(response: http::Response<Bytes>) -> Reply {
    let length = response.body().len();
    let mut reply = response.map(|body| half_of(&body).boxed());
    reply.headers_mut().insert(http::header::CONTENT_LENGTH, length.into());
    reply
}

fn whole(body: Bytes) -> BoxBody<Bytes, io::Error> {
    Full::new(body).map_err(|never: Infallible| match never {}).boxed()
}

fn too_large() -> Reply {
    let mut reply = http::Response::new(whole(Bytes::new()));
    *reply.status_mut() = http::StatusCode::PAYLOAD_TOO_LARGE;
    reply
}
