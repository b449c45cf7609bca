//! One request, one answer, one connection.

use std::error::Error as StdError;
use std::io;
use std::pin::pin;

use bytes::Bytes;
use futures::future::{Either, select};
use http::{HeaderMap, HeaderValue, Request, Uri, header};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use url::Url;

use super::{Http, Method};
use crate::probe::broken;
use crate::probe::connect::connect;
use crate::probe::tls::shake_hands;
use crate::provider::Liveness;

/// How much content is looked at.
const MOST: usize = 1024 * 1024;
/// A health page's headers fit, and 100,000 probes at once have no more to hold than need be.
const BUFFER: usize = 16 * 1024;
const AGENT: HeaderValue = HeaderValue::from_static(concat!("ec2-stories/", env!("CARGO_PKG_VERSION")));

/// Where a page is.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// Its address, under the host's name.
    pub(super) url: &'a Url,
    /// The node's address, where it is there.
    pub(super) at: Option<&'a str>,
}

/// What came back.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    /// The beginning of it, where it matters.
    pub(super) content: Vec<u8>,
}

pub(super) async fn exchange(probe: &Http, place: Place<'_>) -> Result<Answer, Liveness> {
    let request = request(probe, place)?;
    let url = place.url;
    let name = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let stream = connect(place.at.unwrap_or(name), url.port_or_known_default().unwrap_or_default()).await?;
    // A request is one small packet: it does not wait for another.
    let _ = stream.set_nodelay(true);
    let reads = probe.body.is_some();
    if url.scheme() == "https" {
        talk(shake_hands(probe.config()?, name, stream).await?, request, reads).await
    } else {
        talk(stream, request, reads).await
    }
}

fn request(probe: &Http, place: Place<'_>) -> Result<Request<Empty<Bytes>>, Liveness> {
    let url = place.url;
    let wrong = |error: http::Error| Liveness::Unknown(format!("no request: {error}"));
    let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let uri = Uri::try_from(path).map_err(|error| wrong(error.into()))?;
    let authority = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let host = HeaderValue::try_from(authority).map_err(|error| wrong(error.into()))?;
    let mut request = Request::new(Empty::new());
    *request.uri_mut() = uri;
    *request.method_mut() = match probe.method {
        Method::Get => http::Method::GET,
        Method::Head => http::Method::HEAD,
        Method::Options => http::Method::OPTIONS,
        Method::Post => http::Method::POST,
    };
    let headers = request.headers_mut();
    headers.insert(header::HOST, host);
    headers.insert(header::USER_AGENT, AGENT);
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    let more = probe.headers.0.iter().chain(probe.secrets.0.iter().filter(|_| place.at.is_some()));
    for (name, value) in more {
        headers.insert(name.clone(), value.clone());
    }
    Ok(request)
}

async fn talk(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    request: Request<Empty<Bytes>>,
    reads: bool,
) -> Result<Answer, Liveness> {
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(BUFFER)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| unanswered(&error))?;
    let answer = pin!(async move {
        let (head, body) =
            sender.send_request(request).await.map_err(|error| unanswered(&error))?.into_parts();
        let content = if reads { beginning(body).await? } else { Vec::new() };
        Ok(Answer { status: head.status.as_u16(), headers: head.headers, content })
    });
    // Driven here and not by a task of its own: it ends with the probe.
    match select(answer, pin!(connection)).await {
        Either::Left((answer, _)) => answer,
        Either::Right((_, answer)) => answer.await,
    }
}

async fn beginning(mut body: Incoming) -> Result<Vec<u8>, Liveness> {
    let mut content = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| unanswered(&error))?;
        if let Some(data) = frame.data_ref() {
            let room = MOST - content.len();
            content.extend_from_slice(&data[..data.len().min(room)]);
        }
        if content.len() == MOST {
            break;
        }
    }
    Ok(content)
}

/// What a conversation that broke says of the node.
fn unanswered(error: &hyper::Error) -> Liveness {
    let mut cause = error.source();
    while let Some(source) = cause {
        if let Some(error) = source.downcast_ref::<io::Error>() {
            return broken(error);
        }
        cause = source.source();
    }
    Liveness::Failing(match error {
        error if error.is_incomplete_message() || error.is_closed() || error.is_canceled() => {
            "it hung up without an answer".to_owned()
        }
        error => format!("no HTTP: {error}"),
    })
}
