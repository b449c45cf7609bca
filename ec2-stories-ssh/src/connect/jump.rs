//! Through another host.

use std::io;

use async_trait::async_trait;
use tokio::sync::Mutex;

use super::{Connect, Stream};
use crate::{Session, Ssh, Target};

/// Streams through a host that can reach what this machine cannot. The session to it is made at first use, shared, and
/// made again when it broke. What goes through it is encrypted and verified end to end: the host between sees nothing.
#[derive(Debug)]
pub struct Jump {
    ssh: Ssh,
    target: Target,
    session: Mutex<Option<Session>>,
}

impl Jump {
    /// Through `target`, logged in to as `ssh` says; which may itself go through another.
    #[must_use]
    pub fn through(ssh: Ssh, target: Target) -> Self {
        Self { ssh, target, session: Mutex::new(None) }
    }

    async fn session(&self) -> io::Result<Session> {
        let mut kept = self.session.lock().await;
        if let Some(session) = kept.as_ref().filter(|session| session.is_alive()) {
            return Ok(session.clone());
        }
        let session = self.ssh.connect(&self.target).await.map_err(io::Error::other)?;
        *kept = Some(session.clone());
        Ok(session)
    }
}

#[async_trait]
impl Connect for Jump {
    async fn connect(&self, host: &str, port: u16) -> io::Result<Box<dyn Stream>> {
        let session = self.session().await?;
        session.forward(host, port).await.map_err(io::Error::other)
    }
}
