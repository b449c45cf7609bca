//! What an upload needs: a bucket, objects, parts.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode, ChecksumType};
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use ec2_stories_sim::Sim;

use super::{MIB, bytes, with_bucket};

#[tokio::test(start_paused = true)]
async fn an_object_is_put_read_listed_and_deleted() {
    let (sim, s3) = with_bucket().await;
    for (key, size) in [("empty", 0), ("small", 10), ("dir/large file+ü", 3 * MIB + 7)] {
        let put = s3.put_object().bucket("web").key(key).body(ByteStream::from(bytes(size)));
        let put = put.content_type("text/plain").metadata("who", "me").send().await.unwrap();
        let head = s3.head_object().bucket("web").key(key).send().await.unwrap();
        assert_eq!(head.content_length(), Some(size as i64));
        assert_eq!((head.e_tag(), head.content_type()), (put.e_tag(), Some("text/plain")));
        assert_eq!(head.metadata().unwrap()["who"], "me");
        let get = s3.get_object().bucket("web").key(key).checksum_mode(ChecksumMode::Enabled);
        let body = get.send().await.unwrap().body.collect().await.unwrap().into_bytes();
        assert!(body == bytes(size));
    }
    let list = s3.list_objects_v2().bucket("web").send().await.unwrap();
    let keys: Vec<_> = list.contents().iter().map(|object| object.key().unwrap()).collect();
    assert_eq!(keys, ["dir/large file+ü", "empty", "small"]);
    for key in keys {
        s3.delete_object().bucket("web").key(key).send().await.unwrap();
    }
    let gone = s3.head_object().bucket("web").key("small").send().await.unwrap_err();
    assert!(gone.into_service_error().is_not_found());
    s3.delete_bucket().bucket("web").send().await.unwrap();
    assert_eq!(sim.calls().count("PutObject"), 3);
    sim.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn parts_become_one_object() {
    let (_sim, s3) = with_bucket().await;
    let whole = bytes(11 * MIB + 3);
    let upload = s3.create_multipart_upload().bucket("web").key("image");
    let upload = upload.checksum_algorithm(ChecksumAlgorithm::Crc64Nvme).send().await.unwrap();
    let id = upload.upload_id().unwrap();
    let mut parts = Vec::new();
    for (number, part) in (1..).zip(whole.chunks(5 * MIB)) {
        let sent = s3.upload_part().bucket("web").key("image").upload_id(id).part_number(number);
        let sent = sent.checksum_algorithm(ChecksumAlgorithm::Crc64Nvme);
        let sent = sent.body(ByteStream::from(part.to_vec())).send().await.unwrap();
        let done = CompletedPart::builder().part_number(number).e_tag(sent.e_tag().unwrap());
        parts.push(done.checksum_crc64_nvme(sent.checksum_crc64_nvme().unwrap()).build());
    }
    let listed = s3.list_parts().bucket("web").key("image").upload_id(id).send().await.unwrap();
    assert_eq!(listed.parts().len(), 3);
    let complete = s3.complete_multipart_upload().bucket("web").key("image").upload_id(id);
    let complete = complete
        .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(parts)).build())
        .mpu_object_size(whole.len() as i64)
        .checksum_type(ChecksumType::FullObject);
    let completed = complete.clone().send().await.unwrap();
    assert!(completed.e_tag().unwrap().ends_with("-3\""));
    let again = complete.send().await.unwrap_err();
    assert_eq!(again.code(), Some("NoSuchUpload"));
    let get = s3.get_object().bucket("web").key("image").checksum_mode(ChecksumMode::Enabled);
    let got = get.send().await.unwrap();
    assert_eq!(got.checksum_crc64_nvme(), completed.checksum_crc64_nvme());
    assert!(got.body.collect().await.unwrap().into_bytes() == whole);
}

#[tokio::test(start_paused = true)]
async fn create_only_and_replace_if_unchanged() {
    let (_sim, s3) = with_bucket().await;
    let put = || s3.put_object().bucket("web").key("journal").body(ByteStream::from_static(b"1"));
    let first = put().if_none_match("*").send().await.unwrap();
    let second = put().if_none_match("*").send().await.unwrap_err();
    assert_eq!(second.code(), Some("PreconditionFailed"));
    let etag = first.e_tag().unwrap();
    let changed = put().if_match(etag).body(ByteStream::from_static(b"2")).send().await.unwrap();
    let stale = put().if_match(etag).send().await.unwrap_err();
    assert_eq!(stale.raw_response().unwrap().status().as_u16(), 412);
    let absent = put().key("other").if_match(changed.e_tag().unwrap()).send().await.unwrap_err();
    assert_eq!(absent.code(), Some("NoSuchKey"));
}

#[tokio::test(start_paused = true)]
async fn a_bucket_lives_in_one_region() {
    let (sim, _) = with_bucket().await;
    let far = Client::new(&sim.sdk_config_in("eu-west-1"));
    let moved = far.get_object().bucket("web").key("x").send().await.unwrap_err();
    assert_eq!(moved.code(), Some("PermanentRedirect"));
    assert_eq!(moved.raw_response().unwrap().headers().get("x-amz-bucket-region"), Some("us-east-1"));
    let nowhere = far.create_bucket().bucket("other").send().await.unwrap_err();
    assert_eq!(nowhere.code(), Some("IllegalLocationConstraintException"));
}

#[tokio::test(start_paused = true)]
async fn a_bucket_with_objects_stays() {
    let (_sim, s3): (Sim, _) = with_bucket().await;
    s3.put_object().bucket("web").key("x").send().await.unwrap();
    let refused = s3.delete_bucket().bucket("web").send().await.unwrap_err();
    assert_eq!(refused.code(), Some("BucketNotEmpty"));
    let missing = s3.head_bucket().bucket("nowhere").send().await.unwrap_err();
    assert_eq!(missing.raw_response().unwrap().status().as_u16(), 404);
}
