//! Which requests are for S3, and what a host name says of them.

use http::request::Parts;
use s3s::S3Result;
use s3s::host::{S3Host, VirtualHost};

/// A bucket and a region, as far as a host names them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Host<'a> {
    pub(crate) bucket: Option<&'a str>,
    pub(crate) region: Option<&'a str>,
}

impl<'a> Host<'a> {
    /// `[BUCKET.]s3[.dualstack][.REGION].amazonaws.com`, or `BUCKET.localhost` of a listener; none for other hosts.
    pub(crate) fn read(host: &'a str) -> Option<Self> {
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        if let Some(bucket) = name.strip_suffix(".localhost") {
            return Some(Self { bucket: Some(bucket), region: None });
        }
        let rest = name.strip_suffix(".amazonaws.com")?;
        // The last `s3` label: a bucket's name may hold dots and another one.
        let labels: Vec<&str> = rest.split('.').collect();
        let at = labels.iter().rposition(|label| *label == "s3" || label.starts_with("s3-"))?;
        let before: usize = labels[..at].iter().map(|label| label.len() + 1).sum();
        let region = labels[at + 1..].iter().find(|label| **label != "dualstack").copied();
        Some(Self { bucket: before.checked_sub(1).map(|end| &rest[..end]), region })
    }
}

/// The host a request is for, from its header or its address.
pub(crate) fn host_of(parts: &Parts) -> Option<&str> {
    let header = parts.headers.get(http::header::HOST).and_then(|value| value.to_str().ok());
    header.or_else(|| parts.uri.authority().map(http::uri::Authority::as_str))
}

/// How s3s asks.
pub(crate) struct Hosts;

impl S3Host for Hosts {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        let mut found = VirtualHost::new(host);
        let named = Host::read(host).unwrap_or_default();
        if let Some(bucket) = named.bucket {
            found = found.with_bucket(bucket);
        }
        Ok(match named.region {
            Some(region) => found.with_region(region),
            None => found,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_name_buckets_and_regions() {
        for (host, bucket, region) in [
            ("s3.amazonaws.com", None, None),
            ("s3.eu-west-1.amazonaws.com", None, Some("eu-west-1")),
            ("web.s3.eu-west-1.amazonaws.com", Some("web"), Some("eu-west-1")),
            ("my.s3.web.s3.dualstack.eu-west-1.amazonaws.com", Some("my.s3.web"), Some("eu-west-1")),
            ("web.s3.amazonaws.com:443", Some("web"), None),
            ("web.localhost:4599", Some("web"), None),
        ] {
            assert_eq!(Host::read(host), Some(Host { bucket, region }), "{host}");
        }
        for other in ["localhost:4599", "127.0.0.1:80", "ec2.eu-west-1.amazonaws.com", "example.org"] {
            assert_eq!(Host::read(other), None, "{other}");
        }
    }
}
