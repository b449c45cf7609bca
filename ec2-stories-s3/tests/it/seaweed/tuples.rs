use std::cell::Cell;

use ec2_stories_core::ErrorKind;
use ec2_stories_core::conformance;
use ec2_stories_core::provider::{Expect, TupleStore};
use ec2_stories_s3::S3Tuples;

use super::server::Seaweed;

#[tokio::test]
async fn tuples_keep_their_contract() {
    let seaweed = Seaweed::start().await;
    let bucket = seaweed.bucket("tuples").await;
    let stores = Cell::new(0);
    conformance::tuple_store(async || {
        stores.set(stores.get() + 1);
        S3Tuples::new(bucket.clone(), format!("{}/", stores.get()))
    })
    .await;

    // What somebody else wrote there is no tuple, and is only overwritten or deleted on demand.
    let store = S3Tuples::new(bucket.clone(), "damaged/");
    store.put("a", b"value", Expect::Absent).await.unwrap();
    bucket.put("damaged/a=tuple", "rubbish").await.unwrap();
    assert_eq!(store.get("a").await.unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(store.put("a", b"", Expect::Absent).await.unwrap_err().kind(), ErrorKind::Conflict);
    store.put("a", b"again", Expect::Anything).await.unwrap();
    assert_eq!(store.get("a").await.unwrap().unwrap().value, b"again");

    let nowhere = S3Tuples::new(seaweed.s3().bucket("nowhere"), "");
    let error = nowhere.get("a").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}");
}
