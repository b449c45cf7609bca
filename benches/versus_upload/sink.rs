//! A server that takes uploads and keeps nothing.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, BufReader};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;

use crate::case::Trouble;

/// For so long a request that stalls stands still.
const STALL: Duration = Duration::from_secs(10);

/// As much is read from a TLS connection at once.
const READ_AHEAD: usize = 256 * 1024;

/// A server on loopback; it ends when this is dropped.
pub(crate) struct Sink {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
    task: AbortHandle,
}

struct State {
    trouble: Trouble,
    /// Bytes that requests brought, or were about to.
    announced: AtomicU64,
    /// The bytes of content in each part that was acknowledged.
    parts: Mutex<BTreeMap<u64, u64>>,
    /// The object is there: some clients look.
    complete: AtomicBool,
}

impl Sink {
    pub(crate) async fn start(trouble: Trouble, tls: Option<TlsAcceptor>) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            trouble,
            announced: AtomicU64::new(0),
            parts: Mutex::default(),
            complete: AtomicBool::new(false),
        });
        let accept = accept(listener, Arc::clone(&state), tls);
        Ok(Self { address, state, task: tokio::spawn(accept).abort_handle() })
    }

    /// The size of what was stored.
    pub(crate) fn stored(&self) -> u64 {
        self.state.stored()
    }
}

impl State {
    fn stored(&self) -> u64 {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
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
                    // rustls reads 4 KiB at a time.
                    let connection = BufReader::with_capacity(READ_AHEAD, connection);
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
    let method = request.method().clone();
    let query = request.uri().query().unwrap_or_default().to_owned();
    let of_query = |name: &str| {
        let mut pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    let number = |name: &str| request.headers().get(name)?.to_str().ok()?.parse::<u64>().ok();
    let length = number("content-length").unwrap_or(0);
    // Less than the length where a checksum follows the content.
    let content = number("x-amz-decoded-content-length").unwrap_or(length);
    let before = if method == Method::PUT { state.announced.fetch_add(length, Ordering::Relaxed) } else { 0 };
    let brings_nth = |mib: u64| {
        let nth = |bytes: u64| (bytes >> 20).checked_div(mib);
        method == Method::PUT && nth(before) != nth(before + length)
    };
    let trouble = &state.trouble;
    let mut body = request.into_body();
    if brings_nth(trouble.reset_every) {
        if let Some(Ok(_)) = body.frame().await {}
        return Err(io::ErrorKind::ConnectionReset.into());
    }
    if brings_nth(trouble.stall_every) {
        tokio::time::sleep(STALL).await;
    }
    let mut received = 0;
    while let Some(frame) = body.frame().await {
        received += frame.map_err(io::Error::other)?.data_ref().map_or(0, Bytes::len) as u64;
    }
    tokio::time::sleep(trouble.latency).await;
    if brings_nth(trouble.refuse_every) {
        return Ok(reply(
            StatusCode::SERVICE_UNAVAILABLE,
            "<Error><Code>SlowDown</Code><Message>.</Message></Error>",
        ));
    }
    Ok(match method {
        Method::PUT => {
            let part = of_query("partNumber").and_then(|number| number.parse().ok());
            state.complete.fetch_or(part.is_none(), Ordering::Relaxed);
            let mut parts = state.parts.lock().unwrap_or_else(PoisonError::into_inner);
            parts.insert(part.unwrap_or(0), content.min(received));
            described(reply(StatusCode::OK, ""))
        }
        Method::POST if of_query("uploads").is_some() => reply(StatusCode::OK, CREATED),
        Method::POST => {
            state.complete.store(true, Ordering::Relaxed);
            reply(StatusCode::OK, COMPLETED)
        }
        Method::HEAD if state.complete.load(Ordering::Relaxed) => {
            let mut found = described(reply(StatusCode::OK, ""));
            found.headers_mut().insert("content-length", state.stored().into());
            found
        }
        Method::DELETE => reply(StatusCode::NO_CONTENT, ""),
        _ => reply(StatusCode::NOT_FOUND, ""),
    })
}

fn reply(status: StatusCode, body: &'static str) -> Response<Full<Bytes>> {
    let mut reply = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
    *reply.status_mut() = status;
    reply
}

/// With an ETag that is no MD5: a client would compare that with its own.
fn described(mut reply: Response<Full<Bytes>>) -> Response<Full<Bytes>> {
    reply.headers_mut().insert("etag", HeaderValue::from_static("\"encrypted\""));
    reply.headers_mut().insert("last-modified", HeaderValue::from_static("Thu, 01 Jan 2026 00:00:00 GMT"));
    reply
}

const CREATED: &str = "<InitiateMultipartUploadResult><Bucket>bench</Bucket><Key>key</Key>\
    <UploadId>upload</UploadId></InitiateMultipartUploadResult>";

const COMPLETED: &str = "<CompleteMultipartUploadResult><Bucket>bench</Bucket><Key>key</Key>\
    <ETag>\"encrypted\"</ETag></CompleteMultipartUploadResult>";
