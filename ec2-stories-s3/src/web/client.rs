//! The client.

use std::path::Path;
use std::time::Duration;

use bon::bon;
use bytes::BytesMut;
use ec2_stories_core::{Error, ErrorKind, Result};
use reqwest::Response;
use reqwest::redirect::Policy;
use rustls::pki_types::CertificateDer;
use secrecy::ExposeSecret;
use tokio::io::AsyncWriteExt;
use tokio_util::io::ReaderStream;
use url::Url;

use super::error::{answered, parsed, shown, unanswered};
use super::redirect::{Next, next};
use super::{Method, Redirects, WebBody, WebReply, WebRequest, tls};

/// How much of an answer that is no success is read, for the error to quote.
const READ_OF_ERRORS: usize = 16 * 1024;

/// A client for web sites. Cloning gives another handle to the same connections.
#[derive(Clone, Debug)]
pub struct Web {
    client: reqwest::Client,
    most_bytes: usize,
}

#[bon]
impl Web {
    /// Describes a client.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for a root that is no certificate.
    #[builder(start_fn = builder, finish_fn = build)]
    pub fn with(
        /// How long a connection may take to be made; five seconds by default.
        #[builder(default = Duration::from_secs(5))]
        connect_timeout: Duration,
        /// How long nothing may move; thirty seconds by default.
        #[builder(default = Duration::from_secs(30))]
        idle_timeout: Duration,
        /// How much of an answer is taken into memory; 64 MiB by default.
        #[builder(default = 64 * 1024 * 1024)]
        most_bytes: usize,
        /// Root certificates to trust beside the machine's, in DER.
        #[builder(default)]
        roots: Vec<Vec<u8>>,
    ) -> Result<Self> {
        let roots = roots.into_iter().map(CertificateDer::from).collect();
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::config(roots)?)
            .redirect(Policy::none())
            .connect_timeout(connect_timeout)
            .read_timeout(idle_timeout)
            .user_agent(concat!("ec2-stories/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Error::new(ErrorKind::Unexpected, "no HTTP client").because(error))?;
        Ok(Self { client, most_bytes })
    }

    /// A client with every default.
    ///
    /// # Errors
    /// Where TLS cannot be set up.
    pub fn new() -> Result<Self> {
        Self::builder().build()
    }

    /// GET.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn get(&self, url: impl Into<String>) -> Result<WebReply> {
        self.send(&WebRequest::get(url)).await
    }

    /// HEAD.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn head(&self, url: impl Into<String>) -> Result<WebReply> {
        self.send(&WebRequest::head(url)).await
    }

    /// PUT.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn put(&self, url: impl Into<String>, body: WebBody) -> Result<WebReply> {
        self.send(&WebRequest::put(url).body(body)).await
    }

    /// POST.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn post(&self, url: impl Into<String>, body: WebBody) -> Result<WebReply> {
        self.send(&WebRequest::post(url).body(body)).await
    }

    /// DELETE.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn delete(&self, url: impl Into<String>) -> Result<WebReply> {
        self.send(&WebRequest::delete(url)).await
    }

    /// Sends a request, and takes the answer into memory. Nothing is sent twice but along a redirect.
    ///
    /// # Errors
    /// By the status where that does not count as success: [`NotFound`](ErrorKind::NotFound),
    /// [`Credentials`](ErrorKind::Credentials), [`Conflict`](ErrorKind::Conflict), … with the status as code;
    /// [`Unavailable`](ErrorKind::Unavailable) or [`Timeout`](ErrorKind::Timeout) without an answer, which is ambiguous unless the
    /// request was GET or HEAD or nothing was sent; [`Limit`](ErrorKind::Limit) for a longer answer than wanted. No error shows the
    /// address's user, password or query.
    pub async fn send(&self, request: &WebRequest) -> Result<WebReply> {
        within(request, async {
            let (mut reply, place) = self.accepted(request).await?;
            let mut body = BytesMut::new();
            while let Some(bytes) = chunk(&mut reply, &place).await? {
                if body.len() + bytes.len() > self.most_bytes {
                    let why = format!("the answer has more than {} bytes", self.most_bytes);
                    return Err(Error::new(ErrorKind::Limit, why)
                        .during(place.0.as_str())
                        .on(shown(&place.1)));
                }
                body.extend_from_slice(&bytes);
            }
            Ok(WebReply { body: body.freeze(), ..head(&reply) })
        })
        .await
    }

    /// Sends a request, and writes the answer into a file beside the wanted one, which gets its name when it is whole.
    ///
    /// # Errors
    /// As [`send`](Self::send), and [`Io`](ErrorKind::Io) for the file.
    pub async fn download(&self, request: &WebRequest, path: impl AsRef<Path>) -> Result<WebReply> {
        let path = path.as_ref();
        within(request, async {
            let (mut reply, place) = self.accepted(request).await?;
            let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            let beside = tempfile::NamedTempFile::new_in(directory.unwrap_or(Path::new(".")));
            let (file, beside) = beside.map_err(|error| unwritable(path, error))?.into_parts();
            let mut file = tokio::fs::File::from_std(file);
            while let Some(bytes) = chunk(&mut reply, &place).await? {
                file.write_all(&bytes).await.map_err(|error| unwritable(path, error))?;
            }
            file.sync_all().await.map_err(|error| unwritable(path, error))?;
            beside.persist(path).map_err(|error| unwritable(path, error.error))?;
            Ok(head(&reply))
        })
        .await
    }

    /// The answer, with where it is from, when it counts as success; redirects are behind it.
    async fn accepted(&self, request: &WebRequest) -> Result<(Response, Place)> {
        let (mut method, mut url) = (request.method, parsed(&request.url)?);
        let (mut with_secrets, mut left) = (
            true,
            match request.redirects {
                Redirects::Stay => 0,
                Redirects::Follow(times) => times,
            },
        );
        loop {
            let mut reply = self.once(request, method, &url, with_secrets).await?;
            let status = reply.status().as_u16();
            let location = reply.headers().get("location").and_then(|location| location.to_str().ok());
            if request.redirects != Redirects::Stay
                && let Some(Next { method: other, url: there, same_server }) =
                    next(method, &url, status, location)?
            {
                if left == 0 {
                    let error = Error::new(ErrorKind::Failed, "too many redirects").during(method.as_str());
                    return Err(error.on(shown(&url)));
                }
                left -= 1;
                with_secrets &= same_server;
                (method, url) = (other, there);
                continue;
            }
            if request.accept.contains(status) {
                return Ok((reply, (method, url)));
            }
            let place = (method, url);
            let mut begin = BytesMut::new();
            while begin.len() < READ_OF_ERRORS
                && let Ok(Some(bytes)) = chunk(&mut reply, &place).await
            {
                begin.extend_from_slice(&bytes);
            }
            return Err(answered(place.0, &place.1, status, &request.accept, &begin));
        }
    }

    async fn once(
        &self,
        request: &WebRequest,
        method: Method,
        url: &Url,
        with_secrets: bool,
    ) -> Result<Response> {
        let name = reqwest::Method::from_bytes(method.as_str().as_bytes())
            .map_err(|error| Error::invalid("method", error))?;
        let mut sent = self.client.request(name, url.clone());
        for (name, value) in &request.headers {
            sent = sent.header(name, value);
        }
        for (name, value) in request.secret_headers.iter().filter(|_| with_secrets) {
            let mut value = http::HeaderValue::from_str(value.expose_secret())
                .map_err(|_| Error::invalid(format!("headers.{name}"), "is not a header's value"))?;
            value.set_sensitive(true);
            sent = sent.header(name, value);
        }
        // A redirect that made a GET of a POST has left the content behind.
        if let Some(body) = request.body.as_ref().filter(|_| method == request.method) {
            sent = match body {
                WebBody::Text(text) => sent.body(text.clone()),
                WebBody::Bytes(bytes) => sent.body(bytes.clone()),
                WebBody::File(path) => {
                    let (file, length) = open(path).await?;
                    let stream = reqwest::Body::wrap_stream(ReaderStream::with_capacity(file, 64 * 1024));
                    sent.header(http::header::CONTENT_LENGTH, length).body(stream)
                }
            };
        }
        sent.send().await.map_err(|error| unanswered(method, url, error))
    }
}

/// Where an answer is from.
type Place = (Method, Url);

async fn chunk(reply: &mut Response, (method, url): &Place) -> Result<Option<bytes::Bytes>> {
    reply.chunk().await.map_err(|error| unanswered(*method, url, error))
}

fn head(reply: &Response) -> WebReply {
    let headers = reply.headers().iter().map(|(name, value)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    });
    WebReply { status: reply.status().as_u16(), headers: headers.collect(), body: bytes::Bytes::new() }
}

async fn within<T>(request: &WebRequest, work: impl Future<Output = Result<T>>) -> Result<T> {
    let Some(limit) = request.timeout_ms.map(Duration::from_millis) else { return work.await };
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
        let why = format!("not done within {limit:?}");
        let error = Error::new(ErrorKind::Timeout, why).during(request.method.as_str());
        let status = if request.method.is_safe() {
            ec2_stories_core::Status::Temporary
        } else {
            ec2_stories_core::Status::Ambiguous
        };
        Err(error.status(status).on(shown(&parsed(&request.url)?)))
    })
}

async fn open(path: &Path) -> Result<(tokio::fs::File, u64)> {
    let opened = async {
        let file = tokio::fs::File::open(path).await?;
        let length = file.metadata().await?.len();
        Ok((file, length))
    };
    opened.await.map_err(|error: std::io::Error| {
        Error::new(ErrorKind::Io, "cannot be read").on(path.display().to_string()).because(error)
    })
}

fn unwritable(path: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, "cannot be written").on(path.display().to_string()).because(error)
}
