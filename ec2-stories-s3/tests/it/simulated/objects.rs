use std::time::Duration;

use bytes::Bytes;
use ec2_stories_core::ErrorKind;
use ec2_stories_core::provider::{Expect, Version};
use ec2_stories_s3::upload::Progress;
use ec2_stories_s3::{Body, Bucket, BucketSpec, PutOptions, S3};
use ec2_stories_sim::{Fault, Sim};
use futures::TryStreamExt;
use tokio::sync::watch;

async fn bucket(sim: &Sim) -> Bucket {
    let s3 = S3::from_config(&sim.sdk_config());
    s3.create_bucket(&BucketSpec::builder().name("objects").build().unwrap()).await.unwrap().bucket
}

/// What no server that keeps objects in folders takes.
const KEYS: &[&str] =
    &["/", "//", "/leading", "a//b", "trailing/", "..", "a/../b", "./a", "\\", "a\rb", "\u{1}", "\u{7f}"];

#[tokio::test(start_paused = true)]
async fn keys_are_of_every_kind_of_character() {
    let sim = Sim::builder().seed(7).build();
    let bucket = bucket(&sim).await;
    let longest = "ü".repeat(512);
    let keys = KEYS.iter().copied().chain([longest.as_str()]);
    for key in keys.clone() {
        bucket.put(key, Bytes::copy_from_slice(key.as_bytes())).await.unwrap();
    }
    for key in keys.clone() {
        assert_eq!(bucket.get(key).await.unwrap(), key.as_bytes(), "{key:?}");
    }
    let mut expected: Vec<&str> = keys.collect();
    expected.sort_unstable();
    let listed: Vec<_> = bucket.list("").try_collect().await.unwrap();
    assert_eq!(listed.iter().map(|object| object.key.as_str()).collect::<Vec<_>>(), expected);
    let emptied = bucket.empty().await.unwrap();
    assert_eq!((emptied.removed, emptied.failed.len()), (expected.len() as u64, 0));
    bucket.delete_bucket().await.unwrap();
    sim.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn a_download_goes_on_after_every_fault() {
    let sim = Sim::builder().seed(7).build();
    let bucket = bucket(&sim).await;
    let content: Bytes = (0..200_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    bucket.put("a", content.clone()).await.unwrap();
    for fault in [Fault::TruncatedReply, Fault::ReplyLostBefore, Fault::Throttle, Fault::Stall] {
        for call in [1, 2] {
            sim.faults().nth("GetObject", call, fault.clone());
        }
        assert!(bucket.get("a").await.unwrap() == content, "{fault:?}: the bytes differ");
        sim.faults().clear();
    }
    sim.faults().always("GetObject", Fault::ReplyLostBefore);
    let error = bucket.get("a").await.unwrap_err();
    assert_eq!((error.kind(), error.is_temporary()), (ErrorKind::Unavailable, true), "{error:?}");
}

/// In parts and as a stream, with replies that are lost.
#[tokio::test(start_paused = true)]
async fn what_is_large_replaces_the_version_that_was_meant_and_no_other() {
    let sim = Sim::builder().seed(7).build();
    let bucket = bucket(&sim).await;
    let large = |byte: u8| vec![byte; 17 << 20];
    let replacing = |etag: &str| {
        let expect = Expect::Unchanged(Version(etag.to_owned()));
        PutOptions::builder().expect(expect).build()
    };
    let first = bucket.put("a", large(1)).await.unwrap();
    let second = bucket.put_with("a", large(2), replacing(&first.etag)).await.unwrap();
    for operation in ["CompleteMultipartUpload", "UploadPart"] {
        let body = Body::reader(std::io::Cursor::new(large(3)));
        let error = bucket.put_with("a", body, replacing(&first.etag)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}");
        let error = bucket.put_with("a", large(3), replacing(&first.etag)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}");
        assert_eq!(bucket.head("a").await.unwrap().unwrap().crc, Some(second.crc));
        sim.faults().nth(operation, 1, Fault::ReplyLostAfter);
        let third = bucket.put_with("a", large(3), replacing(&second.etag)).await.unwrap();
        assert_eq!(bucket.head("a").await.unwrap().unwrap().crc, Some(third.crc));
        bucket.put_with("a", large(2), replacing(&third.etag)).await.unwrap();
        sim.faults().clear();
    }
    // One that comes, or goes, while the parts are sent.
    let mut there = bucket.head("a").await.unwrap().unwrap().etag;
    for other in [Some("other"), None] {
        let sender = watch::Sender::default();
        let options = PutOptions { progress: Some(sender.clone()), ..replacing(&there) };
        let meddle = async {
            sender.subscribe().wait_for(|progress: &Progress| progress.acknowledged > 0).await.unwrap();
            match other {
                Some(other) => bucket.put("a", other).await.map(drop).unwrap(),
                None => bucket.delete("a").await.unwrap(),
            }
        };
        let (answer, ()) = tokio::join!(bucket.put_with("a", large(4), options), meddle);
        let error = answer.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}");
        there = bucket.put("a", large(2)).await.unwrap().etag;
    }
    let error = bucket.put_with("nothing", large(1), replacing(&there)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}");
    assert_eq!(bucket.stale_uploads("", Duration::ZERO).await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn uploads_of_yesterday_are_removed_and_those_of_today_are_not() {
    let sim = Sim::builder().seed(7).build();
    let bucket = bucket(&sim).await;
    let client = aws_sdk_s3::Client::new(&sim.sdk_config());
    let begin = async |key: &str| {
        client.create_multipart_upload().bucket("objects").key(key).send().await.unwrap();
    };
    begin("a/yesterday").await;
    begin("b/yesterday").await;
    tokio::time::sleep(Duration::from_secs(86_400)).await;
    begin("a/today").await;
    let day = Duration::from_secs(86_400);
    assert_eq!(bucket.stale_uploads("", day).await.unwrap().len(), 2);
    let removed = bucket.gc("a/", day).await.unwrap();
    assert_eq!(removed.iter().map(|upload| upload.key.as_str()).collect::<Vec<_>>(), ["a/yesterday"]);
    assert_eq!(bucket.gc("", Duration::ZERO).await.unwrap().len(), 2);
    bucket.delete_bucket().await.unwrap();
    sim.assert_clean();
}
