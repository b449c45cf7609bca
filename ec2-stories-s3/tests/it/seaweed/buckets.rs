use std::time::Duration;

use ec2_stories_core::ErrorKind;
use ec2_stories_core::model::{Name, Tags};
use ec2_stories_s3::{Bucket, BucketSpec, Lifetime, S3};

use super::server::Seaweed;

#[tokio::test]
async fn buckets_are_created_closed_and_removed_with_their_deployment() {
    let seaweed = Seaweed::start().await;
    let s3 = seaweed.s3();
    let shop = Name::new("shop").unwrap();
    let tags = Tags::new().with("team", "blue");
    let spec = BucketSpec::builder()
        .name("shop-data")
        .lifetime(Lifetime::Transient(shop.clone()))
        .tags(tags)
        .build()
        .unwrap();
    let created = s3.create_bucket(&spec).await.unwrap();
    // It keeps no public access block, and says so.
    let missing: Vec<&str> = created.not_applied.iter().map(|missing| missing.setting).collect();
    assert_eq!(missing, ["public access block"]);
    let bucket = created.bucket;
    assert_eq!(bucket.tags().await.unwrap().get("team"), Some("blue"));
    let before = s3.calls();
    s3.create_bucket(&spec).await.unwrap();
    for call in ["PutBucketEncryption", "PutBucketLifecycleConfiguration", "PutBucketTagging"] {
        assert_eq!(s3.calls().get(call), before.get(call), "what is there already is left: {call}");
    }

    let other = BucketSpec { lifetime: Lifetime::Transient(Name::new("other").unwrap()), ..spec.clone() };
    let error = s3.create_bucket(&other).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}");

    assert!(s3.find_bucket("shop-data").await.unwrap().is_some());
    assert!(s3.find_bucket("not-there").await.unwrap().is_none());
    let lasting = seaweed.bucket("lasting").await;
    lasting.put("kept", "kept").await.unwrap();

    for key in ["a", "b/c", "x y/ü&<>"] {
        bucket.put(key, key).await.unwrap();
    }
    assert_eq!(bucket.delete_bucket().await.unwrap_err().kind(), ErrorKind::InUse);
    let owned = s3.buckets_of(&shop).await.unwrap();
    assert_eq!(owned.iter().map(Bucket::name).collect::<Vec<_>>(), ["shop-data"]);
    let removed = s3.remove_buckets(&shop).await.unwrap();
    assert!(removed.len() == 1 && removed[0].1.is_ok(), "{removed:?}");
    assert!(s3.find_bucket("shop-data").await.unwrap().is_none());
    bucket.remove().await.unwrap();
    assert_eq!(lasting.get("kept").await.unwrap(), "kept");

    // More than one page, and more than one batch.
    let many = seaweed.bucket("many").await;
    futures::future::join_all((0..1_203).map(|number| {
        let many = many.clone();
        async move { many.put(&format!("{number:04}"), "").await.unwrap() }
    }))
    .await;
    let emptied = many.empty().await.unwrap();
    assert_eq!((emptied.removed, emptied.failed.len()), (1_203, 0));
    many.delete_bucket().await.unwrap();

    let reader = S3::from_config(&seaweed.config("AKIAREADER", "reader-secret"));
    let error =
        reader.create_bucket(&BucketSpec::builder().name("refused").build().unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden, "{error:?}");
    let wrong = S3::from_config(&seaweed.config("AKIATESTER", "wrong"));
    let error = wrong.find_bucket("lasting").await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Credentials | ErrorKind::Forbidden), "{error:?}");
    assert_eq!(lasting.gc("", Duration::ZERO).await.unwrap(), []);
}
