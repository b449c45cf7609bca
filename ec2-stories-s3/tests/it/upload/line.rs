//! A line that all requests share, in virtual time, to a server that keeps nothing: how long an upload takes when some of its
//! requests stand still.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use ec2_stories_s3::S3;
use ec2_stories_s3::upload::{Content, Upload, UploadSpec};
use ec2_stories_sim::Sim;
use tokio::time::Instant;

const MIB: u64 = 1 << 20;
const PART: u64 = 5 * MIB;
const PARTS: u64 = 96;
const LATENCY: Duration = Duration::from_millis(50);
const STALL: Duration = Duration::from_secs(10);

/// What the socket buffers of a connection take before anybody reads.
const BUFFERED: u64 = MIB;

#[derive(Clone, Debug)]
struct Line(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    bytes_per_second: f64,
    /// Until then it is taken.
    free_at: Instant,
    announced: u64,
    /// Requests that bring one of these MiB stand still.
    stalls: Vec<u64>,
}

impl Line {
    fn new(mib_per_second: u64, stalls: &[u64]) -> Self {
        let bytes_per_second = (mib_per_second * MIB) as f64;
        let stalls = stalls.to_vec();
        Self(Arc::new(Mutex::new(State { bytes_per_second, free_at: Instant::now(), announced: 0, stalls })))
    }

    /// Whether a request of so many bytes is one that stands still.
    fn announce(&self, bytes: u64) -> bool {
        let state = &mut *self.0.lock().unwrap();
        let before = state.announced / MIB;
        state.announced += bytes;
        let after = state.announced / MIB;
        state.stalls.iter().any(|mib| (before..after).contains(mib))
    }

    async fn carry(&self, bytes: u64) {
        let until = {
            let state = &mut *self.0.lock().unwrap();
            let took = Duration::from_secs_f64(bytes as f64 / state.bytes_per_second);
            state.free_at = state.free_at.max(Instant::now()) + took;
            state.free_at
        };
        tokio::time::sleep_until(until).await;
    }

    fn announced(&self) -> u64 {
        self.0.lock().unwrap().announced
    }

    async fn answer(&self, mut request: HttpRequest) -> HttpResponse {
        let body = std::mem::replace(request.body_mut(), SdkBody::taken());
        let is_part = request.method() == "PUT";
        let length =
            request.headers().get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        let stalls = is_part && self.announce(length);
        let (mut body, mut taken, mut stalled) = (ByteStream::new(body), 0, false);
        while let Some(piece) = body.next().await {
            let piece = piece.unwrap().len() as u64;
            taken += piece;
            self.carry(piece).await;
            if stalls && taken >= BUFFERED && !stalled {
                stalled = true;
                tokio::time::sleep(STALL).await;
            }
        }
        tokio::time::sleep(LATENCY).await;
        let query = request.uri().split_once('?').map_or("", |(_, query)| query);
        let (status, text) = match request.method() {
            "PUT" => (200, ""),
            "POST" if query.contains("uploads") => (200, CREATED),
            "POST" => (200, COMPLETED),
            "DELETE" => (204, ""),
            _ => (404, ""),
        };
        let mut reply = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(text));
        reply.headers_mut().insert("etag", "\"encrypted\"");
        reply
    }
}

const CREATED: &str = "<InitiateMultipartUploadResult><Bucket>b</Bucket><Key>k</Key><UploadId>u</UploadId>\
    </InitiateMultipartUploadResult>";
const COMPLETED: &str = "<CompleteMultipartUploadResult><Bucket>b</Bucket><Key>k</Key><ETag>\"encrypted\"</ETag>\
    </CompleteMultipartUploadResult>";

impl HttpClient for Line {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Line {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let line = self.clone();
        HttpConnectorFuture::new(async move { Ok(line.answer(request).await) })
    }
}

/// How long an upload takes, and how many bytes its requests were to bring.
async fn upload(mib_per_second: u64, connections: u32, stalls: &[u64]) -> (Duration, u64) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image");
    std::fs::File::create(&path).unwrap().set_len(PARTS * PART).unwrap();
    let line = Line::new(mib_per_second, stalls);
    let config = Sim::builder().build().sdk_config().into_builder();
    let s3 = S3::from_config(&config.http_client(SharedHttpClient::new(line.clone())).build());
    let spec = UploadSpec::builder().bucket("b").key("k").content(Content::file(path)).part_size(PART);
    let began = Instant::now();
    Upload::start(&s3, spec.connections(connections).build().unwrap()).await.unwrap();
    (began.elapsed(), line.announced())
}

#[tokio::test(start_paused = true)]
async fn requests_that_stand_still_cost_little_on_any_line() {
    for (connections, mib_per_second) in [(8, 300), (64, 40), (64, 300)] {
        let place = format!("{mib_per_second} MiB/s, {connections} connections");
        let (quiet, _) = upload(mib_per_second, connections, &[]).await;
        // In the middle, near the end, and the first copy of those.
        let (stalled, sent) = upload(mib_per_second, connections, &[200, 450, 481]).await;
        let lost = stalled.saturating_sub(quiet);
        let more = sent / MIB - PARTS * PART / MIB;
        println!("{place}: {quiet:?}, {stalled:?} with stalls, {more} MiB more");
        assert!(lost < Duration::from_millis(2_500), "{place}: {stalled:?} instead of {quiet:?}");
        assert!(more < 50, "{place}: {more} MiB were sent again");
    }
}
