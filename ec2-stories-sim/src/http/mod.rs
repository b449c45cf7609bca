//! The two ways in: the SDK's HTTP client in process, and a listener on loopback. Both end in [`crate::Sim::handle`].

pub(crate) mod body;
mod checkip;
pub(crate) mod client;
pub(crate) mod entry;
pub(crate) mod listen;
