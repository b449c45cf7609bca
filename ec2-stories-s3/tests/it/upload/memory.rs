//! However large the content is, an upload's memory is bounded.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use ec2_stories_s3::S3;
use ec2_stories_s3::upload::{Content, Upload, UploadSpec};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::content;
use super::world::config_at;

const TEST: &str = "upload::memory::a_gibibyte_takes_hardly_more_memory_than_two_parts";
const CHILD: &str = "EC2_STORIES_TEST_MEMORY";

const MIB: u64 = 1 << 20;
const SMALL: u64 = 16 * MIB;
const LARGE: u64 = 1024 * MIB;

const CONNECTIONS: u32 = 16;

/// What is promised: a mebibyte a connection.
const MORE: u64 = CONNECTIONS as u64 * MIB;

/// A process of its own, as its peak of memory is the whole process'.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gibibyte_takes_hardly_more_memory_than_two_parts() {
    if let Ok(endpoint) = std::env::var(CHILD) {
        return child(&endpoint).await;
    }
    let sink = Sink::start().await;
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", TEST, "--nocapture"]).env(CHILD, format!("http://{}", sink.address));
    let status = tokio::task::block_in_place(|| child.status().unwrap());
    assert!(status.success(), "{status}: its own message is above");
    assert_eq!(sink.received.load(Ordering::Relaxed), SMALL + LARGE);
}

async fn child(endpoint: &str) {
    let s3 = S3::from_config(&config_at(endpoint));
    upload(&s3, SMALL).await;
    let before = peak();
    upload(&s3, LARGE).await;
    let more = peak() - before;
    assert!(more <= MORE, "{} MiB more than at first", more / MIB);
}

async fn upload(s3: &S3, size: u64) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("content");
    content::sparse_file(&path, size);
    let spec = UploadSpec::builder().bucket("memory").key("key").content(Content::file(&path));
    Upload::start(s3, spec.connections(CONNECTIONS).build().unwrap()).await.unwrap();
}

/// The most memory that this process ever had.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// A server that keeps nothing, and so is no slower the more it gets.
struct Sink {
    address: SocketAddr,
    received: Arc<AtomicU64>,
    listener: JoinHandle<()>,
}

impl Sink {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&received);
        let listener = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let counter = Arc::clone(&counter);
                tokio::spawn(async move {
                    let answer = service_fn(|request| answer(request, &counter));
                    let _ = http1::Builder::new().serve_connection(TokioIo::new(connection), answer).await;
                });
            }
        });
        Self { address, received, listener }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn answer(request: Request<Incoming>, received: &AtomicU64) -> hyper::Result<Response<Full<Bytes>>> {
    let (head, mut body) = request.into_parts();
    while let Some(frame) = body.frame().await {
        let bytes = frame?.data_ref().map_or(0, Bytes::len);
        if head.method == Method::PUT {
            received.fetch_add(bytes as u64, Ordering::Relaxed);
        }
    }
    let reply = match head.method {
        Method::POST if head.uri.query() == Some("uploads") => {
            "<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>"
        }
        Method::POST => "<CompleteMultipartUploadResult><ETag>1</ETag></CompleteMultipartUploadResult>",
        _ => "",
    };
    let mut reply = Response::new(Full::new(Bytes::from_static(reply.as_bytes())));
    if head.method == Method::HEAD {
        *reply.status_mut() = StatusCode::NOT_FOUND;
    }
    reply.headers_mut().insert("etag", http::HeaderValue::from_static("1"));
    Ok(reply)
}
