//! Answers that say less than they should, or get lost.

use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use ec2_stories_core::ErrorKind;
use ec2_stories_s3::{Bucket, BucketSpec, CopyOptions, FetchOptions, S3, progress};
use ec2_stories_sim::{Fault, Sim};
use futures::StreamExt;

const MIB: u64 = 1 << 20;

/// The method, the status and the body, once they are set.
type Answer = Arc<Mutex<Option<(&'static str, u16, &'static str)>>>;

/// Answers requests of one method itself, and lets the others pass.
#[derive(Clone, Debug)]
struct Instead {
    inner: SharedHttpClient,
    answer: Answer,
}

impl HttpClient for Instead {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Connector { inner, answer: Arc::clone(&self.answer) })
    }
}

#[derive(Debug)]
struct Connector {
    inner: SharedHttpConnector,
    answer: Answer,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        match *self.answer.lock().unwrap() {
            Some((method, status, body)) if request.method() == method => {
                let answer = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
                HttpConnectorFuture::ready(Ok(answer))
            }
            _ => self.inner.call(request),
        }
    }
}

async fn world() -> (Sim, Instead, Bucket) {
    let sim = Sim::builder().seed(7).build();
    let config = sim.sdk_config();
    let instead = Instead { inner: config.http_client().unwrap(), answer: Arc::default() };
    let http = SharedHttpClient::new(instead.clone());
    let s3 = S3::from_config(&config.into_builder().http_client(http).build());
    let spec = BucketSpec::builder().name("objects").build().unwrap();
    let bucket = s3.create_bucket(&spec).await.unwrap().bucket;
    (sim, instead, bucket)
}

fn content(bytes: u64) -> Bytes {
    (0..bytes).map(|at| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as u8).collect()
}

#[tokio::test(start_paused = true)]
async fn a_success_that_cannot_be_read_leaves_open_what_was_done() {
    let (_sim, instead, bucket) = world().await;
    bucket.put("a", "1").await.unwrap();
    for nonsense in ["", "<html>", "<Nonsense/>"] {
        *instead.answer.lock().unwrap() = Some(("POST", 200, nonsense));
        let options = CopyOptions::builder().in_one_up_to(0).build();
        let error = bucket.copy_with("a", &bucket, "b", options).await.unwrap_err();
        assert!(!error.is_permanent(), "{nonsense:?}: {error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_look_says_what_it_may_mean() {
    let (_sim, instead, bucket) = world().await;
    *instead.answer.lock().unwrap() = Some(("HEAD", 403, ""));
    let error = bucket.head("a").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    assert!(error.message().contains("s3:ListBucket"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_copy_whose_completion_got_lost_is_found() {
    for fault in [Fault::ReplyLostAfter, Fault::ReplyLostBefore] {
        let (sim, _, bucket) = world().await;
        let content = content(11 * MIB);
        bucket.put("large", content.clone()).await.unwrap();
        // As often as the client repeats it, save the last.
        for call in 1..=2 {
            sim.faults().nth("CompleteMultipartUpload", call, fault.clone());
        }
        let options = CopyOptions::builder().in_one_up_to(MIB).part_bytes(5 * MIB).build();
        let copied = bucket.copy_with("large", &bucket, "copy", options).await;
        let copied = copied.unwrap_or_else(|error| panic!("{fault:?}: {error:?}"));
        assert_eq!(copied.bytes, 11 * MIB);
        assert!(bucket.get("copy").await.unwrap() == content, "{fault:?}: the bytes differ");
        assert_eq!(bucket.stale_uploads("", std::time::Duration::ZERO).await.unwrap(), []);
    }
}

#[tokio::test(start_paused = true)]
async fn parts_that_s3_would_not_take_are_refused_before_anything_is_sent() {
    let (sim, _, bucket) = world().await;
    let before = sim.calls().total();
    for part_bytes in [0, 5 * MIB - 1, (5 << 30) + 1] {
        let options = CopyOptions::builder().part_bytes(part_bytes).build();
        let error = bucket.copy_with("a", &bucket, "b", options).await.unwrap_err();
        assert_eq!((error.kind(), error.resource()), (ErrorKind::Invalid, Some("part_bytes")), "{error}");
    }
    assert_eq!(sim.calls().total(), before);
}

/// The machine lost power: the mark of a part is on the disk, and not all of its bytes are.
#[tokio::test]
async fn a_part_whose_bytes_never_reached_the_disk_is_fetched_again() {
    let (_sim, _, bucket) = world().await;
    let content = content(20 * MIB);
    bucket.put("large", content.clone()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large");
    let (sender, mut events) = progress();
    let options = FetchOptions::builder().connections(1).progress(sender).build();
    tokio::select! {
        biased;
        () = async { while events.next().await.is_some_and(|progress| progress.acknowledged == 0) {} } => {}
        fetched = bucket.fetch_with("large", &path, options) => panic!("it was too quick: {fetched:?}"),
    }
    let partial = folder.path().join(".large.ec2-stories-partial");
    let file = std::fs::OpenOptions::new().write(true).open(partial).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &[0; 4096], MIB).unwrap();
    let fetched = loop {
        match bucket.fetch("large", &path).await {
            Err(error) if error.kind() == ErrorKind::InUse => tokio::task::yield_now().await,
            fetched => break fetched.unwrap(),
        }
    };
    assert!(fetched.resumed < 8 * MIB, "{fetched:?}");
    assert!(std::fs::read(&path).unwrap() == content, "the bytes differ");
}
