//! A host to log in to.

use std::fmt;

use ec2_stories_core::model::InstanceId;
use ec2_stories_core::provider::Node;
use ec2_stories_core::{Error, ErrorKind, Result, Status};

/// A host to log in to: an address, and what it is for us.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    host: String,
    port: u16,
    instance: Option<InstanceId>,
    label: Option<String>,
}

impl Target {
    /// The host at this address or name.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self { host: host.into(), port, instance: None, label: None }
    }

    /// Says which instance it is. Keys are remembered under the instance's id, since addresses are given to others later.
    #[must_use]
    pub fn instance(mut self, id: impl Into<InstanceId>) -> Self {
        self.instance = Some(id.into());
        self
    }

    /// Says what it is called in errors, such as `web/0`.
    #[must_use]
    pub fn named(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// The node's instance, at the address that the node's login names.
    ///
    /// # Errors
    /// Temporary while the instance does not have that address.
    pub fn of(node: &Node) -> Result<Self> {
        let no_address = || {
            Error::new(ErrorKind::NotFound, "the instance has no address of the wanted kind yet")
                .status(Status::Temporary)
                .on(node.to_string())
        };
        let host = node.login.host(&node.instance).ok_or_else(no_address)?;
        Ok(Self::new(host, node.login.port())
            .instance(node.instance.id.clone())
            .named(node.address.to_string()))
    }

    /// The address or name.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The TCP port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The instance, where it is one.
    #[must_use]
    pub fn instance_id(&self) -> Option<&InstanceId> {
        self.instance.as_ref()
    }

    /// As `known_hosts` writes it: the port only where it is not SSH's own.
    pub(crate) fn known_as(&self) -> String {
        if self.port == 22 { self.host.clone() } else { format!("[{}]:{}", self.host, self.port) }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.label {
            Some(label) => write!(f, "{label} ({})", self.known_as()),
            None => f.write_str(&self.known_as()),
        }
    }
}
