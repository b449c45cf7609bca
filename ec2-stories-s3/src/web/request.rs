//! A request.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use ec2_stories_core::Result;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::Statuses;
use super::error::{parsed, shown};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// The resource.
    Get,
    /// What the resource is, without its content.
    Head,
    /// Storing the resource.
    Put,
    /// Whatever the resource makes of it.
    Post,
    /// Removing the resource.
    Delete,
}

impl Method {
    /// As in a request.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Put => "PUT",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }

    /// Whether it changes nothing.
    pub(super) fn is_safe(self) -> bool {
        matches!(self, Self::Get | Self::Head)
    }
}

/// What is sent along.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebBody {
    /// A text.
    Text(String),
    /// A file, read while it is sent.
    File(PathBuf),
    /// Bytes.
    #[serde(skip)]
    Bytes(Bytes),
}

impl fmt::Debug for WebBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{} bytes of text", text.len()),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
        }
    }
}

/// What to do when the server says that it is elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Redirects {
    /// Its answer is the answer.
    Stay,
    /// Going there, so many times; never from `https` to `http`, and without secret headers to another server.
    Follow(u8),
}

impl Default for Redirects {
    fn default() -> Self {
        Self::Follow(10)
    }
}

/// A request to a web site, as data.
#[derive(Clone, Serialize, Deserialize)]
pub struct WebRequest {
    /// The method.
    pub method: Method,
    /// Where to, `http` or `https`.
    pub url: String,
    /// Headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Headers whose values are shown nowhere.
    #[serde(skip)]
    pub secret_headers: BTreeMap<String, SecretString>,
    /// What is sent along.
    #[serde(default)]
    pub body: Option<WebBody>,
    /// Which answers are a success.
    #[serde(default)]
    pub accept: Statuses,
    /// What to do when the server says that it is elsewhere.
    #[serde(default)]
    pub redirects: Redirects,
    /// How long it may take in all, in milliseconds; for ever, while something moves, where not set.
    #[serde(default)]
    pub timeout_ms: Option<u64>,
}

impl WebRequest {
    /// A request without anything.
    #[must_use]
    pub fn new(method: Method, url: impl Into<String>) -> Self {
        Self {
            method,
            url: url.into(),
            headers: BTreeMap::new(),
            secret_headers: BTreeMap::new(),
            body: None,
            accept: Statuses::default(),
            redirects: Redirects::default(),
            timeout_ms: None,
        }
    }

    /// GET.
    #[must_use]
    pub fn get(url: impl Into<String>) -> Self {
        Self::new(Method::Get, url)
    }

    /// HEAD.
    #[must_use]
    pub fn head(url: impl Into<String>) -> Self {
        Self::new(Method::Head, url)
    }

    /// PUT.
    #[must_use]
    pub fn put(url: impl Into<String>) -> Self {
        Self::new(Method::Put, url)
    }

    /// POST.
    #[must_use]
    pub fn post(url: impl Into<String>) -> Self {
        Self::new(Method::Post, url)
    }

    /// DELETE.
    #[must_use]
    pub fn delete(url: impl Into<String>) -> Self {
        Self::new(Method::Delete, url)
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.insert(name.into(), value.into());
        self
    }

    /// With a header that is shown nowhere, such as `authorization`.
    #[must_use]
    pub fn secret_header(mut self, name: impl Into<String>, value: impl Into<SecretString>) -> Self {
        self.secret_headers.insert(name.into(), value.into());
        self
    }

    /// With a text.
    #[must_use]
    pub fn text(self, text: impl Into<String>) -> Self {
        self.body(WebBody::Text(text.into()))
    }

    /// With something to send along.
    #[must_use]
    pub fn body(mut self, body: WebBody) -> Self {
        self.body = Some(body);
        self
    }

    /// With these answers as success.
    #[must_use]
    pub fn accepting(mut self, statuses: Statuses) -> Self {
        self.accept = statuses;
        self
    }

    /// With this to do when the server says that it is elsewhere.
    #[must_use]
    pub fn redirects(mut self, redirects: Redirects) -> Self {
        self.redirects = redirects;
        self
    }

    /// With an end, whatever moves.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout_ms = Some(u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX));
        self
    }

    /// Checks what can be checked without asking anyone.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](ec2_stories_core::ErrorKind::Invalid), naming the field.
    pub fn check(&self) -> Result<()> {
        parsed(&self.url).map(drop)
    }
}

impl fmt::Debug for WebRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = parsed(&self.url).map_or_else(|_| "not a URL".to_owned(), |url| shown(&url));
        write!(f, "{} {url} {:?}", self.method.as_str(), self.body)
    }
}
