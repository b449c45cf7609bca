//! Signatures: s3s checks those in headers, this file what s3s cannot, because it knows neither the simulated time nor
//! that a key without a known secret is good.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SessionTokenMode, SignableBody, SignableRequest,
    SignatureLocation, SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use http::header::AUTHORIZATION;
use http::request::Parts;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use s3s::{S3ErrorCode, S3Result};

use super::error::{access_denied, custom, invalid_request, refuse};
use super::host::host_of;
use crate::request::Scope;

const CONTENT_SHA256: &str = "x-amz-content-sha256";
const TOKEN: &str = "x-amz-security-token";
/// A week: S3 user guide, "Download and upload objects with presigned URLs".
const LONGEST: u64 = 604_800;

/// Who signed a request, and the token that came with it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Signer {
    pub(crate) key: String,
    pub(crate) region: String,
    pub(crate) token: Option<String>,
    /// The signature is known to be good: s3s has nothing to check any more.
    pub(crate) verified: bool,
}

/// Who signed, if anybody. A presigned URL is checked here and becomes an unsigned request; a request by a key whose
/// secret nobody knows is signed again with one that s3s knows.
pub(crate) fn read(
    parts: &mut Parts,
    now: Timestamp,
    secret: impl Fn(&str) -> Option<String>,
    known: (&str, &str),
) -> S3Result<Option<Signer>> {
    let query: Vec<(String, String)> =
        form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    if query.iter().any(|(name, _)| name == "X-Amz-Signature") {
        return presigned(parts, &query, now, secret).map(Some);
    }
    let Some(header) = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()) else {
        return Ok(None);
    };
    let scope = Scope::read(Some(header), None);
    let (Some(key), Some(region)) = (scope.key, scope.region) else {
        return Err(refuse(
            S3ErrorCode::AuthorizationHeaderMalformed,
            "The authorization header is malformed.",
        ));
    };
    let token = text(parts, TOKEN);
    let signer = Signer { key, region, token, verified: false };
    if secret(&signer.key).is_none() {
        sign_again(parts, &signer.region, known)?;
    }
    Ok(Some(signer))
}

fn text(parts: &Parts, header: &str) -> Option<String> {
    parts.headers.get(header).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

fn presigned(
    parts: &mut Parts,
    query: &[(String, String)],
    now: Timestamp,
    secret: impl Fn(&str) -> Option<String>,
) -> S3Result<Signer> {
    let field = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let scope = Scope::read(None, field("X-Amz-Credential"));
    let date = field("X-Amz-Date").and_then(read_date);
    let expires = field("X-Amz-Expires").and_then(|text| text.parse::<u64>().ok());
    let (Some(key), Some(region), Some(date), Some(expires)) = (scope.key, scope.region, date, expires)
    else {
        return Err(malformed_query(
            "Query-string authentication version 4 requires the X-Amz-Algorithm, \
            X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
        ));
    };
    if expires > LONGEST {
        return Err(malformed_query("X-Amz-Expires must be less than a week (in seconds) 604800"));
    }
    if now > date + Duration::from_secs(expires) {
        return Err(refuse(S3ErrorCode::AccessDenied, "Request has expired"));
    }
    let token = field("X-Amz-Security-Token").map(str::to_owned);
    if let Some(secret) = secret(&key) {
        let signed: Vec<&str> = field("X-Amz-SignedHeaders").unwrap_or_default().split(';').collect();
        let request = Request {
            method: parts.method.as_str(),
            url: address(parts, &without_signature(parts))?,
            headers: headers(parts, &signed),
            payload: "UNSIGNED-PAYLOAD",
        };
        let mut settings = settings();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(Duration::from_secs(expires));
        let credentials = Credentials::new(&key, secret, token.clone(), None, "ec2-stories-sim");
        let (_, expected) = signature(&request, settings, credentials, &region, date)?;
        if field("X-Amz-Signature") != Some(&expected) {
            return Err(does_not_match());
        }
    }
    let unsigned = without_signature(parts);
    parts.uri = address(parts, &unsigned)?.parse().map_err(|_| malformed_query("The query is malformed."))?;
    Ok(Signer { key, region, token, verified: true })
}

fn malformed_query(message: &str) -> s3s::S3Error {
    custom("AuthorizationQueryParametersError", 400, message)
}

fn does_not_match() -> s3s::S3Error {
    let message = "The request signature we calculated does not match the signature you provided. Check your key and \
                   signing method.";
    refuse(S3ErrorCode::SignatureDoesNotMatch, message)
}

/// The path and query, as they came, without what signs.
fn without_signature(parts: &Parts) -> String {
    const SIGNING: [&str; 7] = [
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Date",
        "X-Amz-Expires",
        "X-Amz-SignedHeaders",
        "X-Amz-Security-Token",
        "X-Amz-Signature",
    ];
    let query = parts.uri.query().unwrap_or_default().split('&');
    let kept: Vec<&str> = query
        .filter(|pair| !pair.is_empty() && !SIGNING.contains(&pair.split('=').next().unwrap_or_default()))
        .collect();
    match kept.is_empty() {
        true => parts.uri.path().to_owned(),
        false => format!("{}?{}", parts.uri.path(), kept.join("&")),
    }
}

fn address(parts: &Parts, path_and_query: &str) -> S3Result<String> {
    let host = host_of(parts).ok_or_else(|| invalid_request("missing header: Host"))?;
    Ok(format!("http://{host}{path_and_query}"))
}

/// Puts a signature by a key that s3s knows in the place of one that cannot be checked.
fn sign_again(parts: &mut Parts, region: &str, (key, secret): (&str, &str)) -> S3Result<()> {
    let payload = text(parts, CONTENT_SHA256).unwrap_or_else(|| "UNSIGNED-PAYLOAD".to_owned());
    if payload.starts_with("STREAMING-AWS4") {
        let message = format!(
            "Signed chunks need a secret that the simulation knows: sign with {key} and its secret, or with keys that \
             AssumeRole gave out."
        );
        return Err(refuse(S3ErrorCode::InvalidAccessKeyId, message));
    }
    let date = text(parts, "x-amz-date").as_deref().and_then(read_date).ok_or_else(access_denied)?;
    parts.headers.remove(TOKEN);
    let path_and_query = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str).to_owned();
    let request = Request {
        method: parts.method.as_str(),
        url: address(parts, &path_and_query)?,
        headers: headers(parts, &["host"]),
        payload: &payload,
    };
    let credentials = Credentials::new(key, secret, None, None, "ec2-stories-sim");
    let (headers, _) = signature(&request, settings(), credentials, region, date)?;
    for (name, value) in headers {
        let value = value.parse().map_err(|_| access_denied())?;
        parts
            .headers
            .insert(http::HeaderName::from_bytes(name.as_bytes()).map_err(|_| access_denied())?, value);
    }
    Ok(())
}

struct Request<'a> {
    method: &'a str,
    url: String,
    headers: Vec<(String, String)>,
    payload: &'a str,
}

fn headers(parts: &Parts, names: &[&str]) -> Vec<(String, String)> {
    let value = |name: &str| match name {
        "host" => host_of(parts).map(str::to_owned),
        name => text(parts, name),
    };
    names.iter().filter_map(|name| Some(((*name).to_owned(), value(name)?))).collect()
}

fn settings() -> SigningSettings {
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings.session_token_mode = SessionTokenMode::Include;
    // A caller says which headers are signed.
    settings.excluded_headers = None;
    settings
}

/// The headers that a signature adds, and the signature.
fn signature(
    request: &Request<'_>,
    settings: SigningSettings,
    credentials: Credentials,
    region: &str,
    date: Timestamp,
) -> S3Result<(Vec<(String, String)>, String)> {
    let identity = credentials.into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("s3")
        .time(SystemTime::from(date))
        .settings(settings)
        .build()
        .map_err(|error| invalid_request(error.to_string()))?
        .into();
    let headers = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let body = SignableBody::Precomputed(request.payload.to_owned());
    let signable = SignableRequest::new(request.method, request.url.as_str(), headers, body);
    let signed = signable.and_then(|signable| sign(signable, &params)).map_err(|_| does_not_match())?;
    let (instructions, signature) = signed.into_parts();
    let headers = instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Ok((headers, signature))
}

fn read_date(text: &str) -> Option<Timestamp> {
    let civil = DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok()?;
    Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
}
