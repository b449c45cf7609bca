//! Nothing beyond this machine is touched unless it was allowed.

use std::net::IpAddr;

use crate::exit::Exit;
use crate::failure::Failure;

/// Where the cloud answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// On this machine.
    Loopback,
    /// Beyond it, as the user has allowed.
    Live,
}

/// Allows the real cloud only with `EC2_STORIES_LIVE=1`; services that answer on a loopback address always.
pub(crate) fn allow(services: &[&str], variable: impl Fn(&str) -> Option<String>) -> Result<Reach, Failure> {
    let allowed = variable("EC2_STORIES_LIVE").as_deref() == Some("1");
    let ignored = variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"));
    for service in services {
        let endpoint =
            variable(&format!("AWS_ENDPOINT_URL_{service}")).or_else(|| variable("AWS_ENDPOINT_URL"));
        if ignored || !endpoint.is_some_and(|url| is_loopback(&url)) {
            if allowed {
                return Ok(Reach::Live);
            }
            return Err(Failure::new(
                Exit::Usage,
                format!(
                    "{service} would be called beyond this machine: set EC2_STORIES_LIVE=1 to allow it, AWS_ENDPOINT_URL to \
                     the address of `ec2-stories sim`, or use --cloud embedded"
                ),
            ));
        }
    }
    Ok(Reach::Loopback)
}

fn is_loopback(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return false;
    }
    let host = match authority.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(variables: &[(&str, &str)]) -> bool {
        let lookup =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        allow(&["EC2"], lookup).is_ok()
    }

    #[test]
    fn only_loopback_or_the_word_of_the_user_opens_the_way() {
        assert!(allowed(&[("EC2_STORIES_LIVE", "1")]));
        assert!(allowed(&[("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")]));
        assert!(allowed(&[
            ("AWS_ENDPOINT_URL_EC2", "http://[::1]:80/"),
            ("AWS_ENDPOINT_URL", "https://example.org")
        ]));
        for refused in
            ["", "https://ec2.amazonaws.com", "http://127.0.0.1@example.org", "http://localhost.example.org"]
        {
            assert!(!allowed(&[("AWS_ENDPOINT_URL", refused)]), "{refused}");
        }
        assert!(!allowed(&[]));
        assert!(!allowed(&[("EC2_STORIES_LIVE", "0")]));
        assert!(!allowed(&[
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
            ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
        ]));
    }
}
