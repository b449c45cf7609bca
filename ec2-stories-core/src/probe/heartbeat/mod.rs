//! Nodes that say themselves that they live.

mod beats;
mod described;
mod listener;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bon::bon;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

pub use self::described::HeartbeatSpec;

use self::beats::Beats;
use super::HeartbeatKey;
use crate::model::InstanceId;
use crate::provider::{Liveness, Node, Probe};
use crate::{Error, ErrorKind, Result};

/// Listens for heartbeats: `PUT /heartbeats/<instance id>` with `Authorization: Bearer <token>`, answered by 204.
///
/// A token is good for one instance and is derived from a [`HeartbeatKey`]; a listener with the same key takes the same tokens after a
/// restart. Tokens are for the node's own disk, put there over SSH, as the step `Heartbeat` of `ec2-stories-ssh` does; they are no part of
/// user data, tags or logs.
///
/// It ends when it and all of its probes are dropped.
#[derive(Clone, Debug)]
pub struct Heartbeats(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    key: Arc<HeartbeatKey>,
    beats: Arc<Beats>,
    address: SocketAddr,
    _listener: AbortOnDropHandle<()>,
}

#[bon]
impl Heartbeats {
    /// Listens on an address of this machine.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for a certificate that cannot be used, and an address that others reach without
    /// TLS; [`ErrorKind::Io`] where the address cannot be listened on.
    #[builder(start_fn = builder, finish_fn = listen, state_mod(vis = "pub"), builder_type(name = HeartbeatsBuilder))]
    pub async fn with(
        /// The address; port 0 picks one.
        address: SocketAddr,
        /// What tokens are derived from. Where not said, one of its own: then a restart voids all tokens.
        #[builder(default = HeartbeatKey::random())]
        key: HeartbeatKey,
        /// The certificate chain and the private key, both in PEM, of a listener that speaks TLS.
        tls: Option<(String, SecretString)>,
        /// Whether others may reach it without TLS, where a token can be overheard.
        #[builder(default)]
        in_the_clear: bool,
    ) -> Result<Self> {
        check_way(address, tls.is_some(), in_the_clear)
            .map_err(|why| Error::invalid("heartbeats.address", why))?;
        let key = Arc::new(key);
        let tls = tls.map(|(chain, private)| tls::acceptor(&chain, &private)).transpose()?;
        let unusable =
            |error| Error::new(ErrorKind::Io, "cannot be listened on").on(address.to_string()).because(error);
        let listener = TcpListener::bind(address).await.map_err(unusable)?;
        let address = listener.local_addr().map_err(unusable)?;
        let beats = Arc::new(Beats::new());
        let listens = listener::listen(listener, tls, Arc::clone(&key), Arc::clone(&beats));
        let listener = AbortOnDropHandle::new(tokio::spawn(listens));
        Ok(Self(Arc::new(Inner { key, beats, address, _listener: listener })))
    }

    /// Listens on an address of this machine that nobody else reaches, or with [`builder`](Self::builder) on any.
    ///
    /// # Errors
    /// As the builder's.
    pub async fn listen(address: SocketAddr) -> Result<Self> {
        Self::builder().address(address).listen().await
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// What tokens are derived from.
    #[must_use]
    pub fn key(&self) -> HeartbeatKey {
        HeartbeatKey::clone(&self.0.key)
    }

    /// What the node's instance sends as its bearer token.
    #[must_use]
    pub fn token(&self, node: &Node) -> SecretString {
        self.0.key.token(&node.instance.id)
    }

    /// Where the instance sends its heartbeats: a path.
    #[must_use]
    pub fn path(instance: &InstanceId) -> String {
        HeartbeatKey::path(instance)
    }

    /// A probe for which a node fails that sent nothing for so long.
    #[must_use]
    pub fn within(&self, late: Duration) -> Heartbeat {
        Heartbeat { heartbeats: self.clone(), late }
    }
}

/// Refuses a way on which others can listen, unasked.
fn check_way(address: SocketAddr, tls: bool, in_the_clear: bool) -> Result<(), String> {
    if tls || in_the_clear || address.ip().is_loopback() {
        return Ok(());
    }
    Err(format!(
        "{address} is reached by others: give it a certificate, or say that tokens may be sent in the clear"
    ))
}

/// Refuses what nobody can keep.
fn check_late(late: Duration) -> Result<()> {
    if late.is_zero() {
        return Err(Error::invalid("within", "must be more than nothing, best three of the node's periods"));
    }
    Ok(())
}

/// The node sent a heartbeat not long ago; made by [`Heartbeats::within`].
///
/// A listener that began not long ago, or could not take connections, knows nothing of a node that it did not hear.
#[derive(Clone, Debug)]
pub struct Heartbeat {
    heartbeats: Heartbeats,
    late: Duration,
}

#[async_trait]
impl Probe for Heartbeat {
    fn name(&self) -> String {
        format!("heartbeat within {:?}", self.late)
    }

    fn consistent(&self) -> Result<()> {
        check_late(self.late)
    }

    async fn check(&self, node: &Node) -> Liveness {
        self.heartbeats.0.beats.judged(&node.instance.id, self.late)
    }
}
