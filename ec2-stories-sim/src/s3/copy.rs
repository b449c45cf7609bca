//! Copies inside S3: no byte passes through the caller.

use s3s::dto::*;
use s3s::{S3ErrorCode, S3Request, S3Result};

use super::blob::{Blob, Writer};
use super::checksum::Algorithm;
use super::conditions::Reading;
use super::error::{invalid_argument, invalid_request, no_such_key, not_implemented, refuse};
use super::frontend::{Frontend, date};
use super::given::{attributes, show_sum, tags};
use super::multipart::check_part_number;
use super::objects::{algorithm, check_version, encryption};
use super::receive::{Claims, Received, receive};
use super::state::{self, Object, Storage};

/// Larger objects are copied in parts: CopyObject.
const LARGEST: u64 = 5 << 30;

fn source(copy: &CopySource) -> S3Result<(&str, &str)> {
    match copy {
        CopySource::Bucket { bucket, key, version_id } => {
            check_version(version_id.as_deref())?;
            Ok((bucket, key))
        }
        _ => Err(not_implemented("access points")),
    }
}

impl Frontend {
    fn copied(
        &self,
        storage: &mut Storage,
        copy: &CopySource,
        owner: Option<&str>,
        reading: &Reading<'_>,
    ) -> S3Result<Object> {
        let (bucket, key) = source(copy)?;
        if storage.foreign.contains(bucket) || owner.is_some_and(|owner| owner != self.account) {
            return Err(super::error::access_denied());
        }
        // A source may be in another region.
        let bucket = storage.buckets.get(bucket).ok_or_else(super::buckets::no_such_bucket)?;
        let object = bucket.objects.get(key).ok_or_else(no_such_key)?;
        reading.check_source(object)?;
        Ok(object.clone())
    }
}

macro_rules! reading {
    ($input:expr) => {
        Reading {
            matches: $input.copy_source_if_match.as_ref(),
            none_match: $input.copy_source_if_none_match.as_ref(),
            modified_since: $input.copy_source_if_modified_since.as_ref(),
            unmodified_since: $input.copy_source_if_unmodified_since.as_ref(),
        }
    };
}

/// The bytes read once more: their MD5, and the checksum that the copy shall have.
async fn digested(blob: Blob, algorithm: Algorithm, writer: Writer) -> S3Result<Received> {
    let claims = Claims { kept: Some(algorithm), ..Claims::default() };
    let body = StreamingBlob::wrap(blob.read());
    receive(Some(body), claims, writer).await
}

pub(super) async fn copy_object(
    front: &Frontend,
    request: S3Request<CopyObjectInput>,
) -> S3Result<CopyObjectOutput> {
    let input = request.input;
    front.strike_inside()?;
    let given = attributes!(input);
    let replaces = |directive: Option<&str>| directive == Some("REPLACE");
    let replace_attributes = replaces(input.metadata_directive.as_ref().map(MetadataDirective::as_str));
    let replace_tags = replaces(input.tagging_directive.as_ref().map(TaggingDirective::as_str));
    let new_tags = tags(input.tagging.as_deref())?;
    let old = {
        let mut world = front.world();
        front.bucket(&mut world.storage, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let owner = input.expected_source_bucket_owner.as_deref();
        front.copied(&mut world.storage, &input.copy_source, owner, &reading!(input))?
    };
    let itself = source(&input.copy_source)? == (input.bucket.as_str(), input.key.as_str());
    let changes = replace_attributes || given.storage_class.is_some() || given.encryption.is_some();
    if itself && !changes {
        return Err(invalid_request(
            "This copy request is illegal because it is trying to copy an object to itself without changing the object's \
             metadata, storage class, website redirect location or encryption attributes.",
        ));
    }
    if old.blob.len() > LARGEST {
        let message = format!(
            "The specified copy source is larger than the maximum allowable size for a copy source: {LARGEST}"
        );
        return Err(invalid_request(message));
    }
    let algorithm = algorithm(input.checksum_algorithm.as_ref()).unwrap_or(old.sum.algorithm);
    let copy = digested(old.blob.clone(), algorithm, front.writer()).await?;
    let mut attributes = if replace_attributes { given.clone() } else { old.attributes };
    attributes.storage_class = given.storage_class;
    attributes.encryption = given.encryption;
    attributes.kms_key = given.kms_key;
    let modified = front.now();
    let mut result = CopyObjectResult {
        e_tag: Some(ETag::Strong(copy.etag.clone())),
        last_modified: Some(date(modified)),
        ..CopyObjectResult::default()
    };
    show_sum!(result, copy.sum, kind);
    let output = CopyObjectOutput {
        copy_object_result: Some(result),
        server_side_encryption: Some(encryption(&attributes)),
        ssekms_key_id: attributes.kms_key.clone(),
        ..CopyObjectOutput::default()
    };
    let object = Object {
        // The bytes are shared with the source.
        blob: old.blob,
        etag: copy.etag,
        sum: copy.sum,
        modified,
        attributes,
        tags: if replace_tags { new_tags } else { old.tags },
        parts: Vec::new(),
    };
    let mut world = front.world();
    let bucket = front.bucket(&mut world.storage, &input.bucket, input.expected_bucket_owner.as_deref())?;
    bucket.objects.insert(input.key, object);
    Ok(output)
}

pub(super) async fn upload_part_copy(
    front: &Frontend,
    request: S3Request<UploadPartCopyInput>,
) -> S3Result<UploadPartCopyOutput> {
    let input = request.input;
    front.strike_inside()?;
    check_part_number(input.part_number)?;
    let named = (input.bucket.as_str(), input.key.as_str(), input.upload_id.as_str());
    let owner = input.expected_bucket_owner.as_deref();
    let (wanted, old) = {
        let mut world = front.world();
        let wanted = front.upload(&mut world.storage, named, owner)?.algorithm;
        let owner = input.expected_source_bucket_owner.as_deref();
        (wanted, front.copied(&mut world.storage, &input.copy_source, owner, &reading!(input))?)
    };
    let blob = match input.copy_source_range.as_deref() {
        None => old.blob,
        Some(range) => old.blob.slice(bytes(range, old.blob.len())?),
    };
    if blob.len() > LARGEST {
        let message = "Your proposed upload exceeds the maximum allowed size";
        return Err(refuse(S3ErrorCode::EntityTooLarge, message));
    }
    let copy = digested(blob.clone(), wanted.unwrap_or(Algorithm::Crc64Nvme), front.writer()).await?;
    let mut world = front.world();
    let upload = front.upload(&mut world.storage, named, owner)?;
    let part = state::Part { blob, etag: copy.etag, sum: copy.sum, shown: copy.shown, modified: front.now() };
    let mut result = CopyPartResult {
        e_tag: Some(ETag::Strong(part.etag.clone())),
        last_modified: Some(date(part.modified)),
        ..CopyPartResult::default()
    };
    if wanted.is_some() {
        show_sum!(result, part.shown);
    }
    let output = UploadPartCopyOutput {
        copy_part_result: Some(result),
        server_side_encryption: Some(encryption(&upload.attributes)),
        ..UploadPartCopyOutput::default()
    };
    upload.parts.insert(input.part_number, part);
    Ok(output)
}

/// Source: UploadPartCopy, x-amz-copy-source-range: first and last byte, both inside the source.
fn bytes(range: &str, len: u64) -> S3Result<std::ops::Range<u64>> {
    let wrong = || {
        invalid_argument(
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the \
             zero-based offsets of the first and last bytes to copy",
        )
    };
    let Ok(Range::Int { first, last: Some(last) }) = Range::parse(range) else { return Err(wrong()) };
    match last < len {
        true => Ok(first..last + 1),
        false => {
            let message = format!("Range specified is not valid for source object of size: {len}");
            Err(invalid_argument(message))
        }
    }
}
