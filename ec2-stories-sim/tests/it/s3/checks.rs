//! What S3 verifies before it believes an upload.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumType, CompletedMultipartUpload, CompletedPart};

use super::{MIB, bytes, with_bucket};

#[tokio::test(start_paused = true)]
async fn each_checksum_is_computed_and_a_wrong_one_refused() {
    let (_sim, s3) = with_bucket().await;
    for algorithm in ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"] {
        let put = s3.put_object().bucket("web").key("k").body(ByteStream::from_static(b"123456789"));
        let put = put.checksum_algorithm(ChecksumAlgorithm::from(algorithm)).send().await.unwrap();
        let shown = [
            put.checksum_crc32().map(|v| ("CRC32", v)),
            put.checksum_crc32_c().map(|v| ("CRC32C", v)),
            put.checksum_crc64_nvme().map(|v| ("CRC64NVME", v)),
            put.checksum_sha1().map(|v| ("SHA1", v)),
            put.checksum_sha256().map(|v| ("SHA256", v)),
        ];
        let shown: Vec<_> = shown.into_iter().flatten().collect();
        assert_eq!(shown.len(), 1);
        assert_eq!(shown[0].0, algorithm);
        assert_eq!(put.checksum_type(), Some(&ChecksumType::FullObject));
    }
    let put = || s3.put_object().bucket("web").key("k").body(ByteStream::from_static(b"123456789"));
    // The right value of CRC64NVME for these bytes is rosUhgp5mIg=.
    assert!(put().checksum_crc64_nvme("rosUhgp5mIg=").send().await.is_ok());
    let wrong = put().checksum_crc64_nvme("rosUhgp5mIk=").send().await.unwrap_err();
    assert_eq!(wrong.code(), Some("BadDigest"));
    let wrong = put().content_md5("1B2M2Y8AsgTpgAmY7PhCfg==").send().await.unwrap_err();
    assert_eq!(wrong.code(), Some("BadDigest"));
    let nonsense = put().content_md5("abc").send().await.unwrap_err();
    assert_eq!(nonsense.code(), Some("InvalidDigest"));
}

/// An upload of these parts, and its completion as far as it is described.
async fn upload(
    s3: &Client,
    algorithm: &str,
    parts: &[usize],
) -> (
    aws_sdk_s3::operation::complete_multipart_upload::builders::CompleteMultipartUploadFluentBuilder,
    Vec<CompletedPart>,
) {
    let begun = s3.create_multipart_upload().bucket("web").key("k");
    let begun = begun.checksum_algorithm(ChecksumAlgorithm::from(algorithm)).send().await.unwrap();
    let id = begun.upload_id().unwrap().to_owned();
    let mut done = Vec::new();
    for (number, size) in (1..).zip(parts) {
        let part = s3.upload_part().bucket("web").key("k").upload_id(&id).part_number(number);
        let part = part.checksum_algorithm(ChecksumAlgorithm::from(algorithm));
        let part = part.body(ByteStream::from(bytes(*size))).send().await.unwrap();
        done.push(
            CompletedPart::builder()
                .part_number(number)
                .set_e_tag(part.e_tag)
                .set_checksum_crc32(part.checksum_crc32)
                .set_checksum_crc64_nvme(part.checksum_crc64_nvme)
                .set_checksum_sha256(part.checksum_sha256)
                .build(),
        );
    }
    (s3.complete_multipart_upload().bucket("web").key("k").upload_id(id), done)
}

fn listed(parts: Vec<CompletedPart>) -> CompletedMultipartUpload {
    CompletedMultipartUpload::builder().set_parts(Some(parts)).build()
}

#[tokio::test(start_paused = true)]
async fn completing_checks_order_size_tags_and_the_whole() {
    let (_sim, s3) = with_bucket().await;
    let (complete, parts) = upload(&s3, "CRC64NVME", &[5 * MIB, 1]).await;
    let code = async |builder: aws_sdk_s3::operation::complete_multipart_upload::builders::CompleteMultipartUploadFluentBuilder| {
        builder.send().await.unwrap_err().code().unwrap().to_owned()
    };
    let reversed = listed(parts.iter().rev().cloned().collect());
    assert_eq!(code(complete.clone().multipart_upload(reversed)).await, "InvalidPartOrder");
    let foreign = CompletedPart::builder().part_number(3).e_tag("x").build();
    assert_eq!(code(complete.clone().multipart_upload(listed(vec![foreign]))).await, "InvalidPart");
    let all = complete.clone().multipart_upload(listed(parts.clone()));
    assert_eq!(code(all.clone().mpu_object_size(7)).await, "InvalidRequest");
    assert_eq!(code(all.clone().checksum_crc64_nvme("AAAAAAAAAAA=")).await, "BadDigest");
    assert_eq!(code(all.clone().checksum_type(ChecksumType::Composite)).await, "InvalidRequest");
    s3.put_object().bucket("web").key("k").send().await.unwrap();
    assert_eq!(code(all.clone().if_none_match("*")).await, "PreconditionFailed");
    all.mpu_object_size(5 * MIB as i64 + 1).send().await.unwrap();

    let (complete, parts) = upload(&s3, "CRC32", &[MIB, 1]).await;
    assert_eq!(code(complete.multipart_upload(listed(parts))).await, "EntityTooSmall");
}

#[tokio::test(start_paused = true)]
async fn a_composite_checksum_needs_those_of_the_parts() {
    let (_sim, s3) = with_bucket().await;
    let (complete, parts) = upload(&s3, "SHA256", &[5 * MIB, 3]).await;
    let bare = parts.iter().map(|part| {
        CompletedPart::builder()
            .part_number(part.part_number().unwrap())
            .set_e_tag(part.e_tag.clone())
            .build()
    });
    let refused = complete.clone().multipart_upload(listed(bare.collect())).send().await.unwrap_err();
    assert!(refused.message().unwrap().contains("missing for part 1"), "{refused:?}");
    let done = complete.multipart_upload(listed(parts)).send().await.unwrap();
    assert_eq!(done.checksum_type(), Some(&ChecksumType::Composite));
    assert!(done.checksum_sha256().unwrap().ends_with("-2"));
    let begun =
        s3.create_multipart_upload().bucket("web").key("k").checksum_algorithm(ChecksumAlgorithm::Sha256);
    let refused = begun.checksum_type(ChecksumType::FullObject).send().await.unwrap_err();
    assert_eq!(refused.code(), Some("InvalidRequest"));
}

#[tokio::test(start_paused = true)]
async fn parts_are_numbered_to_ten_thousand_and_keys_end_at_1024_bytes() {
    let (_sim, s3) = with_bucket().await;
    let begun = s3.create_multipart_upload().bucket("web").key("k").send().await.unwrap();
    for (number, good) in [(0, false), (1, true), (10_000, true), (10_001, false)] {
        let part = s3.upload_part().bucket("web").key("k").upload_id(begun.upload_id().unwrap());
        assert_eq!(part.part_number(number).send().await.is_ok(), good, "{number}");
    }
    let put = |key: String| s3.put_object().bucket("web").key(key).send();
    assert!(put("k".repeat(1024)).await.is_ok());
    assert_eq!(put("k".repeat(1025)).await.unwrap_err().code(), Some("KeyTooLongError"));
}
