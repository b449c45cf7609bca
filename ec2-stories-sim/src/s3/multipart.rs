//! Uploads in parts: begun, sent, listed, aborted. Completing one is in `complete.rs`.

use s3s::dto::*;
use s3s::{S3ErrorCode, S3Request, S3Result};

use super::checksum::Algorithm;
use super::error::{invalid_argument, invalid_request, no_such_upload, refuse};
use super::frontend::{Frontend, date};
use super::given::{attributes, given_sum, show_sum, tags};
use super::objects::{algorithm, encryption};
use super::receive::{Claims, announced, receive};
use super::state::{self, Storage, Upload};

/// Source: S3 user guide, "Amazon S3 multipart upload limits".
const PARTS: i32 = 10_000;
const LARGEST_PART: u64 = 5 << 30;

impl Upload {
    /// Of the object that comes out.
    pub(super) fn kind(&self) -> &'static str {
        if self.full { ChecksumType::FULL_OBJECT } else { ChecksumType::COMPOSITE }
    }
}

impl Frontend {
    pub(super) fn upload<'a>(
        &self,
        storage: &'a mut Storage,
        (bucket, key, id): (&str, &str, &str),
        owner: Option<&str>,
    ) -> S3Result<&'a mut Upload> {
        let bucket = self.bucket(storage, bucket, owner)?;
        bucket.uploads.get_mut(&(key.to_owned(), id.to_owned())).ok_or_else(no_such_upload)
    }
}

pub(super) async fn create_multipart_upload(
    front: &Frontend,
    request: S3Request<CreateMultipartUploadInput>,
) -> S3Result<CreateMultipartUploadOutput> {
    let input = request.input;
    let attributes = attributes!(input);
    let tags = tags(input.tagging.as_deref())?;
    let algorithm = algorithm(input.checksum_algorithm.as_ref());
    let full = full(algorithm, input.checksum_type.as_ref())?;
    let mut world = front.world();
    let id = world.token(96);
    let bucket = front.bucket(&mut world.storage, &input.bucket, input.expected_bucket_owner.as_deref())?;
    let upload = Upload {
        initiated: front.now(),
        algorithm,
        full,
        attributes,
        tags,
        parts: std::collections::BTreeMap::new(),
    };
    let abort = super::lifecycle::abort_date(bucket, &input.key, upload.initiated);
    let output = CreateMultipartUploadOutput {
        abort_date: abort.as_ref().map(|(at, _)| date(*at)),
        abort_rule_id: abort.and_then(|(_, rule)| rule),
        checksum_algorithm: input.checksum_algorithm,
        checksum_type: algorithm.map(|_| ChecksumType::from_static(upload.kind())),
        server_side_encryption: Some(encryption(&upload.attributes)),
        ssekms_key_id: upload.attributes.kms_key.clone(),
        bucket: Some(input.bucket),
        key: Some(input.key.clone()),
        upload_id: Some(id.clone()),
        ..CreateMultipartUploadOutput::default()
    };
    bucket.uploads.insert((input.key, id), upload);
    Ok(output)
}

/// Whether the object's checksum is over its bytes, not over its parts' checksums.
fn full(algorithm: Option<Algorithm>, kind: Option<&ChecksumType>) -> S3Result<bool> {
    let asked = kind.map(|kind| kind.as_str() == ChecksumType::FULL_OBJECT);
    let Some(algorithm) = algorithm else {
        return match asked {
            None => Ok(true),
            Some(_) => Err(invalid_request(
                "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
            )),
        };
    };
    let full = asked.unwrap_or(algorithm == Algorithm::Crc64Nvme);
    if algorithm.allows(full) {
        return Ok(full);
    }
    let kind = if full { ChecksumType::FULL_OBJECT } else { ChecksumType::COMPOSITE };
    let name = algorithm.lower();
    Err(invalid_request(format!(
        "The {kind} checksum type cannot be used with the {name} checksum algorithm."
    )))
}

pub(super) fn check_part_number(number: i32) -> S3Result<()> {
    match number {
        1..=PARTS => Ok(()),
        _ => Err(invalid_argument("Part number must be an integer between 1 and 10000, inclusive")),
    }
}

pub(super) async fn upload_part(
    front: &Frontend,
    request: S3Request<UploadPartInput>,
) -> S3Result<UploadPartOutput> {
    let S3Request { mut input, headers, trailing_headers, .. } = request;
    check_part_number(input.part_number)?;
    if input.sse_customer_algorithm.is_some() {
        return Err(super::error::not_implemented("encryption with customers' keys"));
    }
    let named = (input.bucket.as_str(), input.key.as_str(), input.upload_id.as_str());
    let owner = input.expected_bucket_owner.as_deref();
    let wanted = front.upload(&mut front.world().storage, named, owner)?.algorithm;
    let sum = given_sum!(input)?;
    let given = sum.as_ref().map(|(each, _)| *each).or_else(|| announced(&headers));
    check_algorithm(wanted, given)?;
    let claims = Claims {
        length: input.content_length,
        md5: input.content_md5.clone(),
        sum,
        announced: given,
        kept: Some(wanted.unwrap_or(Algorithm::Crc64Nvme)),
        trailers: trailing_headers,
    };
    let received = receive(input.body.take(), claims, front.writer()).await?;
    if received.blob.len() > LARGEST_PART {
        let message = "Your proposed upload exceeds the maximum allowed size";
        return Err(refuse(S3ErrorCode::EntityTooLarge, message));
    }
    front.arrive().await;
    let mut world = front.world();
    // It may have been completed or aborted while the part was on its way.
    let upload = front.upload(&mut world.storage, named, owner)?;
    let mut output = UploadPartOutput {
        e_tag: Some(ETag::Strong(received.etag.clone())),
        server_side_encryption: Some(encryption(&upload.attributes)),
        ssekms_key_id: upload.attributes.kms_key.clone(),
        ..UploadPartOutput::default()
    };
    if wanted.or(given).is_some() {
        show_sum!(output, received.shown);
    }
    let part = state::Part {
        blob: received.blob,
        etag: received.etag,
        sum: received.sum,
        shown: received.shown,
        modified: front.now(),
    };
    upload.parts.insert(input.part_number, part);
    Ok(output)
}

/// A part's checksum is of the kind that its upload was begun with. Where that named none, SDKs still send one of their
/// own choice.
fn check_algorithm(wanted: Option<Algorithm>, given: Option<Algorithm>) -> S3Result<()> {
    match (wanted, given) {
        (Some(wanted), Some(given)) if wanted != given => Err(invalid_request(format!(
            "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
            wanted.lower(),
            given.lower()
        ))),
        _ => Ok(()),
    }
}

pub(super) async fn abort_multipart_upload(
    front: &Frontend,
    request: S3Request<AbortMultipartUploadInput>,
) -> S3Result<AbortMultipartUploadOutput> {
    let input = request.input;
    let mut world = front.world();
    let bucket = front.bucket(&mut world.storage, &input.bucket, input.expected_bucket_owner.as_deref())?;
    bucket.uploads.remove(&(input.key, input.upload_id)).ok_or_else(no_such_upload)?;
    Ok(AbortMultipartUploadOutput::default())
}

pub(super) async fn list_parts(
    front: &Frontend,
    request: S3Request<ListPartsInput>,
) -> S3Result<ListPartsOutput> {
    let input = request.input;
    let most = usize::try_from(input.max_parts.unwrap_or(1000).min(1000))
        .map_err(|_| invalid_argument("Argument max-parts must be an integer between 0 and 2147483647"))?;
    let after = input.part_number_marker.unwrap_or_default();
    let owner = front.owner();
    let mut world = front.world();
    let named = (input.bucket.as_str(), input.key.as_str(), input.upload_id.as_str());
    let upload = front.upload(&mut world.storage, named, input.expected_bucket_owner.as_deref())?;
    let mut found = upload.parts.range(after.saturating_add(1)..);
    let parts: Vec<Part> = found
        .by_ref()
        .take(most)
        .map(|(number, part)| {
            let mut shown = Part {
                e_tag: Some(ETag::Strong(part.etag.clone())),
                last_modified: Some(date(part.modified)),
                part_number: Some(*number),
                size: i64::try_from(part.blob.len()).ok(),
                ..Part::default()
            };
            if upload.algorithm.is_some() {
                show_sum!(shown, part.sum);
            }
            shown
        })
        .collect();
    let more = found.next().is_some();
    Ok(ListPartsOutput {
        checksum_algorithm: upload.algorithm.map(|each| ChecksumAlgorithm::from_static(each.name())),
        checksum_type: upload.algorithm.map(|_| ChecksumType::from_static(upload.kind())),
        storage_class: upload.attributes.storage_class.clone(),
        initiator: Some(Initiator { display_name: None, id: owner.id.clone() }),
        owner: Some(owner),
        is_truncated: Some(more),
        max_parts: i32::try_from(most).ok(),
        next_part_number_marker: Some(parts.last().and_then(|part| part.part_number).unwrap_or(0)),
        part_number_marker: Some(after),
        parts: Some(parts),
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(input.upload_id),
        ..ListPartsOutput::default()
    })
}
