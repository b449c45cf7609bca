//! Taking heartbeats in.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::beats::Beats;
use crate::probe::heartbeat_key::{HeartbeatKey, PREFIX};

/// Connections at once; who comes then waits.
const AT_ONCE: usize = 1024;
/// A heartbeat is one small request.
const PATIENCE: Duration = Duration::from_secs(10);
/// A machine without free descriptors may have some again.
const REST: Duration = Duration::from_millis(100);
/// No instance's id is longer; EC2's have 19 characters.
const LONGEST_ID: usize = 64;

/// Takes heartbeats until it is dropped, and every connection with it.
pub(super) async fn listen(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    key: Arc<HeartbeatKey>,
    beats: Arc<Beats>,
) {
    let (places, mut connections) = (Arc::new(Semaphore::new(AT_ONCE)), JoinSet::new());
    loop {
        while connections.try_join_next().is_some() {}
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let (tls, key, beats) = (tls.clone(), Arc::clone(&key), Arc::clone(&beats));
                connections.spawn(async move {
                    let _place = place;
                    // One that takes too long is hung up on.
                    let _ = timeout(PATIENCE, take(stream, tls, &key, &beats)).await;
                });
            }
            Err(error) => {
                beats.deaf(error.to_string());
                sleep(REST).await;
            }
        }
    }
}

async fn take(stream: TcpStream, tls: Option<TlsAcceptor>, key: &HeartbeatKey, beats: &Beats) {
    match tls {
        None => serve(stream, key, beats).await,
        Some(tls) => {
            if let Ok(stream) = tls.accept(stream).await {
                serve(stream, key, beats).await;
            }
        }
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, key: &HeartbeatKey, beats: &Beats) {
    let answer = service_fn(async |request: Request<Incoming>| {
        let status = heard(&request, key, beats);
        let mut response = Response::new(Empty::<Bytes>::new());
        *response.status_mut() = status;
        Ok::<_, Infallible>(response)
    });
    // A node that goes away is no matter.
    let _ = http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(stream), answer).await;
}

fn heard<B>(request: &Request<B>, key: &HeartbeatKey, beats: &Beats) -> StatusCode {
    let Some(id) = request.uri().path().strip_prefix(PREFIX) else { return StatusCode::NOT_FOUND };
    if request.method() != Method::PUT {
        return StatusCode::METHOD_NOT_ALLOWED;
    }
    let token = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = token.and_then(|value| value.strip_prefix("Bearer "));
    match token {
        Some(token) if id.len() <= LONGEST_ID && key.is_token(id, token.trim()) => {
            beats.heard(id.into());
            StatusCode::NO_CONTENT
        }
        _ => StatusCode::UNAUTHORIZED,
    }
}
