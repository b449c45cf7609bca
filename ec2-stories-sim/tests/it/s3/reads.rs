//! Ranges, preconditions, listings, copies, settings.

use std::time::Duration;

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, Delete, ExpirationStatus, LifecycleRule,
    LifecycleRuleFilter, ObjectIdentifier, Tag, Tagging,
};
use ec2_stories_sim::Sim;

use super::{MIB, bytes, with_bucket};

#[tokio::test(start_paused = true)]
async fn ranges_and_preconditions() {
    let (_sim, s3) = with_bucket().await;
    let put = s3.put_object().bucket("web").key("k").body(ByteStream::from(bytes(2 * MIB)));
    let etag = put.send().await.unwrap().e_tag.unwrap();
    let get = || s3.get_object().bucket("web").key("k");
    for (range, from, to) in [
        ("bytes=0-0", 0, 1),
        ("bytes=1048570-1048590", MIB - 6, MIB + 15),
        ("bytes=-5", 2 * MIB - 5, 2 * MIB),
    ] {
        let part = get().range(range).send().await.unwrap();
        assert_eq!(part.content_range().unwrap(), format!("bytes {from}-{}/{}", to - 1, 2 * MIB));
        assert!(part.body.collect().await.unwrap().into_bytes() == bytes(2 * MIB)[from..to]);
    }
    let status = |error: Option<u16>| error.unwrap();
    let refused = get().range(format!("bytes={}-", 2 * MIB)).send().await.unwrap_err();
    assert_eq!(refused.code(), Some("InvalidRange"));
    let unchanged = get().if_none_match(&etag).send().await.unwrap_err();
    assert_eq!(status(unchanged.raw_response().map(|r| r.status().as_u16())), 304);
    let changed = get().if_match("\"x\"").send().await.unwrap_err();
    assert_eq!(status(changed.raw_response().map(|r| r.status().as_u16())), 412);
    assert!(get().if_match(&etag).send().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_listing_goes_on_where_it_ended() {
    let (sim, s3) = with_bucket().await;
    for number in 0..25 {
        s3.put_object().bucket("web").key(format!("dir{}/{number:02}", number % 2)).send().await.unwrap();
    }
    let mut pages = s3.list_objects_v2().bucket("web").prefix("dir1/").into_paginator().page_size(5).send();
    let mut keys = Vec::new();
    while let Some(page) = pages.next().await {
        keys.extend(page.unwrap().contents().iter().map(|object| object.key().unwrap().to_owned()));
    }
    assert_eq!(keys.len(), 12);
    let folded = s3.list_objects_v2().bucket("web").delimiter("/").send().await.unwrap();
    assert_eq!(folded.common_prefixes().len(), 2);
    let all =
        sim.object_keys("web").into_iter().map(|key| ObjectIdentifier::builder().key(key).build().unwrap());
    let delete = Delete::builder().set_objects(Some(all.collect())).build().unwrap();
    let deleted = s3.delete_objects().bucket("web").delete(delete).send().await.unwrap();
    assert_eq!((deleted.deleted().len(), deleted.errors().len()), (25, 0));
    assert!(sim.object_keys("web").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_copy_has_the_bytes_and_what_it_is_told_to_have() {
    let (sim, s3) = with_bucket().await;
    let put = s3.put_object().bucket("web").key("from ü").body(ByteStream::from(bytes(2 * MIB)));
    put.metadata("a", "1").tagging("role=db").send().await.unwrap();
    s3.copy_object().bucket("web").key("to").copy_source("web/from%20%C3%BC").send().await.unwrap();
    s3.delete_object().bucket("web").key("from ü").send().await.unwrap();
    assert!(sim.object("web", "to").await.unwrap().unwrap() == bytes(2 * MIB));
    let head = s3.head_object().bucket("web").key("to").send().await.unwrap();
    assert_eq!(head.metadata().unwrap()["a"], "1");
    let tags = s3.get_object_tagging().bucket("web").key("to").send().await.unwrap();
    assert_eq!(tags.tag_set(), [Tag::builder().key("role").value("db").build().unwrap()]);
    let itself = s3.copy_object().bucket("web").key("to").copy_source("web/to").send().await.unwrap_err();
    assert_eq!(itself.code(), Some("InvalidRequest"));

    let begun = s3.create_multipart_upload().bucket("web").key("joined").send().await.unwrap();
    let copy = s3.upload_part_copy().bucket("web").key("joined").upload_id(begun.upload_id().unwrap());
    let copy =
        copy.part_number(1).copy_source("web/to").copy_source_range("bytes=10-19").send().await.unwrap();
    assert!(copy.copy_part_result().unwrap().e_tag().is_some());
    let parts = s3.list_parts().bucket("web").key("joined").upload_id(begun.upload_id().unwrap());
    assert_eq!(parts.send().await.unwrap().parts()[0].size(), Some(10));
}

#[tokio::test(start_paused = true)]
async fn a_rule_aborts_uploads_that_nobody_finishes() {
    let (sim, s3) = with_bucket().await;
    let rule = LifecycleRule::builder()
        .status(ExpirationStatus::Enabled)
        .filter(LifecycleRuleFilter::builder().prefix("").build())
        .abort_incomplete_multipart_upload(
            AbortIncompleteMultipartUpload::builder().days_after_initiation(1).build(),
        )
        .build()
        .unwrap();
    let rules = BucketLifecycleConfiguration::builder().rules(rule).build().unwrap();
    s3.put_bucket_lifecycle_configuration()
        .bucket("web")
        .lifecycle_configuration(rules)
        .send()
        .await
        .unwrap();
    let begun = s3.create_multipart_upload().bucket("web").key("k").send().await.unwrap();
    assert!(begun.abort_date().is_some());
    sim.keep_bucket("web");
    assert!(sim.leaks().to_string().starts_with("multipart-upload web/k (0 parts"), "{}", sim.leaks());
    tokio::time::sleep(Duration::from_secs(49 * 3600)).await;
    sim.assert_clean();
    let listed = s3.list_multipart_uploads().bucket("web").send().await.unwrap();
    assert!(listed.uploads().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_bucket_s_settings_are_read_back() {
    let (_sim, s3) = with_bucket().await;
    let block = s3.get_public_access_block().bucket("web").send().await.unwrap();
    assert_eq!(block.public_access_block_configuration().unwrap().block_public_acls(), Some(true));
    let encryption = s3.get_bucket_encryption().bucket("web").send().await.unwrap();
    assert_eq!(encryption.server_side_encryption_configuration().unwrap().rules().len(), 1);
    let none = s3.get_bucket_tagging().bucket("web").send().await.unwrap_err();
    assert_eq!(none.code(), Some("NoSuchTagSet"));
    let tag = Tag::builder().key("deployment").value("shop").build().unwrap();
    let tagging = Tagging::builder().tag_set(tag.clone()).build().unwrap();
    s3.put_bucket_tagging().bucket("web").tagging(tagging).send().await.unwrap();
    assert_eq!(s3.get_bucket_tagging().bucket("web").send().await.unwrap().tag_set(), [tag]);
    let location = s3.get_bucket_location().bucket("web").send().await.unwrap();
    assert!(location.location_constraint().is_none_or(|region| region.as_str().is_empty()));
    let acl = s3.put_object().bucket("web").key("k").acl("public-read".into()).send().await.unwrap_err();
    assert_eq!(acl.code(), Some("AccessControlListNotSupported"));
}

#[tokio::test(start_paused = true)]
async fn what_is_left_names_buckets_objects_and_uploads() {
    let sim = Sim::builder().build();
    let s3 = aws_sdk_s3::Client::new(&sim.sdk_config());
    sim.add_bucket("kept", "us-east-1");
    s3.create_bucket().bucket("mine").send().await.unwrap();
    for key in ["images/web-7", "tmp/1"] {
        s3.put_object().bucket("kept").key(key).send().await.unwrap();
    }
    sim.keep_objects("kept", "images/");
    let left = sim.leaks().to_string();
    assert_eq!(left, "object kept/tmp/1 (0 bytes) in us-east-1\nbucket mine (0 objects) in us-east-1\n");
}
