//! Objects: put, read, deleted.

use s3s::dto::*;
use s3s::{S3ErrorCode, S3Request, S3Response, S3Result};

use super::conditions::{Reading, check_write, holds};
use super::error::{custom, invalid_request, no_such_key, not_implemented, precondition_failed, refuse};
use super::frontend::{Frontend, date};
use super::given::{attributes, given_sum, show_sum, tags};
use super::receive::{Claims, announced, receive};
use super::state::{self, Object};
use super::{checksum, state::Attributes};

/// The largest object of one PUT: 5 GiB.
const LARGEST_PUT: u64 = 5 << 30;
const AES256: &str = ServerSideEncryption::AES256;

pub(super) async fn put_object(
    front: &Frontend,
    request: S3Request<PutObjectInput>,
) -> S3Result<PutObjectOutput> {
    let S3Request { mut input, headers, trailing_headers, .. } = request;
    let attributes = attributes!(input);
    let tags = tags(input.tagging.as_deref())?;
    if input.write_offset_bytes.is_some() {
        return Err(not_implemented("appends"));
    }
    let owner = input.expected_bucket_owner.as_deref();
    front.bucket(&mut front.world().storage, &input.bucket, owner)?;
    let claims = Claims {
        length: input.content_length,
        md5: input.content_md5.clone(),
        sum: given_sum!(input)?,
        announced: announced(&headers).or_else(|| algorithm(input.checksum_algorithm.as_ref())),
        kept: None,
        trailers: trailing_headers,
    };
    let received = receive(input.body.take(), claims, front.writer()).await?;
    if received.blob.len() > LARGEST_PUT {
        let message = "Your proposed upload exceeds the maximum allowed size";
        return Err(refuse(S3ErrorCode::EntityTooLarge, message));
    }
    front.arrive().await;
    let mut world = front.world();
    let bucket = front.bucket(&mut world.storage, &input.bucket, owner)?;
    let old = bucket.objects.get(&input.key);
    check_write(input.if_match.as_ref(), input.if_none_match.as_ref(), old)?;
    let mut output = PutObjectOutput {
        e_tag: Some(ETag::Strong(received.etag.clone())),
        server_side_encryption: Some(encryption(&attributes)),
        ssekms_key_id: attributes.kms_key.clone(),
        ..PutObjectOutput::default()
    };
    show_sum!(output, received.sum, kind);
    let object = Object {
        blob: received.blob,
        etag: received.etag,
        sum: received.sum,
        modified: front.now(),
        attributes,
        tags,
        parts: Vec::new(),
    };
    bucket.objects.insert(input.key, object);
    Ok(output)
}

pub(super) fn algorithm(named: Option<&ChecksumAlgorithm>) -> Option<checksum::Algorithm> {
    checksum::Algorithm::named(named?.as_str())
}

pub(super) fn encryption(attributes: &Attributes) -> ServerSideEncryption {
    attributes.encryption.clone().unwrap_or_else(|| ServerSideEncryption::from_static(AES256))
}

/// Objects without versions have the version `null`.
pub(super) fn check_version(version: Option<&str>) -> S3Result<()> {
    match version {
        None | Some("null") => Ok(()),
        Some(_) => Err(custom("NoSuchVersion", 404, "The specified version does not exist.")),
    }
}

/// Which bytes of an object a read is for.
struct Share {
    bytes: std::ops::Range<u64>,
    /// Whether the reply is a part of the object.
    partial: bool,
    parts: Option<i32>,
    sum: Option<checksum::Sum>,
}

fn share(object: &Object, range: Option<&Range>, part: Option<i32>) -> S3Result<Share> {
    let len = object.blob.len();
    match (range, part) {
        (Some(_), Some(_)) => {
            Err(invalid_request("Cannot specify both Range header and partNumber query parameter"))
        }
        (None, None) => {
            Ok(Share { bytes: 0..len, partial: false, parts: None, sum: Some(object.sum.clone()) })
        }
        (Some(range), None) => {
            let unsatisfiable =
                |_| refuse(S3ErrorCode::InvalidRange, "The requested range is not satisfiable");
            let bytes = range.check(len).map_err(unsatisfiable)?;
            Ok(Share { bytes, partial: true, parts: None, sum: None })
        }
        (None, Some(number)) => {
            let wrong = || custom("InvalidPartNumber", 416, "The requested partnumber is not satisfiable");
            if object.parts.is_empty() {
                let all =
                    || Share { bytes: 0..len, partial: true, parts: None, sum: Some(object.sum.clone()) };
                return if number == 1 { Ok(all()) } else { Err(wrong()) };
            }
            // Completed parts are numbered anew from 1: GetObject, partNumber.
            let at =
                usize::try_from(number - 1).ok().filter(|at| *at < object.parts.len()).ok_or_else(wrong)?;
            let from: u64 = object.parts[..at].iter().map(|(_, len, _)| len).sum();
            let (_, len, sum) = &object.parts[at];
            let parts = i32::try_from(object.parts.len()).ok();
            Ok(Share { bytes: from..from + len, partial: true, parts, sum: Some(sum.clone()) })
        }
    }
}

/// The members that GetObject and HeadObject have in common.
macro_rules! described {
    ($output:ident, $object:expr, $share:expr, $with_sum:expr) => {{
        let (object, share) = ($object, $share);
        let attributes = &object.attributes;
        let mut output = $output {
            accept_ranges: Some("bytes".to_owned()),
            cache_control: attributes.cache_control.clone(),
            content_disposition: attributes.content_disposition.clone(),
            content_encoding: attributes.content_encoding.clone(),
            content_language: attributes.content_language.clone(),
            content_length: i64::try_from(share.bytes.end - share.bytes.start).ok(),
            content_type: Some(
                attributes.content_type.clone().unwrap_or_else(|| "binary/octet-stream".to_owned()),
            ),
            e_tag: Some(ETag::Strong(object.etag.clone())),
            expires: attributes.expires.clone(),
            last_modified: Some(date(object.modified)),
            metadata: Some(attributes.metadata.clone()),
            parts_count: share.parts,
            server_side_encryption: Some(encryption(attributes)),
            ssekms_key_id: attributes.kms_key.clone(),
            storage_class: shown_class(attributes.storage_class.as_ref()),
            ..$output::default()
        };
        if share.partial && share.bytes.start < share.bytes.end {
            let (from, to, all) = (share.bytes.start, share.bytes.end - 1, object.blob.len());
            output.content_range = Some(format!("bytes {from}-{to}/{all}"));
        }
        if let (true, Some(sum)) = ($with_sum, &share.sum) {
            show_sum!(output, sum, kind);
        }
        output
    }};
}

/// STANDARD goes without saying: GetObject, x-amz-storage-class.
fn shown_class(class: Option<&StorageClass>) -> Option<StorageClass> {
    class.filter(|class| class.as_str() != StorageClass::STANDARD).cloned()
}

fn status(share: &Share) -> Option<http::StatusCode> {
    share.partial.then_some(http::StatusCode::PARTIAL_CONTENT)
}

fn wants_sum(mode: Option<&ChecksumMode>) -> bool {
    mode.is_some_and(|mode| mode.as_str() == ChecksumMode::ENABLED)
}

pub(super) async fn get_object(
    front: &Frontend,
    request: S3Request<GetObjectInput>,
) -> S3Result<S3Response<GetObjectOutput>> {
    let input = request.input;
    check_version(input.version_id.as_deref())?;
    let mut world = front.world();
    let bucket = front.bucket(&mut world.storage, &input.bucket, input.expected_bucket_owner.as_deref())?;
    let object = bucket.objects.get(&input.key).ok_or_else(no_such_key)?;
    let reading = Reading {
        matches: input.if_match.as_ref(),
        none_match: input.if_none_match.as_ref(),
        modified_since: input.if_modified_since.as_ref(),
        unmodified_since: input.if_unmodified_since.as_ref(),
    };
    reading.check(object)?;
    let share = share(object, input.range.as_ref(), input.part_number)?;
    let mut output = described!(GetObjectOutput, object, &share, wants_sum(input.checksum_mode.as_ref()));
    output.tag_count = i32::try_from(object.tags.len()).ok().filter(|count| *count > 0);
    let blob = object.blob.slice(share.bytes.clone());
    output.body = Some(StreamingBlob::wrap(blob.read()));
    Ok(S3Response { status: status(&share), ..S3Response::new(output) })
}

pub(super) async fn head_object(
    front: &Frontend,
    request: S3Request<HeadObjectInput>,
) -> S3Result<S3Response<HeadObjectOutput>> {
    let input = request.input;
    check_version(input.version_id.as_deref())?;
    let mut world = front.world();
    let bucket = front.bucket(&mut world.storage, &input.bucket, input.expected_bucket_owner.as_deref())?;
    let object = bucket.objects.get(&input.key).ok_or_else(no_such_key)?;
    let reading = Reading {
        matches: input.if_match.as_ref(),
        none_match: input.if_none_match.as_ref(),
        modified_since: input.if_modified_since.as_ref(),
        unmodified_since: input.if_unmodified_since.as_ref(),
    };
    reading.check(object)?;
    let share = share(object, input.range.as_ref(), input.part_number)?;
    let output = described!(HeadObjectOutput, object, &share, wants_sum(input.checksum_mode.as_ref()));
    Ok(S3Response { status: status(&share), ..S3Response::new(output) })
}

/// An object that is not there is deleted already, unless the caller said what it should be.
pub(super) async fn delete_object(
    front: &Frontend,
    request: S3Request<DeleteObjectInput>,
) -> S3Result<DeleteObjectOutput> {
    let input = request.input;
    check_version(input.version_id.as_deref())?;
    let mut world = front.world();
    let bucket = front.bucket(&mut world.storage, &input.bucket, input.expected_bucket_owner.as_deref())?;
    let old = bucket.objects.get(&input.key);
    if let Some(condition) = &input.if_match {
        let object = old.ok_or_else(no_such_key)?;
        if !holds(condition, &object.etag) {
            return Err(precondition_failed());
        }
    }
    if input.if_match_size.is_some() || input.if_match_last_modified_time.is_some() {
        return Err(not_implemented("deletion by size or time"));
    }
    bucket.objects.remove(&input.key);
    Ok(DeleteObjectOutput::default())
}

/// Source: DeleteObjects: a thousand keys at most, a refusal for each that fails.
pub(super) async fn delete_objects(
    front: &Frontend,
    request: S3Request<DeleteObjectsInput>,
) -> S3Result<DeleteObjectsOutput> {
    let input = request.input;
    let mut world = front.world();
    let bucket = front.bucket(&mut world.storage, &input.bucket, input.expected_bucket_owner.as_deref())?;
    if input.delete.objects.is_empty() || input.delete.objects.len() > 1000 {
        let message =
            "The XML you provided was not well-formed or did not validate against our published schema";
        return Err(refuse(S3ErrorCode::MalformedXML, message));
    }
    let (mut deleted, mut errors) = (Vec::new(), Vec::new());
    for wanted in input.delete.objects {
        match delete_one(bucket, &wanted) {
            Ok(()) => deleted.push(DeletedObject { key: Some(wanted.key), ..DeletedObject::default() }),
            Err(error) => errors.push(Error {
                code: Some(error.code().as_str().to_owned()),
                key: Some(wanted.key),
                message: error.message().map(str::to_owned),
                version_id: wanted.version_id,
            }),
        }
    }
    let quiet = input.delete.quiet == Some(true);
    Ok(DeleteObjectsOutput {
        deleted: (!quiet).then_some(deleted),
        errors: (!errors.is_empty()).then_some(errors),
        request_charged: None,
    })
}

fn delete_one(bucket: &mut state::Bucket, wanted: &ObjectIdentifier) -> S3Result<()> {
    check_version(wanted.version_id.as_deref())?;
    if let Some(etag) = &wanted.e_tag {
        let object = bucket.objects.get(&wanted.key).ok_or_else(no_such_key)?;
        if ETag::value(etag) != object.etag {
            return Err(precondition_failed());
        }
    }
    bucket.objects.remove(&wanted.key);
    Ok(())
}
