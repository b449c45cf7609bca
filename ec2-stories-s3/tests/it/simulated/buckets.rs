use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, ExpirationStatus, LifecycleRule,
    LifecycleRuleFilter,
};
use ec2_stories_core::ErrorKind;
use ec2_stories_core::model::Name;
use ec2_stories_s3::{BucketSpec, Lifetime, S3};
use ec2_stories_sim::{Fault, Sim};

#[tokio::test(start_paused = true)]
async fn a_transient_bucket_is_closed_tagged_and_nobody_elses() {
    let sim = Sim::builder().seed(7).build();
    let s3 = S3::from_config(&sim.sdk_config_in("eu-west-1"));
    let shop = Name::new("shop").unwrap();
    let spec =
        BucketSpec::builder().name("shop-data").lifetime(Lifetime::Transient(shop.clone())).build().unwrap();
    let created = s3.create_bucket(&spec).await.unwrap();
    assert_eq!(created.not_applied, [], "AWS knows every setting");
    assert_eq!(created.bucket.tags().await.unwrap().get("ec2-stories:deployment"), Some("shop"));
    s3.create_bucket(&spec).await.unwrap();
    seen_before(&sim).await;
    let found = s3.find_bucket("shop-data").await.unwrap().unwrap();
    assert_eq!(found.region.as_deref(), Some("eu-west-1"));
    created.bucket.put("a", "a").await.unwrap();
    for (bucket, outcome) in s3.remove_buckets(&shop).await.unwrap() {
        assert!(outcome.is_ok(), "{bucket:?}: {outcome:?}");
    }
    sim.assert_clean();
}

/// A bucket that was there before is not taken for a deployment's, in the region that does not say so either.
async fn seen_before(sim: &Sim) {
    let s3 = S3::from_config(&sim.sdk_config_in("us-east-1"));
    let lasting = BucketSpec::builder().name("was-there").build().unwrap();
    let bucket = s3.create_bucket(&lasting).await.unwrap().bucket;
    let transient = Lifetime::Transient(Name::new("shop").unwrap());
    let error = s3.create_bucket(&BucketSpec { lifetime: transient, ..lasting }).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}");
    bucket.remove().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_is_not_known_everywhere_at_once_is_waited_for_but_not_for_ever() {
    let sim = Sim::builder().seed(7).build();
    let s3 = S3::from_config(&sim.sdk_config());
    let unknown = || Fault::Error { code: "NoSuchBucket".to_owned(), status: 404 };
    let (fresh, lost) =
        ["fresh", "lost"].map(|name| BucketSpec::builder().name(name).build().unwrap()).into();
    for call in 1..=3 {
        sim.faults().nth("GetBucketOwnershipControls", call, unknown());
    }
    let bucket = s3.create_bucket(&fresh).await.unwrap().bucket;
    bucket.remove().await.unwrap();
    sim.faults().always("GetBucketOwnershipControls", unknown());
    assert_eq!(s3.create_bucket(&lost).await.unwrap_err().kind(), ErrorKind::NotFound);
    sim.faults().clear();
    s3.bucket("lost").remove().await.unwrap();
    sim.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn a_creation_that_fails_midway_is_completed_by_the_next() {
    let spec = BucketSpec::builder().name("lasting").build().unwrap();
    for operation in ["CreateBucket", "PutPublicAccessBlock", "PutBucketLifecycleConfiguration"] {
        for fault in [Fault::ReplyLostBefore, Fault::ReplyLostAfter, Fault::Throttle] {
            let sim = Sim::builder().seed(7).build();
            let s3 = S3::from_config(&sim.sdk_config());
            sim.faults().always(operation, fault.clone());
            let first = s3.create_bucket(&spec).await;
            sim.faults().clear();
            let created = s3.create_bucket(&spec).await.unwrap();
            assert_eq!(created.not_applied, [], "{operation} {fault:?} {first:?}");
            created.bucket.remove().await.unwrap();
            sim.assert_clean();
        }
    }
}

/// A rule that does not remove what we leave is not ours.
#[tokio::test(start_paused = true)]
async fn incomplete_uploads_are_removed_everywhere_whatever_rules_there_are() {
    let sim = Sim::builder().seed(7).build();
    let s3 = S3::from_config(&sim.sdk_config());
    let spec = BucketSpec::builder().name("lasting").build().unwrap();
    let bucket = s3.create_bucket(&spec).await.unwrap().bucket;
    let client = aws_sdk_s3::Client::new(&sim.sdk_config());
    let rule = |id: &str, status: ExpirationStatus, prefix: &str| {
        let abort = AbortIncompleteMultipartUpload::builder().days_after_initiation(3).build();
        let filter = LifecycleRuleFilter::builder().prefix(prefix).build();
        let rule = LifecycleRule::builder().id(id).status(status).filter(filter);
        rule.abort_incomplete_multipart_upload(abort).build().unwrap()
    };
    let useless = [
        rule("logs", ExpirationStatus::Enabled, "logs/"),
        rule("ec2-stories: remove incomplete uploads", ExpirationStatus::Disabled, ""),
    ];
    for rule in useless {
        let rules = BucketLifecycleConfiguration::builder().rules(rule.clone()).build().unwrap();
        let put =
            client.put_bucket_lifecycle_configuration().bucket("lasting").lifecycle_configuration(rules);
        put.send().await.unwrap();
        s3.create_bucket(&spec).await.unwrap();
        let there = client.get_bucket_lifecycle_configuration().bucket("lasting").send().await.unwrap();
        let everywhere = |rule: &&LifecycleRule| {
            *rule.status() == ExpirationStatus::Enabled
                && rule.filter().is_none_or(|filter| filter.prefix().is_none_or(str::is_empty))
        };
        assert_eq!(there.rules().iter().filter(everywhere).count(), 1, "{:?}", there.rules());
        assert!(rule.id() != Some("logs") || there.rules().contains(&rule), "another's rule stays");
    }
    bucket.remove().await.unwrap();
    sim.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn a_bucket_elsewhere_is_named_with_its_region() {
    let sim = Sim::builder().seed(7).build();
    let there = S3::from_config(&sim.sdk_config_in("eu-west-1"));
    there.create_bucket(&BucketSpec::builder().name("there").build().unwrap()).await.unwrap();
    let here = S3::from_config(&sim.sdk_config_in("us-east-1"));
    let error = here.bucket("there").put("a", "a").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
    assert!(error.to_string().contains("eu-west-1"), "{error}");
}
