//! How long a certificate is still good.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::validity::validity;
use super::{HostName, Time, Trust, client_config, shake_hands};
use crate::model::LoginAddress;
use crate::probe::address::ask_at;
use crate::probe::connect::connect;
use crate::probe::{default_timeout, is_default_timeout, refuse};
use crate::provider::{Liveness, Node, Probe};
use crate::{Clock, Result};

/// The certificate that a TLS port shows is good for a while longer.
///
/// It looks at the dates alone: whether the certificate is trusted, and for which name it is, is what [`Http`](crate::probe::Http) asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsExpiry {
    port: u16,
    #[serde(default = "two_weeks", with = "humantime_serde")]
    at_least: Duration,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    host: Option<HostName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<LoginAddress>,
    #[serde(
        default = "default_timeout",
        skip_serializing_if = "is_default_timeout",
        with = "humantime_serde"
    )]
    timeout: Duration,
    #[serde(skip)]
    time: Time,
}

/// Time to renew one by hand.
fn two_weeks() -> Duration {
    Duration::from_secs(14 * 24 * 3600)
}

impl TlsExpiry {
    /// Asks this port, which speaks TLS from the first byte on; two weeks are enough where not said.
    #[must_use]
    pub fn port(port: u16) -> Self {
        Self {
            port,
            at_least: two_weeks(),
            host: None,
            address: None,
            timeout: default_timeout(),
            time: Time::default(),
        }
    }

    /// For how long it must be good.
    #[must_use]
    pub fn at_least(mut self, at_least: Duration) -> Self {
        self.at_least = at_least;
        self
    }

    /// Asks for the certificate of this name; of the node's address where not said.
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

    /// How long it may take; 5 s where not said.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Asks this clock what time it is.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.time = Time(clock);
        self
    }

    async fn ask(&self, host: &str) -> Result<Liveness, Liveness> {
        let config = client_config(Trust::Any, &self.time).map_err(Liveness::Unknown)?;
        let name = self.host.as_ref().map_or(host, HostName::as_str);
        let stream = shake_hands(config, name, connect(host, self.port).await?).await?;
        let (_, connection) = stream.get_ref();
        let shown = connection.peer_certificates().and_then(<[_]>::first);
        let shown = shown.ok_or_else(|| Liveness::Failing("it shows no certificate".to_owned()))?;
        let (begins, ends) = validity(shown)
            .map_err(|error| Liveness::Failing(format!("its certificate cannot be read: {error}")))?;
        let (begins, ends) = (begins.cast_signed(), ends.cast_signed());
        Ok(judged(self.time.0.now(), begins, ends, self.at_least))
    }
}

/// What the dates mean, in seconds since 1970.
fn judged(now: Timestamp, begins: i64, ends: i64, at_least: Duration) -> Liveness {
    const DAY: i64 = 24 * 3600;
    let left = ends - now.as_second();
    let at = |seconds: i64| Timestamp::from_second(seconds).map_or("?".to_owned(), |at| at.to_string());
    if now.as_second() < begins {
        Liveness::Failing(format!("its certificate is good from {} on only", at(begins)))
    } else if left <= 0 {
        Liveness::Failing(format!("its certificate expired at {}", at(ends)))
    } else if left < i64::try_from(at_least.as_secs()).unwrap_or(i64::MAX) {
        Liveness::Failing(format!("its certificate expires in {} days, at {}", left / DAY, at(ends)))
    } else {
        Liveness::Live
    }
}

#[async_trait]
impl Probe for TlsExpiry {
    fn name(&self) -> String {
        format!("tls expiry {}", self.port)
    }

    fn consistent(&self) -> Result<()> {
        refuse::port(self.port)?;
        refuse::timeout(self.timeout)
    }

    async fn check(&self, node: &Node) -> Liveness {
        ask_at(node, self.address, self.timeout, async |host| self.ask(host).await).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_judged() {
        let now: Timestamp = "2026-06-01T00:00:00Z".parse().unwrap();
        let (second, day) = (now.as_second(), 24 * 3600);
        let judge = |begins, ends| judged(now, second + begins, second + ends, two_weeks());
        assert_eq!(judge(-day, 14 * day), Liveness::Live);
        for (begins, ends, why) in
            [(-day, 14 * day - 1, "in 13 days"), (-day, 0, "expired at 2026-06-01"), (1, 90 * day, "from")]
        {
            let Liveness::Failing(said) = judge(begins, ends) else { panic!("{why}") };
            assert!(said.contains(why), "{said}");
        }
    }
}
