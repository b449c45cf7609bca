//! A page of the node.

mod exchange;
mod headers;
mod pattern;
mod redirect;
mod statuses;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use rustls::ClientConfig;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;

pub use pattern::Pattern;
pub use redirect::Redirects;
pub use statuses::Statuses;

use self::exchange::{Answer, Place, exchange};
use self::headers::Headers;
use super::address::ask_at;
use super::tls::{Certificates, HostName, Pin, Time, Trust, client_config};
use super::{default_timeout, is_default_timeout, refuse};
use crate::model::LoginAddress;
use crate::provider::{Liveness, Node, Probe};
use crate::{Clock, Error, Result};

/// A page of the node, by HTTP/1.1: what status it has, what is in it, which headers come with it.
///
/// Each check makes a connection of its own. By HTTPS the certificate is verified for the host's name, by this machine's roots where no
/// authority and no certificate is named; nothing turns that off. Only if a pattern is to be found in it is content read, at most 1 MiB.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    port: u16,
    #[serde(default = "root")]
    path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tls: Option<bool>,
    #[serde(default, skip_serializing_if = "Method::is_get")]
    method: Method,
    #[serde(default, skip_serializing_if = "Headers::is_empty")]
    headers: Headers,
    #[serde(default, skip_serializing_if = "Statuses::is_default")]
    status: Statuses,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<Pattern>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    answered: BTreeMap<String, Pattern>,
    #[serde(default, skip_serializing_if = "Redirects::is_stay")]
    redirects: Redirects,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    host: Option<HostName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<LoginAddress>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ca: Option<Certificates>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pinned: Option<Pin>,
    #[serde(
        default = "default_timeout",
        skip_serializing_if = "is_default_timeout",
        with = "humantime_serde"
    )]
    timeout: Duration,
    #[serde(skip)]
    secrets: Headers,
    #[serde(skip)]
    time: Time,
    #[serde(skip)]
    config: Config,
}

/// How a page is asked for. None of them may change anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// The page.
    #[default]
    Get,
    /// What the page is, without its content.
    Head,
    /// What can be done with the page.
    Options,
    /// For pages that answer nothing else; without content.
    Post,
}

impl Method {
    #[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature
    fn is_get(&self) -> bool {
        *self == Self::Get
    }
}

/// Made at the first check: reading a machine's roots takes milliseconds.
#[derive(Clone, Debug, Default)]
struct Config(OnceLock<Result<Arc<ClientConfig>, String>>);

impl PartialEq for Config {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

fn root() -> String {
    "/".to_owned()
}

/// HTTP's port, and HTTPS's.
const PLAIN: u16 = 80;
const TLS: u16 = 443;

impl Http {
    /// Asks for this page, which may have a query; by HTTPS on port 443 or where an authority or a certificate is named, else by HTTP,
    /// where [`tls`](Self::tls) does not say.
    pub fn get(port: u16, path: impl Into<String>) -> Self {
        Self {
            port,
            path: path.into(),
            tls: None,
            method: Method::Get,
            headers: Headers::default(),
            status: Statuses::default(),
            body: None,
            answered: BTreeMap::new(),
            redirects: Redirects::Stay,
            host: None,
            address: None,
            ca: None,
            pinned: None,
            timeout: default_timeout(),
            secrets: Headers::default(),
            time: Time::default(),
            config: Config::default(),
        }
    }

    /// By HTTPS, or not.
    #[must_use]
    pub fn tls(mut self, tls: bool) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Asks like this; GET where not said.
    #[must_use]
    pub fn method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    /// Sends this header along.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for what is no header.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self> {
        self.headers.add(name, value, false)?;
        Ok(self)
    }

    /// Sends this header along, to the node only; it is shown nowhere, and is no part of the description.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for what is no header.
    pub fn secret_header(mut self, name: &str, value: &SecretString) -> Result<Self> {
        self.secrets.add(name, value.expose_secret(), true)?;
        Ok(self)
    }

    /// Which statuses are good; 200 to 299 where not said.
    #[must_use]
    pub fn status(mut self, statuses: impl Into<Statuses>) -> Self {
        self.status = statuses.into();
        self
    }

    /// What must be found in the content: a regular expression.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for what is none.
    pub fn body(mut self, pattern: &str) -> Result<Self> {
        self.body = Some(Pattern::new(pattern)?);
        Ok(self)
    }

    /// What must be found in this header of the answer: a regular expression. May be said of several.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for what is none.
    pub fn answered(mut self, header: &str, pattern: &str) -> Result<Self> {
        self.answered.insert(header.to_owned(), Pattern::new(pattern)?);
        Ok(self)
    }

    /// What to do when the node says that the page is elsewhere; its answer is the answer where not said.
    #[must_use]
    pub fn redirects(mut self, redirects: Redirects) -> Self {
        self.redirects = redirects;
        self
    }

    /// Asks for the page of this host, on the node; of the node's address where not said.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for what is no name.
    pub fn host(mut self, name: impl Into<String>) -> Result<Self> {
        self.host = Some(HostName::new(name)?);
        Ok(self)
    }

    /// Which address; the one that the node is logged in to where not said.
    #[must_use]
    pub fn address(mut self, address: LoginAddress) -> Self {
        self.address = Some(address);
        self
    }

    /// Trusts these authorities, in PEM, and nobody else.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) where there is no certificate.
    pub fn ca(mut self, pem: impl Into<String>) -> Result<Self> {
        self.ca = Some(Certificates::pem(pem)?);
        self.config = Config::default();
        Ok(self)
    }

    /// Trusts this certificate and no other: its fingerprint, or itself in PEM. Its name and dates do not matter then.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for what is neither.
    pub fn pinned(mut self, certificate: &str) -> Result<Self> {
        self.pinned = Some(Pin::new(certificate)?);
        self.config = Config::default();
        Ok(self)
    }

    /// How long all of it may take; 5 s where not said.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Asks this clock whether a certificate is still good.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.time = Time(clock);
        self.config = Config::default();
        self
    }

    fn is_tls(&self) -> bool {
        let named = self.ca.is_some() || self.pinned.is_some();
        self.tls.unwrap_or(named || self.port == TLS)
    }

    fn config(&self) -> Result<Arc<ClientConfig>, Liveness> {
        let trust = match (self.pinned, &self.ca) {
            (Some(pin), _) => Trust::Pinned(pin),
            (None, Some(ca)) => Trust::Authorities(ca),
            (None, None) => Trust::Machine,
        };
        let made = self.config.0.get_or_init(|| client_config(trust, &self.time));
        made.clone().map_err(Liveness::Unknown)
    }

    /// The page's address, under the host's name.
    fn url(&self, host: &str) -> Result<Url, Liveness> {
        let name = self.host.as_ref().map_or(host, HostName::as_str);
        let bracketed = match name.parse::<IpAddr>() {
            Ok(IpAddr::V6(ip)) => format!("[{ip}]"),
            _ => name.to_owned(),
        };
        let scheme = if self.is_tls() { "https" } else { "http" };
        let url = Url::parse(&format!("{scheme}://{bracketed}:{}/", self.port));
        let mut url = url.map_err(|error| Liveness::Unknown(format!("{name}: {error}")))?;
        let (path, query) =
            self.path.split_once('?').map_or((self.path.as_str(), None), |(p, q)| (p, Some(q)));
        url.set_path(path);
        url.set_query(query);
        Ok(url)
    }

    async fn ask(&self, node: &Node, host: &str) -> Result<Liveness, Liveness> {
        let mut url = self.url(host)?;
        let (mut at, mut left) = (Some(host.to_owned()), self.redirects.times());
        loop {
            let place = Place { url: &url, at: at.as_deref() };
            let answer = exchange(self, place).await?;
            match redirect::next(answer.status, &answer.headers, &url, node) {
                Some(next) if !self.redirects.is_stay() => {
                    let (there, on_node) = next?;
                    let status = answer.status;
                    let failing = |why: &str| Err(Liveness::Failing(format!("status {status}, {why}")));
                    if left == 0 {
                        return failing("once too often");
                    }
                    if !on_node && !matches!(self.redirects, Redirects::Anywhere(_)) {
                        return failing("to another machine");
                    }
                    left -= 1;
                    at = on_node.then(|| host.to_owned());
                    url = there;
                }
                _ => return Ok(self.judged(&answer)),
            }
        }
    }

    fn judged(&self, answer: &Answer) -> Liveness {
        if !self.status.contains(answer.status) {
            return Liveness::Failing(format!("status {}", answer.status));
        }
        for (name, pattern) in &self.answered {
            let mut values = answer.headers.get_all(name.as_str()).iter();
            if !values.any(|value| pattern.matches(value.as_bytes())) {
                return Liveness::Failing(format!("no header {name} that matches {pattern}"));
            }
        }
        match &self.body {
            Some(pattern) if !pattern.matches(&answer.content) => {
                Liveness::Failing(format!("nothing in it matches {pattern}"))
            }
            _ => Liveness::Live,
        }
    }
}

#[async_trait]
impl Probe for Http {
    fn name(&self) -> String {
        let scheme = if self.is_tls() { "https" } else { "http" };
        // A query may hold what is not for everyone.
        let path = self.path.split('?').next().unwrap_or_default();
        match (self.port, self.is_tls()) {
            (TLS, true) | (PLAIN, false) => format!("{scheme} {path}"),
            (port, _) => format!("{scheme} {port} {path}"),
        }
    }

    fn consistent(&self) -> Result<()> {
        refuse::port(self.port)?;
        refuse::timeout(self.timeout)?;
        if !self.path.starts_with('/') {
            return Err(Error::invalid("path", "begins with a slash, such as \"/health\""));
        }
        if self.ca.is_some() && self.pinned.is_some() {
            return Err(Error::invalid(
                "pinned",
                "and ca are not said together: the pinned certificate counts",
            ));
        }
        if self.tls == Some(false) && (self.ca.is_some() || self.pinned.is_some()) {
            return Err(Error::invalid("tls", "is false, so no certificate is looked at: no ca, no pinned"));
        }
        if let Some(name) =
            self.answered.keys().find(|name| http::HeaderName::try_from(name.as_str()).is_err())
        {
            return Err(Error::invalid(format!("answered.{name}"), "is not a header's name"));
        }
        Ok(())
    }

    async fn check(&self, node: &Node) -> Liveness {
        ask_at(node, self.address, self.timeout, async |host| self.ask(node, host).await).await
    }
}
