//! What goes wrong with S3, on the SDK's real retry path.

use std::time::Duration;

use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use ec2_stories_sim::{CallOutcome, Fault};
use tokio::time::Instant;

use super::{MIB, bytes, with_bucket};

#[tokio::test(start_paused = true)]
async fn slow_down_and_broken_connections_are_tried_again() {
    let (sim, s3) = with_bucket().await;
    for fault in [
        Fault::Throttle,
        Fault::ReplyLostBefore,
        Fault::ReplyLostAfter,
        Fault::TruncatedReply,
        Fault::ResetMidway,
    ] {
        sim.faults().clear().nth("UploadPart", 1, fault.clone()).nth("GetObject", 1, fault.clone());
        let upload = s3.create_multipart_upload().bucket("web").key("k").send().await.unwrap();
        let id = upload.upload_id().unwrap();
        let before = sim.calls().count("UploadPart");
        let part = s3.upload_part().bucket("web").key("k").upload_id(id).part_number(1);
        let part = part.body(ByteStream::from(bytes(MIB))).send().await.unwrap();
        // A reply without a body has no half that could arrive.
        assert_eq!(sim.calls().count("UploadPart"), before + 2, "{fault:?}");
        let done = CompletedPart::builder().part_number(1).e_tag(part.e_tag().unwrap());
        let done = done.checksum_crc32(part.checksum_crc32().unwrap()).build();
        let parts = CompletedMultipartUpload::builder().parts(done).build();
        let complete = s3.complete_multipart_upload().bucket("web").key("k").upload_id(id);
        complete.multipart_upload(parts).send().await.unwrap();
    }
    let outcomes: Vec<_> =
        sim.calls_log().into_iter().filter(|call| call.operation == "UploadPart").collect();
    assert_eq!(outcomes[0].outcome, CallOutcome::Error { code: "SlowDown".into(), status: 503 });
    assert_eq!(outcomes[2].outcome, CallOutcome::Lost { effect: false });
    assert_eq!(outcomes[4].outcome, CallOutcome::Lost { effect: true });
    let cut = &outcomes[8];
    assert!(cut.received > 0 && cut.received < MIB as u64, "{}", cut.received);
    assert!(outcomes[9].received >= MIB as u64);
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_stands_still_ends_by_the_caller_s_own_limit() {
    let (sim, s3) = with_bucket().await;
    sim.faults().nth("PutObject", 1, Fault::Stall);
    let start = Instant::now();
    let limit = TimeoutConfig::builder().operation_attempt_timeout(Duration::from_secs(30)).build();
    let put = s3.put_object().bucket("web").key("k").body(ByteStream::from(bytes(4 * MIB))).customize();
    put.config_override(aws_sdk_s3::Config::builder().timeout_config(limit)).send().await.unwrap();
    assert!((30..35).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    let puts: Vec<_> = sim.calls_log().into_iter().filter(|call| call.operation == "PutObject").collect();
    assert_eq!(puts[0].outcome, CallOutcome::Lost { effect: false });
    assert_eq!((puts.len(), &puts[1].outcome), (2, &CallOutcome::Ok));
}

#[tokio::test(start_paused = true)]
async fn a_download_breaks_off_or_stands_still() {
    let (sim, s3) = with_bucket().await;
    s3.put_object().bucket("web").key("k").body(ByteStream::from(bytes(MIB))).send().await.unwrap();
    for fault in [Fault::TruncatedReply, Fault::Stall] {
        sim.faults().clear().nth("GetObject", 1, fault);
        let mut body = s3.get_object().bucket("web").key("k").send().await.unwrap().body;
        let mut got = 0;
        let error = loop {
            match body.try_next().await {
                Ok(Some(chunk)) => got += chunk.len(),
                Ok(None) => panic!("a whole body"),
                Err(error) => break error,
            }
        };
        assert_eq!(got, MIB / 2, "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn completing_fails_inside_a_success() {
    let (sim, s3) = with_bucket().await;
    sim.faults().nth("CompleteMultipartUpload", 1, Fault::ErrorInside("InternalError".into()));
    let upload = s3.create_multipart_upload().bucket("web").key("k").send().await.unwrap();
    let id = upload.upload_id().unwrap();
    let part = s3.upload_part().bucket("web").key("k").upload_id(id).part_number(1);
    let part = part.body(ByteStream::from_static(b"x")).send().await.unwrap();
    let done = CompletedPart::builder().part_number(1).e_tag(part.e_tag().unwrap());
    let done = done.checksum_crc32(part.checksum_crc32().unwrap()).build();
    let complete = s3.complete_multipart_upload().bucket("web").key("k").upload_id(id);
    let complete = complete.multipart_upload(CompletedMultipartUpload::builder().parts(done).build());
    let sent = complete.send().await;
    let log = sim.calls_log();
    let first = log.iter().find(|call| call.operation == "CompleteMultipartUpload").unwrap();
    assert_eq!(first.outcome, CallOutcome::Error { code: "InternalError".into(), status: 200 });
    // The SDK tries again by itself, or says that it failed.
    match sent {
        Ok(_) => assert_eq!(sim.object_keys("web"), ["k"]),
        Err(error) => assert_eq!(error.code(), Some("InternalError")),
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_reply_comes_late_and_the_call_counts_once() {
    let (sim, s3) = with_bucket().await;
    sim.faults().always("PutObject", Fault::Slow(Duration::from_secs(60)));
    let start = Instant::now();
    s3.put_object().bucket("web").key("k").body(ByteStream::from(bytes(MIB))).send().await.unwrap();
    assert!((60..62).contains(&start.elapsed().as_secs()));
    assert_eq!(sim.calls().count("PutObject"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_always_breaks_is_a_failed_dispatch() {
    let (sim, s3) = with_bucket().await;
    sim.faults().always("*", Fault::ReplyLostBefore);
    let error = s3.list_buckets().send().await.unwrap_err();
    assert!(matches!(&error, SdkError::DispatchFailure(failure) if failure.is_io()), "{error:?}");
}
