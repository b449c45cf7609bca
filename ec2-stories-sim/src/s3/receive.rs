//! Takes an upload's bytes and holds them against what the caller said of them.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures::StreamExt;
use md5::{Digest, Md5};
use s3s::dto::StreamingBlob;
use s3s::{S3Error, S3ErrorCode, S3Result, TrailingHeaders};

use super::blob::{Blob, Writer};
use super::checksum::{ALGORITHMS, Algorithm, Hasher, Sum, well_formed};
use super::error::{custom, invalid_request, refuse};

/// What a caller says of a body.
#[derive(Debug, Default)]
pub(super) struct Claims {
    pub(super) length: Option<i64>,
    pub(super) md5: Option<String>,
    pub(super) sum: Option<(Algorithm, String)>,
    /// The algorithm of a value that comes after the body, or that is to be computed.
    pub(super) announced: Option<Algorithm>,
    /// The algorithm that S3 keeps, where that is another.
    pub(super) kept: Option<Algorithm>,
    pub(super) trailers: Option<TrailingHeaders>,
}

/// What arrived.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) blob: Blob,
    /// The MD5 in hexadecimal.
    pub(super) etag: String,
    /// What S3 keeps.
    pub(super) sum: Sum,
    /// What the caller's own was held against.
    pub(super) shown: Sum,
}

/// The algorithm that `x-amz-trailer` announces.
pub(super) fn announced(headers: &http::HeaderMap) -> Option<Algorithm> {
    let trailer = headers.get("x-amz-trailer")?.to_str().ok()?;
    Algorithm::named(trailer.trim().to_ascii_lowercase().strip_prefix("x-amz-checksum-")?)
}

pub(super) async fn receive(
    body: Option<StreamingBlob>,
    claims: Claims,
    mut writer: Writer,
) -> S3Result<Received> {
    let given = claims.sum.as_ref().map(|(algorithm, _)| *algorithm);
    // Source: S3 user guide: CRC64NVME where the caller names nothing.
    let algorithm = given.or(claims.announced).or(claims.kept).unwrap_or(Algorithm::Crc64Nvme);
    let kept = claims.kept.filter(|kept| *kept != algorithm);
    let mut md5 = Md5::new();
    let mut hasher = Hasher::new(algorithm);
    let mut keeper = kept.map(Hasher::new);
    let mut length = 0_u64;
    if let Some(mut body) = body {
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| broken(&error.to_string()))?;
            length += chunk.len() as u64;
            md5.update(&chunk);
            hasher.update(&chunk);
            if let Some(keeper) = &mut keeper {
                keeper.update(&chunk);
            }
            writer.push(&chunk).map_err(S3Error::internal_error)?;
        }
    }
    if claims.length.is_some_and(|claimed| u64::try_from(claimed) != Ok(length)) {
        return Err(incomplete());
    }
    let md5 = md5.finalize();
    check_md5(claims.md5.as_deref(), &md5)?;
    let sum = Sum::new(algorithm, hasher.finish());
    let trailer = claims.trailers.and_then(|trailers| trailers.take());
    let trailing = ALGORITHMS.into_iter().find_map(|each| {
        let value = trailer.as_ref()?.get(format!("x-amz-checksum-{}", each.lower()))?.to_str().ok()?;
        Some((each, value.to_owned()))
    });
    for (each, value) in claims.sum.into_iter().chain(trailing) {
        if each != algorithm || !well_formed(each, &value) {
            let message = format!("Value for x-amz-checksum-{} trailing header is invalid.", each.lower());
            return Err(invalid_request(message));
        }
        if value != sum.text() {
            return Err(bad_digest(algorithm));
        }
    }
    let blob = writer.finish().map_err(S3Error::internal_error)?;
    let other = kept.zip(keeper).map(|(algorithm, hasher)| Sum::new(algorithm, hasher.finish()));
    Ok(Received { blob, etag: hex::encode(md5), sum: other.unwrap_or_else(|| sum.clone()), shown: sum })
}

fn check_md5(claimed: Option<&str>, md5: &[u8]) -> S3Result<()> {
    let Some(claimed) = claimed else { return Ok(()) };
    let decoded = BASE64_STANDARD.decode(claimed).ok().filter(|bytes| bytes.len() == md5.len());
    match decoded {
        None => Err(refuse(S3ErrorCode::InvalidDigest, "The Content-MD5 you specified was invalid.")),
        Some(bytes) if bytes == md5 => Ok(()),
        Some(_) => {
            let message = "The Content-MD5 you specified did not match what we received.";
            Err(refuse(S3ErrorCode::BadDigest, message))
        }
    }
}

pub(super) fn bad_digest(algorithm: Algorithm) -> S3Error {
    let message = format!("The {} you specified did not match the calculated checksum.", algorithm.name());
    refuse(S3ErrorCode::BadDigest, message)
}

fn incomplete() -> S3Error {
    let message = "You did not provide the number of bytes specified by the Content-Length HTTP header";
    refuse(S3ErrorCode::IncompleteBody, message)
}

/// s3s tells by its text alone why a body is no good.
fn broken(why: &str) -> S3Error {
    if why.contains("Sha256Mismatch") {
        let message = "The provided 'x-amz-content-sha256' header does not match what was computed.";
        return custom("XAmzContentSHA256Mismatch", 400, message);
    }
    if why.contains("SignatureMismatch") {
        let message = "The request signature we calculated does not match the signature you provided.";
        return refuse(S3ErrorCode::SignatureDoesNotMatch, message);
    }
    incomplete()
}
