//! What breaks on the way: connections midway, answers that get lost, processes.

use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use ec2_stories_core::provider::{Expect, TupleStore, Version};
use ec2_stories_core::{ErrorKind, Result};
use ec2_stories_s3::upload::Crc64;
use ec2_stories_s3::{Bucket, CopyOptions, FetchOptions, PutOptions, S3Tuples, progress};
use futures::StreamExt;

use super::proxy::Proxy;
use super::server::Seaweed;

const MIB: u64 = 1 << 20;

#[tokio::test]
async fn what_breaks_on_the_way_is_made_whole() {
    let seaweed = Seaweed::start().await;
    seaweed.bucket("cuts").await;
    let proxy = Proxy::to(seaweed.port()).await;
    let bucket = seaweed.s3_behind(proxy.port()).bucket("cuts");
    let content = content(20 * MIB + 12_345);
    store(&seaweed, "large", &content).await;
    downloads(&bucket, &proxy, &content).await;
    resumed(&bucket, &content).await;
    replaced(&seaweed, &bucket, &proxy, &content).await;
    copied_in_parts(&bucket, &content).await;
    lost_answers(&bucket, &proxy).await.unwrap();
    lost_tuples(&bucket, &proxy).await.unwrap();
}

fn content(bytes: u64) -> Bytes {
    (0..bytes).map(|at| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as u8).collect()
}

/// In one request, whatever the size: uploads have tests of their own.
async fn store(seaweed: &Seaweed, key: &str, content: &Bytes) {
    let client = aws_sdk_s3::Client::from_conf(
        aws_sdk_s3::config::Builder::from(&seaweed.config("AKIATESTER", "tester-secret"))
            .force_path_style(true)
            .build(),
    );
    let put = client.put_object().bucket("cuts").key(key).body(ByteStream::from(content.clone()));
    put.checksum_crc64_nvme(Crc64::of(content).to_base64()).send().await.unwrap();
}

async fn downloads(bucket: &Bucket, proxy: &Proxy, content: &Bytes) {
    proxy.cut_after(3 * MIB);
    assert!(bucket.get("large").await.unwrap() == content, "the bytes differ");
    let cuts = proxy.cuts();
    assert!(cuts >= 6, "{cuts} cuts");
    let range = 5 * MIB - 1..15 * MIB + 3;
    let expected = content.slice(range.start as usize..range.end as usize);
    assert!(bucket.get_range("large", range).await.unwrap() == expected, "the bytes differ");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("large");
    let fetched = bucket.fetch("large", &path).await.unwrap();
    assert!(fetched.verified && fetched.resumed == 0);
    assert!(std::fs::read(&path).unwrap() == *content, "the bytes differ");
    assert!(proxy.cuts() > cuts, "no cuts");
    proxy.cut_after(u64::MAX);
}

/// A fetch that was dropped midway goes on with what is there.
async fn resumed(bucket: &Bucket, content: &Bytes) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("large");
    let (sender, mut events) = progress();
    let options = FetchOptions::builder().connections(1).progress(sender).build();
    tokio::select! {
        fetched = bucket.fetch_with("large", &path, options) => panic!("it was too quick: {fetched:?}"),
        () = async { while events.next().await.is_some_and(|progress| progress.acknowledged == 0) {} } => {}
    }
    assert!(!path.exists());
    // The file is let go of when the last write is done.
    let fetched = loop {
        match bucket.fetch("large", &path).await {
            Err(error) if error.kind() == ErrorKind::InUse => tokio::task::yield_now().await,
            fetched => break fetched.unwrap(),
        }
    };
    assert!(fetched.resumed >= 8 * MIB, "{fetched:?}");
    assert!(fetched.verified && std::fs::read(&path).unwrap() == *content, "the bytes differ");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}

/// An object that is replaced while it is read is never mixed.
async fn replaced(seaweed: &Seaweed, bucket: &Bucket, proxy: &Proxy, content: &Bytes) {
    store(seaweed, "replaced", content).await;
    proxy.cut_after(2 * MIB);
    let mut reading = bucket.read("replaced").await.unwrap();
    reading.next().await.unwrap().unwrap();
    store(seaweed, "replaced", &content.slice(1..)).await;
    let mut ended = Ok(Bytes::new());
    while let (Ok(_), Some(next)) = (&ended, reading.next().await) {
        ended = next;
    }
    assert_eq!(ended.unwrap_err().kind(), ErrorKind::Conflict);
    proxy.cut_after(u64::MAX);
}

async fn copied_in_parts(bucket: &Bucket, content: &Bytes) {
    let options = CopyOptions::builder().in_one_up_to(MIB).part_bytes(5 * MIB + 1).build();
    bucket.copy_with("large", bucket, "a copy/ä", options).await.unwrap();
    assert!(bucket.get("a copy/ä").await.unwrap() == content, "the bytes differ");
    let old = std::time::Duration::ZERO;
    assert_eq!(bucket.stale_uploads("", old).await.unwrap(), []);
}

/// A conditional write whose answer got lost was made once, and is known to have been.
async fn lost_answers(bucket: &Bucket, proxy: &Proxy) -> Result<()> {
    let expecting = |expect| PutOptions::builder().expect(expect).build();
    proxy.lose_answers(1);
    let first = bucket.put_with("lost", "1", expecting(Expect::Absent)).await?;
    assert_eq!(proxy.to_be_lost(), 0);
    proxy.lose_answers(1);
    let unchanged = Expect::Unchanged(Version(first.etag));
    let second = bucket.put_with("lost", "2", expecting(unchanged.clone())).await?;
    // Another, with the same bytes, is told that it lost.
    let error = bucket.put_with("lost", "2", expecting(unchanged)).await.unwrap_err();
    assert_eq!((error.kind(), error.is_permanent()), (ErrorKind::Conflict, true), "{error:?}");
    assert_eq!(bucket.get("lost").await?, "2");
    proxy.lose_answers(1);
    bucket.delete_if("lost", &Expect::Unchanged(Version(second.etag))).await?;
    assert_eq!(bucket.head("lost").await?, None);
    Ok(())
}

/// Two writers of which one hears no answers count to twenty, and lose no count.
async fn lost_tuples(bucket: &Bucket, proxy: &Proxy) -> Result<()> {
    let store = S3Tuples::new(bucket.clone(), "tuples/");
    store.put("count", b"0", Expect::Absent).await?;
    let count = async || {
        let mut made = 0;
        while made < 10 {
            let there = store.get("count").await?.expect("it is there");
            let number: u32 = String::from_utf8_lossy(&there.value).parse().expect("a number");
            let next = (number + 1).to_string();
            if made % 3 == 0 {
                proxy.lose_answers(1);
            }
            match store.put("count", next.as_bytes(), Expect::Unchanged(there.version)).await {
                Ok(_) => made += 1,
                Err(error) if error.kind() == ErrorKind::Conflict && error.is_permanent() => {}
                Err(error) => return Err(error),
            }
        }
        Result::Ok(())
    };
    let (one, other) = tokio::join!(count(), count());
    let told: Vec<_> = [one, other].into_iter().filter_map(Result::err).collect();
    // A write that another has replaced since cannot be told from one that was never made: that is said, not guessed.
    assert!(told.iter().all(ec2_stories_core::Error::is_ambiguous), "{told:?}");
    let there = store.get("count").await?.expect("it is there");
    let number: u32 = String::from_utf8_lossy(&there.value).parse().expect("a number");
    assert!(number <= 20 && (number == 20 || !told.is_empty()), "{number} {told:?}");
    Ok(())
}
