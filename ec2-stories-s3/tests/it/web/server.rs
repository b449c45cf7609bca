//! A web site.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Collected, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// What a request looked like: method, path, headers, content.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Bytes,
}

type Log = Arc<Mutex<Vec<Seen>>>;

/// A server that ends when it is dropped.
pub(crate) struct Site {
    pub(crate) url: String,
    pub(crate) log: Log,
    /// The root that a client has to trust, in DER.
    pub(crate) root: Option<Vec<u8>>,
    listener: JoinHandle<()>,
}

impl Site {
    pub(crate) async fn plain() -> Self {
        Self::start("http", None, None).await
    }

    pub(crate) async fn tls() -> Self {
        let own = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let root = own.cert.der().to_vec();
        let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![own.cert.der().clone()], key)
            .unwrap();
        Self::start("https", Some(TlsAcceptor::from(Arc::new(config))), Some(root)).await
    }

    async fn start(scheme: &str, tls: Option<TlsAcceptor>, root: Option<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("{scheme}://localhost:{}", listener.local_addr().unwrap().port());
        let log = Log::default();
        let shared = log.clone();
        let listener = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (log, tls) = (shared.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, log).await,
                        // A client that does not trust it is none.
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, log).await;
                            }
                        }
                    }
                });
            }
        });
        Self { url, log, root, listener }
    }

    pub(crate) fn last(&self) -> Seen {
        self.log.lock().unwrap().last().expect("somebody asked").clone()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, log: Log) {
    let service = service_fn(move |request| answer(request, log.clone()));
    // A client that goes away is no error here.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// `/status/404` answers 404, `/to/URL` leads there, `/never` does not answer, `/long/9` has nine bytes.
async fn answer(request: Request<Incoming>, log: Log) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
    let path = head.uri.path().to_owned();
    let seen = Seen { method: head.method.to_string(), path: path.clone(), headers: head.headers, body };
    let content = seen.body.clone();
    log.lock().unwrap().push(seen);
    let reply = Response::builder();
    let reply = if let Some(status) = path.strip_prefix("/status/") {
        reply.status(status.parse::<u16>().unwrap()).body(Full::from("sorry, wrong key: hidden"))
    } else if let Some(to) = path.strip_prefix("/to/") {
        reply.status(307).header("location", to).body(Full::default())
    } else if let Some(bytes) = path.strip_prefix("/long/") {
        reply.body(Full::from(vec![b'x'; bytes.parse().unwrap()]))
    } else if path == "/never" {
        tokio::time::sleep(Duration::from_secs(3_600)).await;
        reply.body(Full::default())
    } else {
        reply.header("x-site", "ours").body(Full::from(content))
    };
    Ok(reply.unwrap())
}
