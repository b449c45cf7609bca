//! Where heartbeats go.

use std::net::IpAddr;

use ec2_stories_core::{Error, Result};

const FIELD: &str = "heartbeat.to";

/// Without the slash at its end.
pub(super) fn base(to: &str) -> &str {
    to.strip_suffix('/').unwrap_or(to)
}

/// Refuses what is no host and port, and a way that others can listen on unasked.
pub(super) fn check(to: &str, in_the_clear: bool) -> Result<()> {
    let wrong = |why: &str| Err(Error::invalid(FIELD, format!("{to:?} {why}")));
    let (clear, authority) = match base(to).split_once("://") {
        Some(("https", authority)) => (false, authority),
        Some(("http", authority)) => (true, authority),
        _ => return wrong("is not an address such as \"https://10.0.0.5:7443\""),
    };
    let Some(host) = host(authority) else {
        return wrong("is not a host and a port, such as \"https://10.0.0.5:7443\"");
    };
    let here = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    if clear && !in_the_clear && !here {
        return wrong(
            "sends the token in the clear: listen with a certificate and say https, or in_the_clear = true",
        );
    }
    Ok(())
}

/// The host of what names one, and perhaps a port. What the node's shell, systemd or curl would read in a way of their own is none.
fn host(authority: &str) -> Option<&str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (ip, rest) = rest.split_once(']')?;
            ip.parse::<std::net::Ipv6Addr>().ok()?;
            (ip, if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) })
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-".contains(c);
    let named = authority.starts_with('[') || host.chars().all(plain) && !host.starts_with(['-', '.']);
    let numbered = port.is_none_or(|port| {
        port.bytes().all(|digit| digit.is_ascii_digit()) && port.parse().is_ok_and(|port: u16| port > 0)
    });
    (!host.is_empty() && named && numbered).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_is_a_host_by_tls() {
        for good in [
            "https://10.0.0.5:7443",
            "https://control.example.org/",
            "https://[fd00::5]:7443",
            "http://127.0.0.1:80",
        ] {
            check(good, false).unwrap();
        }
        for wrong in [
            "10.0.0.5:7443",
            "ftp://10.0.0.5",
            "https://",
            "https://:7443",
            "https://10.0.0.5:0",
            "https://10.0.0.5:99999",
            "https://10.0.0.5:+1",
            "https://10.0.0.5/path",
            "https://user@10.0.0.5",
            "https://a b",
            "https://$(id)",
            "https://%n",
            "https://[fd00::5",
            "https://[x]:1",
            "https://-o",
        ] {
            assert_eq!(check(wrong, true).unwrap_err().resource(), Some(FIELD), "{wrong}");
        }
        let clear = check("http://10.0.0.5:7080", false).unwrap_err();
        assert!(clear.to_string().contains("in_the_clear"), "{clear}");
        check("http://10.0.0.5:7080", true).unwrap();
        assert_eq!(base("https://a/"), "https://a");
    }
}
