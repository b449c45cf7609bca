//! Exchanging data with other nodes.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::model::NodeAddress;

/// What to do with a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Read it.
    Get,
    /// Create or replace it.
    Put,
    /// Give it something to process.
    Post,
    /// Remove it.
    Delete,
}

/// A request to another node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// What to do.
    pub method: Method,
    /// The resource: segments between slashes, the first character a slash.
    pub path: String,
    /// The body; empty for GET and DELETE.
    pub body: Vec<u8>,
}

/// The other node's reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// As in HTTP: 200, 201, 204, 404, 405, …
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// Sends requests to other nodes.
///
/// # Contract
/// - The node's own answer is an `Ok`, whatever its status; an `Err` is for what never reached it or never came back.
/// - GET changes nothing; PUT and DELETE may be repeated; a POST whose reply was lost is ambiguous and is not repeated.
/// - A DELETE of what is absent is 204 or 404, never an `Err`.
/// - Cancel-safe in the caller; the other node may have acted.
///
/// # Errors
/// [`NotFound`](crate::ErrorKind::NotFound) for a node that nobody knows, [`Unavailable`](crate::ErrorKind::Unavailable) and
/// [`Timeout`](crate::ErrorKind::Timeout) for one that does not answer.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Messenger: fmt::Debug + Send + Sync {
    /// Sends a request and waits for the reply.
    async fn exchange(&self, to: &NodeAddress, request: Request) -> Result<Reply>;
}
