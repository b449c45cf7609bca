use std::time::Duration;

use bytes::Bytes;
use ec2_stories_core::ErrorKind;
use ec2_stories_core::provider::{Expect, Version};
use ec2_stories_s3::upload::Crc64;
use ec2_stories_s3::web::{Web, WebRequest};
use ec2_stories_s3::{Body, Bucket, Entry, FetchOptions, PutOptions, progress};
use futures::{StreamExt, TryStreamExt};

use super::server::Seaweed;

/// SeaweedFS keeps objects in folders: it takes no key with an empty, `.` or `..` segment for what it is.
const KEYS: &[&str] = &[
    "plain",
    "a b",
    "ä/é",
    "日本/語",
    "a+b&c=d?e#f",
    "100%/%20",
    "q'\"<>&",
    "~!@$^*()[]{}|`;:,",
    "\u{1f980}",
    "trailing ",
    " leading",
    "a\tb",
    "line\nbreak",
    "long/1/2/3/4/5/6/7/8/9",
];

#[tokio::test]
async fn objects_come_back_as_they_went() {
    let seaweed = Seaweed::start().await;
    let bucket = seaweed.bucket("objects").await;
    keys(&bucket).await;
    sizes(&bucket).await;
    conditions(&bucket).await;
    lists(&bucket).await;
    copies(&bucket).await;
    signatures(&bucket).await;
    bucket.remove().await.unwrap();
}

async fn keys(bucket: &Bucket) {
    for key in KEYS {
        bucket.put(key, Bytes::from_static(key.as_bytes())).await.unwrap();
    }
    for key in KEYS {
        assert_eq!(bucket.get(key).await.unwrap(), key.as_bytes(), "{key:?}");
    }
    let mut expected = KEYS.to_vec();
    expected.sort_unstable();
    let listed: Vec<_> = bucket.list("").try_collect().await.unwrap();
    let mut listed: Vec<&str> = listed.iter().map(|object| object.key.as_str()).collect();
    listed.sort_unstable();
    assert_eq!(listed, expected);
    for key in KEYS {
        bucket.copy(key, bucket, &format!("copy/{key}")).await.unwrap();
        assert_eq!(bucket.get(&format!("copy/{key}")).await.unwrap(), key.as_bytes(), "{key:?}");
    }
    let emptied = bucket.empty().await.unwrap();
    assert_eq!((emptied.removed, emptied.failed), (2 * KEYS.len() as u64, vec![]));
}

async fn sizes(bucket: &Bucket) {
    const PART: usize = 8 << 20;
    let directory = tempfile::tempdir().unwrap();
    let all: Bytes = (0..3 * PART as u64 + 1).map(|at| (at.wrapping_mul(0x9e37_79b9) >> 11) as u8).collect();
    for size in [0, 1, 2, 65_535, 65_536, 1 << 20, PART - 1, PART, PART + 1, 2 * PART, 3 * PART + 1] {
        let bytes = all.slice(..size);
        let stored = bucket.put("sized", bytes.clone()).await.unwrap();
        assert_eq!((stored.bytes, stored.crc), (size as u64, Crc64::of(&bytes)));
        let info = bucket.head("sized").await.unwrap().unwrap();
        assert_eq!((info.bytes, info.crc, &info.etag), (size as u64, Some(stored.crc), &stored.etag));
        assert_eq!(bucket.get("sized").await.unwrap(), bytes, "{size}");
        let path = directory.path().join("sized");
        let fetched = bucket.fetch("sized", &path).await.unwrap();
        assert!(fetched.verified && fetched.crc == stored.crc, "{size}");
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "{size}");
    }
    bucket.put("sized", all.slice(..PART)).await.unwrap();
    for range in [0..1, 5..65_540, PART as u64 - 1..PART as u64 + 7, 7..7] {
        let expected = all.slice(range.start as usize..(range.end as usize).min(PART));
        assert_eq!(bucket.get_range("sized", range).await.unwrap(), expected);
    }
    let path = directory.path().join("file");
    std::fs::write(&path, &all[..70_000]).unwrap();
    let (sender, events) = progress();
    let options = PutOptions::builder().content_type("image/raw").progress(sender).build();
    let (stored, events) =
        tokio::join!(bucket.put_with("file", Body::file(&path), options), events.collect::<Vec<_>>());
    stored.unwrap();
    assert_eq!(events.last().unwrap().acknowledged, 70_000);
    assert_eq!(bucket.head("file").await.unwrap().unwrap().content_type.as_deref(), Some("image/raw"));
    let pieces = all.slice(..100_000).chunks(777).map(Bytes::copy_from_slice).map(Ok).collect::<Vec<_>>();
    bucket.put("stream", Body::stream(futures::stream::iter(pieces))).await.unwrap();
    assert_eq!(bucket.get("stream").await.unwrap(), all.slice(..100_000));
    let (sender, events) = progress();
    let options = FetchOptions::builder().connections(2).progress(sender).build();
    let path = directory.path().join("stream");
    let (fetched, events) =
        tokio::join!(bucket.fetch_with("stream", &path, options), events.collect::<Vec<_>>());
    assert!(fetched.unwrap().verified);
    assert_eq!(events.last().unwrap().acknowledged, 100_000);
    let file = directory.path().join("file");
    std::fs::write(&file, &all[1..]).unwrap();
    let pieces = all.slice(2..).chunks(77_777).map(Bytes::copy_from_slice).map(Ok).collect::<Vec<_>>();
    let (sender, events) = progress();
    let options = PutOptions::builder().expect(Expect::Absent).progress(sender).build();
    let (stored, events) =
        tokio::join!(bucket.put_with("large", Body::file(&file), options), events.collect::<Vec<_>>());
    assert_eq!(stored.unwrap().crc, Crc64::of(&all[1..]));
    assert_eq!(events.last().unwrap().acknowledged, 3 * PART as u64);
    let absent = PutOptions::builder().expect(Expect::Absent).build();
    let error = bucket.put_with("large", Body::file(&file), absent).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}");
    bucket.put("large stream", Body::stream(futures::stream::iter(pieces))).await.unwrap();
    assert!(bucket.get("large stream").await.unwrap() == all.slice(2..), "the bytes differ");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 3, "nothing is left beside");
}

async fn conditions(bucket: &Bucket) {
    let expecting = |expect| PutOptions::builder().expect(expect).build();
    let first = bucket.put_with("c", "1", expecting(Expect::Absent)).await.unwrap();
    let error = bucket.put_with("c", "2", expecting(Expect::Absent)).await.unwrap_err();
    assert_eq!((error.kind(), error.is_permanent()), (ErrorKind::Conflict, true), "{error:?}");
    assert!(error.to_string().contains("s3://objects/c: exists already"), "{error}");
    let unchanged = Expect::Unchanged(Version(first.etag));
    bucket.put_with("c", "2", expecting(unchanged.clone())).await.unwrap();
    let error = bucket.put_with("c", "3", expecting(unchanged.clone())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}");
    assert_eq!(bucket.delete_if("c", &unchanged).await.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(bucket.delete_if("c", &Expect::Absent).await.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(bucket.get("c").await.unwrap(), "2");
    bucket.delete("c").await.unwrap();
    bucket.delete("c").await.unwrap();
    assert_eq!(bucket.head("c").await.unwrap(), None);
    assert_eq!(bucket.get("c").await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(bucket.put("", "").await.unwrap_err().kind(), ErrorKind::Invalid);
}

async fn lists(bucket: &Bucket) {
    bucket.empty().await.unwrap();
    futures::stream::iter(0..1_010)
        .for_each_concurrent(32, async |number| {
            bucket.put(&format!("l/{}/{number:04}", number % 2), "").await.unwrap();
        })
        .await;
    bucket.put("l/top", "").await.unwrap();
    let all: Vec<_> = bucket.list("l/").try_collect().await.unwrap();
    assert_eq!(all.len(), 1_011);
    assert!(all.is_sorted_by(|a, b| a.key < b.key));
    let below: Vec<_> = bucket.browse("l/", "/").try_collect().await.unwrap();
    assert_eq!(below.iter().map(Entry::name).collect::<Vec<_>>(), ["l/0/", "l/1/", "l/top"]);
    let none: Vec<_> = bucket.list("nothing/").try_collect().await.unwrap();
    assert!(none.is_empty());
    let emptied = bucket.delete_below("l/0/").await.unwrap();
    assert_eq!((emptied.removed, emptied.failed.len()), (505, 0));
    let left: Vec<_> = bucket.list("l/").try_collect().await.unwrap();
    assert_eq!(left.len(), 506);
    let gone = bucket.s3().bucket("not-there").list("").try_collect::<Vec<_>>().await;
    assert_eq!(gone.unwrap_err().kind(), ErrorKind::NotFound);
}

async fn copies(bucket: &Bucket) {
    let options = PutOptions::builder()
        .content_type("text/plain")
        .metadata([("color".to_owned(), "blue".to_owned())].into())
        .build();
    bucket.put_with("original", "content", options).await.unwrap();
    bucket.copy("original", bucket, "the copy").await.unwrap();
    let info = bucket.head("the copy").await.unwrap().unwrap();
    assert_eq!(info.metadata.get("color").map(String::as_str), Some("blue"));
    let error = bucket.copy("nothing", bucket, "x").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}");
}

async fn signatures(bucket: &Bucket) {
    let hour = Duration::from_secs(3_600);
    let put = bucket.presign_put("signed ä", hour, &PutOptions::default()).await.unwrap();
    assert_eq!(put.method, "PUT");
    assert!(!format!("{put:?}").contains("X-Amz-Signature"), "{put:?}");
    let web = Web::new().unwrap();
    let mut request = WebRequest::put(put.expose_url()).text("by anybody");
    for (name, value) in &put.headers {
        request = request.header(name, value);
    }
    web.send(&request).await.unwrap();
    let get = bucket.presign_get("signed ä", hour).await.unwrap();
    assert_eq!(web.get(get.expose_url()).await.unwrap().text(), "by anybody");
    let forged = get.expose_url().replace("X-Amz-Expires=3600", "X-Amz-Expires=36000");
    let error = web.get(forged).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden, "{error:?}");
    assert!(!format!("{error:?}").contains("X-Amz-Signature="), "{error:?}");
    for never in [Duration::ZERO, Duration::from_secs(8 * 24 * 3_600)] {
        assert_eq!(bucket.presign_get("a", never).await.unwrap_err().resource(), Some("expires_in"));
    }
}
