//! What a failed request means. No error shows what may be secret in an address: user, password, query.

use std::io;

use ec2_stories_core::aws::service::causes_of;
use ec2_stories_core::{Error, ErrorKind, Result, Status};
use url::Url;

use super::{Method, Statuses};

/// How much of an answer an error quotes, in characters.
const QUOTED: usize = 200;

/// Reads an address.
pub(super) fn parsed(text: &str) -> Result<Url> {
    // The parser's message does not quote the address.
    let url = Url::parse(text).map_err(|error| Error::invalid("url", error))?;
    if matches!(url.scheme(), "http" | "https") && url.has_host() {
        Ok(url)
    } else {
        Err(Error::invalid("url", format!("{} is not http or https", url.scheme())))
    }
}

/// An address without what may be secret in it.
pub(super) fn shown(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let query = if url.query().is_some() { "?…" } else { "" };
    format!("{}://{host}{port}{}{query}", url.scheme(), url.path())
}

/// The server was not heard, or not to the end.
pub(super) fn unanswered(method: Method, url: &Url, error: reqwest::Error) -> Error {
    let error = error.without_url();
    let refused = refused(&error);
    let (kind, why) = if error.is_timeout() {
        (ErrorKind::Timeout, "no answer in time")
    } else if error.is_builder() {
        (ErrorKind::Invalid, "the request could not be made")
    } else {
        (ErrorKind::Unavailable, "no answer")
    };
    let status = match kind {
        ErrorKind::Invalid => Status::Permanent,
        _ if method.is_safe() || refused || error.is_connect() => Status::Temporary,
        _ => Status::Ambiguous,
    };
    Error::new(kind, why).status(status).during(method.as_str()).on(shown(url)).because(causes_of(&error))
}

fn refused(error: &reqwest::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::ConnectionRefused) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The server answered something that does not count as success.
pub(super) fn answered(method: Method, url: &Url, status: u16, accept: &Statuses, body: &[u8]) -> Error {
    let kind = match status {
        401 | 407 => ErrorKind::Credentials,
        403 => ErrorKind::Forbidden,
        404 | 410 => ErrorKind::NotFound,
        405 | 501 => ErrorKind::Unsupported,
        408 => ErrorKind::Timeout,
        409 | 412 => ErrorKind::Conflict,
        429 | 503 => ErrorKind::Throttled,
        400..500 => ErrorKind::Invalid,
        500.. => ErrorKind::Unavailable,
        _ => ErrorKind::Unexpected,
    };
    let reason = http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    let quoted = quoted(url, body);
    let message = format!("answered {}, which is not in {accept}{quoted}", reason.unwrap_or("a status"));
    let error = Error::new(kind, message).code(status.to_string()).during(method.as_str()).on(shown(url));
    match status {
        // A fault of the server's own may have come after the effect.
        500 | 502 | 504 if !method.is_safe() => error.status(Status::Ambiguous),
        408 => error.status(Status::Temporary),
        _ => error,
    }
}

/// The answer's first line, without what was secret in the request's address.
fn quoted(url: &Url, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let mut line: String = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().to_owned();
    let values = url.query_pairs().map(|(_, value)| value.into_owned());
    let secrets =
        values.chain(url.password().map(ToOwned::to_owned)).chain(url.query().map(ToOwned::to_owned));
    for secret in secrets.filter(|secret| !secret.is_empty()) {
        line = line.replace(&secret, "…");
    }
    let line: String = line.trim().chars().filter(|c| !c.is_control()).take(QUOTED).collect();
    if line.is_empty() { line } else { format!(": {line}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_shows_the_address_and_no_secret_of_it() {
        let url = parsed("https://steve:pass-word@example.org:8443/nic/update?key=the-token#x").unwrap();
        let body = b"\n no such key: the-token for pass-word\n";
        let error = answered(Method::Get, &url, 403, &Statuses::success(), body);
        let text = format!("{error} {error:?}");
        assert!(text.contains("https://example.org:8443/nic/update?…"), "{text}");
        assert!(text.contains("no such key: … for …") && text.contains("200-299"), "{text}");
        for secret in ["steve", "pass-word", "the-token"] {
            assert!(!text.contains(secret), "{text}");
        }
        assert!(parsed("ftp://example.org").is_err() && parsed("nowhere").is_err());
    }

    #[test]
    fn a_fault_after_a_change_is_ambiguous() {
        let url = parsed("http://example.org/").unwrap();
        let failed = |method, status| answered(method, &url, status, &Statuses::success(), b"");
        assert!(failed(Method::Post, 502).is_ambiguous());
        assert!(failed(Method::Get, 502).is_temporary());
        assert!(failed(Method::Put, 429).is_temporary());
        assert!(failed(Method::Delete, 404).is_permanent());
    }
}
