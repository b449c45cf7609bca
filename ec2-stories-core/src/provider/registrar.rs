//! Registering nodes somewhere: a DNS name, a presence, a load balancer.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::Node;
use crate::Result;
use crate::model::NodeAddress;

/// A registration that stands, as plain data: it is journaled, and deregistered after a restart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// The node.
    pub node: NodeAddress,
    /// Under what it is registered: a host name, a JID.
    pub name: String,
    /// What the name stands for: an address.
    pub value: String,
}

/// Registers nodes.
///
/// # Contract
/// - `register` of what is registered already with the same value changes nothing; with another value it replaces it.
/// - `refresh` renews a registration and puts it back where it is missing.
/// - `deregister` of what is not registered is a success; it leaves alone a name that stands for another value by now.
/// - All may be dropped and repeated.
///
/// # Errors
/// Each reply of the service has its own kind; [`Credentials`](crate::ErrorKind::Credentials) and
/// [`Forbidden`](crate::ErrorKind::Forbidden) are permanent.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Registrar: fmt::Debug + Send + Sync {
    /// Where it registers, for people.
    fn name(&self) -> String;

    /// Registers the node.
    async fn register(&self, node: &Node) -> Result<Registration>;

    /// Renews a registration.
    async fn refresh(&self, registration: &Registration) -> Result<()>;

    /// Ends a registration.
    async fn deregister(&self, registration: &Registration) -> Result<()>;
}
