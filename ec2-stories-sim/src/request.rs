//! A call as it came over the wire: who calls which operation of which service where.

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::wire::{ApiError, Params, Protocol};

/// A request that can be routed.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) protocol: Protocol,
    pub(crate) region: String,
    pub(crate) access_key: Option<String>,
    pub(crate) params: Params,
    /// Names and values in the order sent, without what authenticates or routes.
    pub(crate) pairs: Vec<(String, String)>,
}

/// Form fields that say who calls and what, not with which arguments.
const ENVELOPE: [&str; 9] = [
    "Action",
    "Version",
    "AWSAccessKeyId",
    "Expires",
    "SecurityToken",
    "Signature",
    "SignatureMethod",
    "SignatureVersion",
    "Timestamp",
];

impl Call {
    /// Reads a POSTed form or a GET's query string. `home` is the region of a call whose signature names none.
    pub(crate) fn read(request: &http::Request<Bytes>, home: &str) -> Result<Self, ApiError> {
        let form = match request.body() {
            body if body.is_empty() => request.uri().query().unwrap_or_default().as_bytes(),
            body => body,
        };
        let fields: Vec<(String, String)> = form_urlencoded::parse(form).into_owned().collect();
        let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let header = request.headers().get(http::header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let scope = Scope::read(header, field("X-Amz-Credential"));
        let access_key = scope.key.or_else(|| field("AWSAccessKeyId").map(str::to_owned));
        let envelope = |name: &str| ENVELOPE.contains(&name) || name.starts_with("X-Amz-");
        Ok(Self {
            protocol: protocol(field("Version"), scope.service.as_deref()),
            region: scope.region.unwrap_or_else(|| home.to_owned()),
            access_key,
            params: Params::from_form(form)?,
            pairs: fields.iter().filter(|(name, _)| !envelope(name)).cloned().collect(),
        })
    }

    pub(crate) fn operation(&self) -> &str {
        self.params.action()
    }

    pub(crate) fn dry_run(&self) -> bool {
        self.params.get("DryRun") == Some("true")
    }

    pub(crate) fn service(&self) -> &'static str {
        match self.protocol {
            Protocol::Ec2 => "ec2",
            Protocol::Sts => "sts",
        }
    }

    /// A digest of the arguments, the token aside: equal exactly for requests that ask for the same.
    pub(crate) fn fingerprint(&self) -> String {
        let mut pairs: Vec<_> =
            self.pairs.iter().filter(|(name, _)| name != "ClientToken" && name != "DryRun").collect();
        pairs.sort();
        let mut digest = Sha256::new();
        for (name, value) in pairs {
            digest.update(name.as_bytes());
            digest.update([0]);
            digest.update(value.as_bytes());
            digest.update([0]);
        }
        digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// How many list items named `name.N` the call has.
    pub(crate) fn items(&self, name: &str) -> u32 {
        let of_list = |key: &str| key.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
        u32::try_from(self.pairs.iter().filter(|(key, _)| of_list(key)).count()).unwrap_or(u32::MAX)
    }

    /// A listing that names neither ids, filters nor a page.
    pub(crate) fn unfiltered(&self) -> bool {
        let narrow = |key: &str| key.starts_with("Filter.") || key == "MaxResults" || key.contains("Id.");
        !self.pairs.iter().any(|(key, _)| narrow(key))
    }
}

/// What a signature says beside the signature.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    pub(crate) key: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) service: Option<String>,
}

impl Scope {
    /// `AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, …`, or the same credential in a query string.
    pub(crate) fn read(header: Option<&str>, query: Option<&str>) -> Self {
        let from_header = header.and_then(|value| {
            let (_, rest) = value.split_once("Credential=")?;
            rest.split([',', ' ']).next()
        });
        let Some(credential) = from_header.or(query) else { return Self::default() };
        let mut parts = credential.split('/').map(str::to_owned);
        let key = parts.next();
        Self { key, region: parts.nth(1), service: parts.next() }
    }
}

/// The API version is the surest sign of a service; the signature's service name the next.
fn protocol(version: Option<&str>, service: Option<&str>) -> Protocol {
    match (version, service) {
        (Some("2011-06-15"), _) | (None, Some("sts")) => Protocol::Sts,
        _ => Protocol::Ec2,
    }
}
