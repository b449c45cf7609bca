//! The end of an upload in parts.

use md5::{Digest, Md5};
use s3s::dto::*;
use s3s::{S3Error, S3ErrorCode, S3Request, S3Result};

use super::blob::Blob;
use super::checksum::{Algorithm, Sum};
use super::conditions::check_write;
use super::error::{custom, invalid_request, no_such_upload, refuse};
use super::frontend::Frontend;
use super::given::{given_sum, show_sum};
use super::objects::encryption;
use super::receive::bad_digest;
use super::state::{self, Object, Upload};

/// Every part but the last: S3 user guide, "Amazon S3 multipart upload limits".
const SMALLEST_PART: u64 = 5 << 20;

pub(super) async fn complete_multipart_upload(
    front: &Frontend,
    request: S3Request<CompleteMultipartUploadInput>,
) -> S3Result<CompleteMultipartUploadOutput> {
    let input = request.input;
    front.strike_inside()?;
    let claimed = given_sum!(input)?;
    let mut world = front.world();
    let bucket = front.bucket(&mut world.storage, &input.bucket, input.expected_bucket_owner.as_deref())?;
    let id = (input.key.clone(), input.upload_id.clone());
    let upload = bucket.uploads.get(&id).ok_or_else(no_such_upload)?;
    let named = input.multipart_upload.as_ref().and_then(|each| each.parts.as_deref()).unwrap_or_default();
    let parts = chosen(upload, named)?;
    check_write(input.if_match.as_ref(), input.if_none_match.as_ref(), bucket.objects.get(&input.key))?;
    let object = joined(upload, &parts, front.now())?;
    check_size(input.mpu_object_size, object.blob.len())?;
    check_sum(upload, claimed, input.checksum_type.as_ref(), &object.sum)?;
    let mut output = CompleteMultipartUploadOutput {
        location: Some(format!("https://{}.s3.{}.amazonaws.com/{}", input.bucket, bucket.region, input.key)),
        e_tag: Some(ETag::Strong(object.etag.clone())),
        server_side_encryption: Some(encryption(&object.attributes)),
        ssekms_key_id: object.attributes.kms_key.clone(),
        bucket: Some(input.bucket),
        key: Some(input.key.clone()),
        ..CompleteMultipartUploadOutput::default()
    };
    show_sum!(output, object.sum, kind);
    bucket.uploads.remove(&id);
    bucket.objects.insert(input.key, object);
    Ok(output)
}

impl Frontend {
    /// S3 may answer 200 and fail after that: CompleteMultipartUpload, CopyObject, UploadPartCopy.
    pub(super) fn strike_inside(&self) -> S3Result<()> {
        match &self.exchange.state().struck.error_inside {
            None => Ok(()),
            Some(code) => {
                let message = "We encountered an internal error. Please try again.";
                Err(custom(code, 200, message))
            }
        }
    }
}

fn invalid_part() -> S3Error {
    let message = "One or more of the specified parts could not be found.  The part may not have been uploaded, or the \
                   specified entity tag may not match the part's entity tag.";
    refuse(S3ErrorCode::InvalidPart, message)
}

/// The parts that the caller names, in its order, which must be theirs.
fn chosen<'a>(upload: &'a Upload, named: &[CompletedPart]) -> S3Result<Vec<(i32, &'a state::Part)>> {
    if named.is_empty() {
        let message =
            "The XML you provided was not well-formed or did not validate against our published schema";
        return Err(refuse(S3ErrorCode::MalformedXML, message));
    }
    let mut parts = Vec::with_capacity(named.len());
    let mut last = 0;
    for each in named {
        let number = each.part_number.unwrap_or_default();
        if number <= last {
            let message =
                "The list of parts was not in ascending order. Parts must be ordered by part number.";
            return Err(refuse(S3ErrorCode::InvalidPartOrder, message));
        }
        last = number;
        let part = upload.parts.get(&number).ok_or_else(invalid_part)?;
        if each.e_tag.as_ref().map(ETag::value) != Some(part.etag.as_str()) {
            return Err(invalid_part());
        }
        match given_sum!(each)? {
            Some((algorithm, value)) if algorithm != part.shown.algorithm || value != part.shown.text() => {
                return Err(invalid_part());
            }
            None if !upload.full => return Err(missing(upload, number)),
            _ => {}
        }
        parts.push((number, part));
    }
    let (_, before_last) = parts.split_last().ok_or_else(invalid_part)?;
    if before_last.iter().any(|(_, part)| part.blob.len() < SMALLEST_PART) {
        let message = "Your proposed upload is smaller than the minimum allowed size";
        return Err(refuse(S3ErrorCode::EntityTooSmall, message));
    }
    Ok(parts)
}

fn missing(upload: &Upload, number: i32) -> S3Error {
    let name = upload.algorithm.map(Algorithm::lower).unwrap_or_default();
    invalid_request(format!(
        "The upload was created using a {name} checksum. The complete request must include the checksum for each part. \
         It was missing for part {number} in the request."
    ))
}

fn joined(upload: &Upload, parts: &[(i32, &state::Part)], now: jiff::Timestamp) -> S3Result<Object> {
    let mut blob = Blob::default();
    let mut md5 = Md5::new();
    for (_, part) in parts {
        blob.append(&part.blob);
        md5.update(hex::decode(&part.etag).map_err(S3Error::internal_error)?);
    }
    let sums: Vec<(&Sum, u64)> = parts.iter().map(|(_, part)| (&part.sum, part.blob.len())).collect();
    let algorithm = upload.algorithm.unwrap_or(Algorithm::Crc64Nvme);
    let full = || Sum::full(algorithm, &sums).ok_or_else(invalid_part);
    let sum = if upload.full { full()? } else { Sum::composite(algorithm, &sums) };
    Ok(Object {
        blob,
        etag: format!("{}-{}", hex::encode(md5.finalize()), parts.len()),
        sum,
        modified: now,
        attributes: upload.attributes.clone(),
        tags: upload.tags.clone(),
        parts: parts.iter().map(|(number, part)| (*number, part.blob.len(), part.sum.clone())).collect(),
    })
}

/// Source: CompleteMultipartUpload, x-amz-mp-object-size.
fn check_size(claimed: Option<i64>, size: u64) -> S3Result<()> {
    match claimed {
        Some(claimed) if u64::try_from(claimed) != Ok(size) => Err(invalid_request(format!(
            "The provided 'x-amz-mp-object-size' header value {claimed} does not match what was computed: {size}"
        ))),
        _ => Ok(()),
    }
}

fn check_sum(
    upload: &Upload,
    claimed: Option<(Algorithm, String)>,
    kind: Option<&ChecksumType>,
    sum: &Sum,
) -> S3Result<()> {
    if let Some(kind) = kind.filter(|kind| kind.as_str() != upload.kind()) {
        return Err(invalid_request(format!(
            "The upload was created using the {} checksum mode. The complete request must use the same checksum mode, not \
             {}.",
            upload.kind(),
            kind.as_str()
        )));
    }
    let Some((algorithm, value)) = claimed else { return Ok(()) };
    // The number of parts may be left out of a composite one.
    let text = sum.text();
    let bare = text.split_once('-').map_or(text.as_str(), |(value, _)| value);
    match algorithm == sum.algorithm && (value == text || value == bare) {
        true => Ok(()),
        false => Err(bad_digest(algorithm)),
    }
}
