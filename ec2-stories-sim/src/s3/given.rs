//! Members that many of S3's requests and replies share. The generated types repeat them, so macros read and write them.

use s3s::S3Result;

use super::checksum::{Algorithm, well_formed};
use super::error::invalid_request;

/// The one checksum that a request gives, if any.
pub(super) fn one(given: [(Algorithm, Option<String>); 5]) -> S3Result<Option<(Algorithm, String)>> {
    let mut given = given.into_iter().filter_map(|(algorithm, value)| Some((algorithm, value?)));
    let first = given.next();
    if given.next().is_some() {
        return Err(invalid_request(
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
        ));
    }
    if let Some((algorithm, value)) = &first
        && !well_formed(*algorithm, value)
    {
        let name = algorithm.lower();
        return Err(invalid_request(format!("Value for x-amz-checksum-{name} header is invalid.")));
    }
    Ok(first)
}

/// The checksum that a request, or one of its parts, gives.
macro_rules! given_sum {
    ($from:expr) => {
        $crate::s3::given::one([
            ($crate::s3::checksum::Algorithm::Crc32, $from.checksum_crc32.clone()),
            ($crate::s3::checksum::Algorithm::Crc32c, $from.checksum_crc32c.clone()),
            ($crate::s3::checksum::Algorithm::Crc64Nvme, $from.checksum_crc64nvme.clone()),
            ($crate::s3::checksum::Algorithm::Sha1, $from.checksum_sha1.clone()),
            ($crate::s3::checksum::Algorithm::Sha256, $from.checksum_sha256.clone()),
        ])
    };
}

/// Shows a checksum in a reply.
macro_rules! show_sum {
    ($into:expr, $sum:expr) => {{
        let text = Some($sum.text());
        match $sum.algorithm {
            $crate::s3::checksum::Algorithm::Crc32 => $into.checksum_crc32 = text,
            $crate::s3::checksum::Algorithm::Crc32c => $into.checksum_crc32c = text,
            $crate::s3::checksum::Algorithm::Crc64Nvme => $into.checksum_crc64nvme = text,
            $crate::s3::checksum::Algorithm::Sha1 => $into.checksum_sha1 = text,
            $crate::s3::checksum::Algorithm::Sha256 => $into.checksum_sha256 = text,
        }
    }};
    ($into:expr, $sum:expr, kind) => {{
        show_sum!($into, $sum);
        $into.checksum_type = Some(s3s::dto::ChecksumType::from_static($sum.kind()));
    }};
}

/// What a request says of the object that it makes; refuses what is not simulated.
macro_rules! attributes {
    ($input:expr) => {{
        if $input.sse_customer_algorithm.is_some() || $input.sse_customer_key.is_some() {
            return Err($crate::s3::error::not_implemented("encryption with customers' keys"));
        }
        if $input.object_lock_mode.is_some()
            || $input.object_lock_legal_hold_status.is_some()
            || $input.object_lock_retain_until_date.is_some()
        {
            return Err($crate::s3::error::invalid_request("Bucket is missing Object Lock Configuration"));
        }
        if $input.website_redirect_location.is_some() {
            return Err($crate::s3::error::not_implemented("web sites"));
        }
        let granted = $input.grant_full_control.is_some()
            || $input.grant_read.is_some()
            || $input.grant_read_acp.is_some()
            || $input.grant_write_acp.is_some();
        $crate::s3::given::check_acl($input.acl.as_ref().map(|acl| acl.as_str()), granted)?;
        $crate::s3::state::Attributes {
            cache_control: $input.cache_control.clone(),
            content_disposition: $input.content_disposition.clone(),
            content_encoding: $crate::s3::given::stored_encoding($input.content_encoding.as_deref()),
            content_language: $input.content_language.clone(),
            content_type: $input.content_type.clone(),
            expires: $input.expires.clone(),
            metadata: $input.metadata.clone().unwrap_or_default(),
            storage_class: $input.storage_class.clone(),
            encryption: $input.server_side_encryption.clone(),
            kms_key: $input.ssekms_key_id.clone(),
        }
    }};
}

pub(super) use {attributes, given_sum, show_sum};

/// New buckets have no ACLs: S3 user guide, "Controlling ownership of objects".
pub(super) fn check_acl(canned: Option<&str>, granted: bool) -> S3Result<()> {
    match canned {
        None | Some("private" | "bucket-owner-full-control") if !granted => Ok(()),
        _ => {
            let code = s3s::S3ErrorCode::AccessControlListNotSupported;
            Err(super::error::refuse(code, "The bucket does not allow ACLs"))
        }
    }
}

/// `aws-chunked` is how a body travels, not what it is.
pub(super) fn stored_encoding(given: Option<&str>) -> Option<String> {
    let kept: Vec<&str> =
        given?.split(',').map(str::trim).filter(|each| !each.is_empty() && *each != "aws-chunked").collect();
    (!kept.is_empty()).then(|| kept.join(","))
}

/// `a=1&b=2`, as in a header.
pub(super) fn tags(header: Option<&str>) -> S3Result<Vec<s3s::dto::Tag>> {
    let pairs = form_urlencoded::parse(header.unwrap_or_default().as_bytes()).into_owned();
    check_tags(pairs.map(|(key, value)| s3s::dto::Tag { key: Some(key), value: Some(value) }).collect(), 10)
}

/// Source: S3 user guide, "Categorizing your objects using tags": ten on an object, 50 on a bucket.
pub(super) fn check_tags(tags: Vec<s3s::dto::Tag>, most: usize) -> S3Result<Vec<s3s::dto::Tag>> {
    let refused = |message: &str| Err(super::error::refuse(s3s::S3ErrorCode::InvalidTag, message));
    if tags.len() > most {
        return Err(super::error::custom(
            "BadRequest",
            400,
            format!("Object tags cannot be greater than {most}"),
        ));
    }
    let mut keys = std::collections::BTreeSet::new();
    for tag in &tags {
        let key = tag.key.as_deref().unwrap_or_default();
        if key.is_empty() || key.chars().count() > 128 {
            return refused("The TagKey you have provided is invalid");
        }
        if tag.value.as_deref().unwrap_or_default().chars().count() > 256 {
            return refused("The TagValue you have provided is invalid");
        }
        if !keys.insert(key) {
            return refused("Cannot provide multiple Tags with the same key");
        }
    }
    Ok(tags)
}
