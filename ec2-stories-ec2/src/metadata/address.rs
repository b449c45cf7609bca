//! Where a metadata service may be.

use std::net::IpAddr;

use aws_smithy_runtime_api::http::Request;
use ec2_stories_core::{Error, Result};

/// The service's address in IPv6.
const V6: IpAddr = IpAddr::V6(std::net::Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254));

/// A token and a role's credentials travel in the clear: no farther than this machine and its link.
pub(super) fn check(base: &str) -> Result<()> {
    let wrong = |why: &str| Err(Error::invalid("base_url", format!("{base:?} {why}")));
    let mut request = Request::empty();
    if request.set_uri(base).is_err() {
        return wrong("is no URL");
    }
    let Some(rest) = base.strip_prefix("http://") else { return wrong("is not http://") };
    let authority = rest.split('/').next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let near = match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => ip.is_link_local() || ip.is_loopback(),
        Ok(ip @ IpAddr::V6(v6)) => ip == V6 || v6.is_unicast_link_local() || v6.is_loopback(),
        // A name may lead anywhere.
        Err(_) => false,
    };
    if near { Ok(()) } else { wrong("is neither link-local nor loopback; write the address in digits") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_and_its_link_are_asked() {
        for good in
            ["http://169.254.169.254", "http://127.0.0.1:8080/", "http://[fd00:ec2::254]", "http://[::1]:80"]
        {
            assert!(check(good).is_ok(), "{good}");
        }
        for bad in [
            "https://169.254.169.254",
            "http://10.0.0.1",
            "http://localhost",
            "http://127.0.0.1@evil.example",
            "http://evil.example#127.0.0.1",
            "169.254.169.254",
            "http://",
        ] {
            assert_eq!(check(bad).unwrap_err().resource(), Some("base_url"), "{bad}");
        }
    }
}
