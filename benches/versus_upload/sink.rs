//! A server that takes uploads and keeps nothing.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;

use crate::case::Trouble;

/// For so long a request that stalls stands still.
const STALL: Duration = Duration::from_secs(10);

/// A server on loopback; it ends when this is dropped.
pub(crate) struct Sink {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
    task: AbortHandle,
}

struct State {
    trouble: Trouble,
    requests: AtomicU64,
    received: AtomicU64,
}

impl Sink {
    pub(crate) async fn start(trouble: Trouble, tls: Option<TlsAcceptor>) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State { trouble, requests: AtomicU64::new(0), received: AtomicU64::new(0) });
        let accept = accept(listener, Arc::clone(&state), tls);
        Ok(Self { address, state, task: tokio::spawn(accept).abort_handle() })
    }

    /// Bytes of bodies that arrived.
    pub(crate) fn received(&self) -> u64 {
        self.state.received.load(Ordering::Relaxed)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, state: Arc<State>, tls: Option<TlsAcceptor>) {
    while let Ok((connection, _)) = listener.accept().await {
        let _ = connection.set_nodelay(true);
        let (state, tls) = (Arc::clone(&state), tls.clone());
        tokio::spawn(async move {
            match tls {
                None => serve(connection, state).await,
                Some(tls) => {
                    if let Ok(connection) = tls.accept(connection).await {
                        serve(connection, state).await;
                    }
                }
            }
        });
    }
}

async fn serve(connection: impl AsyncRead + AsyncWrite + Unpin, state: Arc<State>) {
    let answer = service_fn(|request| answer(request, Arc::clone(&state)));
    // A client that goes away is no matter.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(connection), answer).await;
}

async fn answer(request: Request<Incoming>, state: Arc<State>) -> io::Result<Response<Full<Bytes>>> {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let method = request.method().clone();
    let sends = method == Method::PUT;
    let number = if sends { state.requests.fetch_add(1, Ordering::Relaxed) + 1 } else { 0 };
    let trouble = &state.trouble;
    let is_nth = |every: u64| sends && every > 0 && number.is_multiple_of(every);
    let mut body = request.into_body();
    if is_nth(trouble.reset_every) {
        if let Some(Ok(_)) = body.frame().await {}
        return Err(io::ErrorKind::ConnectionReset.into());
    }
    if is_nth(trouble.stall_every) {
        tokio::time::sleep(STALL).await;
    }
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(io::Error::other)?;
        state.received.fetch_add(frame.data_ref().map_or(0, |data| data.len() as u64), Ordering::Relaxed);
    }
    tokio::time::sleep(trouble.latency).await;
    if is_nth(trouble.refuse_every) {
        return Ok(reply(
            StatusCode::SERVICE_UNAVAILABLE,
            "<Error><Code>SlowDown</Code><Message>.</Message></Error>",
        ));
    }
    let has = |name: &str| query.split('&').any(|pair| pair.split('=').next() == Some(name));
    Ok(match method {
        Method::PUT => {
            let mut stored = reply(StatusCode::OK, "");
            let etag = "\"d41d8cd98f00b204e9800998ecf8427e\"";
            stored.headers_mut().insert("etag", etag.parse().expect("a header's value"));
            stored
        }
        Method::POST if has("uploads") => reply(StatusCode::OK, CREATED),
        Method::POST => reply(StatusCode::OK, COMPLETED),
        Method::DELETE => reply(StatusCode::NO_CONTENT, ""),
        _ => reply(StatusCode::NOT_FOUND, ""),
    })
}

fn reply(status: StatusCode, body: &'static str) -> Response<Full<Bytes>> {
    let mut reply = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
    *reply.status_mut() = status;
    reply
}

const CREATED: &str = "<InitiateMultipartUploadResult><Bucket>bench</Bucket><Key>key</Key>\
    <UploadId>upload</UploadId></InitiateMultipartUploadResult>";

const COMPLETED: &str = "<CompleteMultipartUploadResult><Bucket>bench</Bucket><Key>key</Key>\
    <ETag>\"d41d8cd98f00b204e9800998ecf8427e-2\"</ETag></CompleteMultipartUploadResult>";
