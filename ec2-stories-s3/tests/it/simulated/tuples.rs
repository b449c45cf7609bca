use std::cell::Cell;

use ec2_stories_core::conformance;
use ec2_stories_core::provider::{Expect, TupleStore};
use ec2_stories_s3::{BucketSpec, S3, S3Tuples};
use ec2_stories_sim::{Fault, Sim};

async fn bucket(sim: &Sim) -> ec2_stories_s3::Bucket {
    let s3 = S3::from_config(&sim.sdk_config());
    s3.create_bucket(&BucketSpec::builder().name("journals").build().unwrap()).await.unwrap().bucket
}

#[tokio::test(start_paused = true)]
async fn tuples_keep_their_contract() {
    let sim = Sim::builder().seed(7).build();
    let bucket = bucket(&sim).await;
    let stores = Cell::new(0);
    conformance::tuple_store(async || {
        stores.set(stores.get() + 1);
        S3Tuples::new(bucket.clone(), format!("{}/", stores.get()))
    })
    .await;
    bucket.remove().await.unwrap();
    sim.assert_clean();
}

/// However the answer to a change gets lost: what is said to have been made is there, once.
#[tokio::test(start_paused = true)]
async fn a_change_whose_answer_got_lost_is_settled() {
    for fault in [Fault::ReplyLostBefore, Fault::ReplyLostAfter, Fault::TruncatedReply] {
        let sim = Sim::builder().seed(7).build();
        let store = S3Tuples::new(bucket(&sim).await, "");
        sim.faults().nth("PutObject", 1, fault.clone());
        let first = store.put("a", b"1", Expect::Absent).await.unwrap();
        sim.faults().nth("PutObject", 1, fault.clone());
        let second = store.put("a", b"2", Expect::Unchanged(first)).await.unwrap();
        let tuple = store.get("a").await.unwrap().unwrap();
        assert_eq!((tuple.value.as_slice(), &tuple.version), (&b"2"[..], &second), "{fault:?}");
        sim.faults().nth("DeleteObject", 1, fault.clone());
        store.delete("a", Expect::Unchanged(second)).await.unwrap();
        assert_eq!(store.get("a").await.unwrap(), None, "{fault:?}");
    }
}

/// While no answer ever comes, nobody is told that nothing happened.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_settled_is_ambiguous() {
    let sim = Sim::builder().seed(7).build();
    let store = S3Tuples::new(bucket(&sim).await, "");
    sim.faults().always("PutObject", Fault::ReplyLostAfter).always("HeadObject", Fault::ReplyLostBefore);
    let error = store.put("a", b"1", Expect::Absent).await.unwrap_err();
    assert!(error.is_ambiguous(), "{error:?}");
    sim.faults().clear();
    assert_eq!(store.get("a").await.unwrap().unwrap().value, b"1");
}
