//! One session a host.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};

use ec2_stories_core::Result;
use tokio::sync::Mutex;

use crate::{Readiness, Session, Ssh, Target};

type Slot = Arc<Mutex<Option<Session>>>;

/// Keeps one session a host, for many steps. A session that broke is made again when it is asked for next. Clones share.
#[derive(Clone)]
pub struct SessionPool {
    ssh: Ssh,
    readiness: Option<Readiness>,
    slots: Arc<StdMutex<HashMap<Target, Slot>>>,
}

impl SessionPool {
    /// Sessions as `ssh` logs in.
    #[must_use]
    pub fn new(ssh: Ssh) -> Self {
        Self { ssh, readiness: None, slots: Arc::default() }
    }

    /// Waits for a host that is not ready, instead of failing.
    #[must_use]
    pub fn waiting(mut self, readiness: Readiness) -> Self {
        self.readiness = Some(readiness);
        self
    }

    /// The host's session. Who asks at the same time gets the same one.
    ///
    /// # Errors
    /// As [`Ssh::connect`], or [`Readiness::wait`].
    pub async fn session(&self, target: &Target) -> Result<Session> {
        let slot = Arc::clone(self.slots().entry(target.clone()).or_default());
        let mut kept = slot.lock().await;
        if let Some(session) = kept.as_ref().filter(|session| session.is_alive()) {
            return Ok(session.clone());
        }
        let session = match &self.readiness {
            Some(readiness) => readiness.wait(&self.ssh, target).await?,
            None => self.ssh.connect(target).await?,
        };
        *kept = Some(session.clone());
        Ok(session)
    }

    /// Ends the host's session, such as of one that was terminated.
    pub async fn forget(&self, target: &Target) {
        let slot = self.slots().remove(target);
        if let Some(slot) = slot
            && let Some(session) = slot.lock().await.take()
        {
            session.close().await;
        }
    }

    /// Ends all sessions, once what is being ended on the hosts has ended.
    pub async fn close(&self) {
        let slots: Vec<Slot> = self.slots().drain().map(|(_, slot)| slot).collect();
        let close = slots.into_iter().map(|slot| async move {
            if let Some(session) = slot.lock().await.take() {
                session.close().await;
            }
        });
        futures::future::join_all(close).await;
    }

    fn slots(&self) -> std::sync::MutexGuard<'_, HashMap<Target, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SessionPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionPool")
            .field("ssh", &self.ssh)
            .field("hosts", &self.slots().len())
            .finish_non_exhaustive()
    }
}
