//! Where a redirect leads.

use ec2_stories_core::{Error, ErrorKind, Result};
use url::Url;

use super::Method;
use super::error::shown;

/// The next request: with what method, to where, and whether it is the same server.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Next {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) same_server: bool,
}

/// Where a status with this `Location` leads; `None` where the status is no redirect.
pub(super) fn next(method: Method, from: &Url, status: u16, location: Option<&str>) -> Result<Option<Next>> {
    // <https://www.rfc-editor.org/rfc/rfc9110#name-redirection-3xx>: a POST becomes a GET at 301 and 302, anything at 303.
    let method = match (status, method) {
        (303, Method::Head)
        | (301 | 302 | 307 | 308, Method::Get | Method::Head | Method::Put | Method::Delete) => method,
        (307 | 308, Method::Post) => method,
        (301 | 302, Method::Post) | (303, _) => Method::Get,
        _ => return Ok(None),
    };
    let Some(location) = location else { return Ok(None) };
    let failed = |why: &str| Error::new(ErrorKind::Failed, why).during("redirect").on(shown(from));
    let url = from.join(location).map_err(|_| failed("leads to what is no address"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(failed("leads to what is neither http nor https"));
    }
    if from.scheme() == "https" && url.scheme() == "http" {
        return Err(failed("leads from https to http"));
    }
    let same_server = from.origin() == url.origin();
    Ok(Some(Next { method, url, same_server }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lead(method: Method, status: u16, location: &str) -> Result<Option<Next>> {
        next(method, &Url::parse("https://example.org/a/b").unwrap(), status, Some(location))
    }

    #[test]
    fn a_redirect_leads_where_it_says() {
        let there = lead(Method::Get, 302, "../c").unwrap().unwrap();
        assert_eq!((there.url.as_str(), there.same_server), ("https://example.org/c", true));
        let other = lead(Method::Put, 307, "https://example.com/").unwrap().unwrap();
        assert_eq!((other.method, other.same_server), (Method::Put, false));
        assert_eq!(lead(Method::Post, 303, "/").unwrap().unwrap().method, Method::Get);
        assert_eq!(lead(Method::Post, 308, "/").unwrap().unwrap().method, Method::Post);
        assert_eq!(lead(Method::Get, 304, "/").unwrap(), None);
    }

    #[test]
    fn none_leads_out_of_tls_or_out_of_http() {
        assert!(lead(Method::Get, 301, "http://example.org/").is_err());
        assert!(lead(Method::Get, 301, "file:///etc/passwd").is_err());
    }
}
