//! Which service a request is for.

use http::request::Parts;

use crate::request::Scope;
use crate::s3::{Host, host_of};

/// The services whose requests are told apart before their bodies are read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Service {
    /// EC2 and STS: forms of a MiB at most.
    Query,
    /// The EBS direct APIs: blocks of half a MiB.
    Ebs,
    /// Bodies of any size, which are never held in memory.
    S3,
}

impl Service {
    /// The signature says; an unsigned request is for S3 if its host or path is.
    pub(crate) fn of(parts: &Parts) -> Self {
        let header = parts.headers.get(http::header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let query = parts.uri.query().unwrap_or_default();
        let credential =
            form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "X-Amz-Credential");
        let credential = credential.map(|(_, value)| value.into_owned());
        match Scope::read(header, credential.as_deref()).service.as_deref() {
            Some("s3") => Self::S3,
            Some("ebs") => Self::Ebs,
            Some(_) => Self::Query,
            None if host_of(parts).is_some_and(|host| Host::read(host).is_some()) => Self::S3,
            None if parts.uri.path().len() > 1 => Self::S3,
            None => Self::Query,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(uri: &str, credential: Option<&str>) -> Service {
        let mut request = http::Request::builder().uri(uri);
        if let Some(credential) = credential {
            let header = format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0");
            request = request.header("authorization", header);
        }
        Service::of(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn a_signature_or_else_the_address_names_the_service() {
        assert_eq!(service("/", Some("AKIA/20260101/eu-west-1/ec2/aws4_request")), Service::Query);
        assert_eq!(service("/", Some("AKIA/20260101/eu-west-1/s3/aws4_request")), Service::S3);
        assert_eq!(service("/snapshots", Some("AKIA/20260101/eu-west-1/ebs/aws4_request")), Service::Ebs);
        assert_eq!(service("/?X-Amz-Credential=AKIA%2F20260101%2Fr%2Fs3%2Faws4_request", None), Service::S3);
        assert_eq!(service("/?Action=DescribeRegions", None), Service::Query);
        assert_eq!(service("/web/index.html", None), Service::S3);
        assert_eq!(service("https://web.s3.eu-west-1.amazonaws.com/", None), Service::S3);
    }
}
