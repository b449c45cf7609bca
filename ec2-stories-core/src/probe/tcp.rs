//! Whether a port takes connections.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::address::ask_at;
use super::connect::connect;
use super::{default_timeout, is_default_timeout, refuse};
use crate::Result;
use crate::model::LoginAddress;
use crate::provider::{Liveness, Node, Probe};

/// A TCP port of the node takes a connection, which is then reset; nothing is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tcp {
    port: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<LoginAddress>,
    #[serde(
        default = "default_timeout",
        skip_serializing_if = "is_default_timeout",
        with = "humantime_serde"
    )]
    timeout: Duration,
}

impl Tcp {
    /// Asks this port.
    #[must_use]
    pub fn port(port: u16) -> Self {
        Self { port, address: None, timeout: default_timeout() }
    }

    /// Which address; the one that the node is logged in to where not said.
    #[must_use]
    pub fn address(mut self, address: LoginAddress) -> Self {
        self.address = Some(address);
        self
    }

    /// How long the connection may take; 5 s where not said.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

#[async_trait]
impl Probe for Tcp {
    fn name(&self) -> String {
        format!("tcp {}", self.port)
    }

    fn consistent(&self) -> Result<()> {
        refuse::port(self.port)?;
        refuse::timeout(self.timeout)
    }

    async fn check(&self, node: &Node) -> Liveness {
        let ask = async |host| connect(host, self.port).await.map(|_| Liveness::Live);
        ask_at(node, self.address, self.timeout, ask).await
    }
}
