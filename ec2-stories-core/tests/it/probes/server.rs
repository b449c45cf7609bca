//! Servers that do what a test says.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::AbortOnDropHandle;

/// Ended when dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
    _task: AbortOnDropHandle<()>,
}

impl Server {
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// The requests so far: their first line, then their headers.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

pub(crate) type Answer = Response<Full<Bytes>>;

pub(crate) fn page(status: u16, content: &str) -> Answer {
    Response::builder().status(status).body(Full::from(content.to_owned())).unwrap()
}

pub(crate) fn elsewhere(location: &str) -> Answer {
    Response::builder().status(302).header("location", location).body(Full::default()).unwrap()
}

/// Answers a path with a page, by HTTP or HTTPS.
pub(crate) async fn http(
    tls: Option<TlsAcceptor>,
    answer: impl Fn(&str) -> Answer + Send + Sync + 'static,
) -> Server {
    let seen = Arc::<Mutex<Vec<String>>>::default();
    let log = Arc::clone(&seen);
    let answer = Arc::new(answer);
    let server = serving(move |stream| {
        let (answer, log, tls) = (Arc::clone(&answer), Arc::clone(&log), tls.clone());
        async move {
            match tls {
                None => serve(stream, answer, log).await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        serve(stream, answer, log).await;
                    }
                }
            }
        }
    });
    let (address, task) = server.await;
    Server { address, seen, _task: task }
}

async fn serve<F: Fn(&str) -> Answer>(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    answer: Arc<F>,
    log: Arc<Mutex<Vec<String>>>,
) {
    let service = service_fn(async |request: Request<Incoming>| {
        let mut lines = vec![format!("{} {}", request.method(), request.uri())];
        let headers = request.headers().iter();
        lines.extend(headers.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())));
        log.lock().unwrap().push(lines.join("\n"));
        Ok::<_, std::convert::Infallible>(answer(request.uri().path()))
    });
    // The probe hangs up once it knows enough.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// Sends this, whatever was asked, and hangs up.
pub(crate) async fn saying(text: &'static str) -> Server {
    let (address, task) = serving(move |mut stream: TcpStream| async move {
        let mut request = [0; 1024];
        let _ = stream.readable().await;
        let _ = stream.try_read(&mut request);
        let _ = stream.write_all(text.as_bytes()).await;
    })
    .await;
    Server { address, seen: Arc::default(), _task: task }
}

/// Takes connections and says nothing.
pub(crate) async fn silent() -> Server {
    let (address, task) = serving(|stream: TcpStream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    Server { address, seen: Arc::default(), _task: task }
}

async fn serving<F, A>(serve: F) -> (SocketAddr, AbortOnDropHandle<()>)
where
    F: Fn(TcpStream) -> A + Send + 'static,
    A: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        let mut connections = tokio::task::JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            connections.spawn(serve(stream));
        }
    });
    (address, AbortOnDropHandle::new(task))
}

/// A port where nobody listens: it was given out, and given back.
pub(crate) async fn nobody() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

/// A port whose queue of connections is full: one more gets no answer. It stays so while these live.
pub(crate) async fn full() -> (u16, TcpListener, Vec<AbortOnDropHandle<()>>) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    // Linux takes one more than it was told.
    let mut waiting = Vec::new();
    for _ in 0..4 {
        let (made, is_made) = tokio::sync::oneshot::channel();
        let task = tokio::spawn(async move {
            let stream = TcpStream::connect(address).await;
            let _ = made.send(());
            std::future::pending::<()>().await;
            drop(stream);
        });
        let _ = tokio::time::timeout(super::SHORT, is_made).await;
        waiting.push(AbortOnDropHandle::new(task));
    }
    (address.port(), listener, waiting)
}
