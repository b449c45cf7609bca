//! How steps get to the nodes.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use ec2_stories_core::provider::{Node, TupleStore};
use ec2_stories_core::{Clock, Error, Result, SystemClock};
use futures::future::join_all;

use crate::connect::{Connect, Stream};
use crate::session::WeakSession;
use crate::{Console, HostKeys, Identity, Readiness, Session, Ssh, Target};

/// How a deployment's nodes are reached: as each node's login says, with what a login cannot say by itself.
#[derive(Clone)]
pub struct Nodes {
    console: Option<Arc<dyn Console>>,
    memory: Option<Arc<dyn TupleStore>>,
    clock: Arc<dyn Clock>,
    readiness: Option<Readiness>,
    connect: Option<Shared>,
    state_folder: Option<String>,
    sessions: Arc<Mutex<Vec<WeakSession>>>,
}

impl Nodes {
    /// By what the node's login says alone.
    #[must_use]
    pub fn new() -> Self {
        Self {
            console: None,
            memory: None,
            clock: Arc::new(SystemClock),
            readiness: None,
            connect: None,
            state_folder: None,
            sessions: Arc::default(),
        }
    }

    /// Remembers verified host keys here. A login with an injected host key needs it.
    #[must_use]
    pub fn remembered_in(mut self, store: Arc<dyn TupleStore>) -> Self {
        self.memory = Some(store);
        self
    }

    /// Asks this for the consoles of nodes. A login with host keys from the console needs it.
    #[must_use]
    pub fn console(mut self, console: Arc<dyn Console>) -> Self {
        self.console = Some(console);
        self
    }

    /// Asks this clock whether a host's certificate is valid.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Waits like this for nodes that are not ready. [`Readiness`]'s own times where not said.
    #[must_use]
    pub fn readiness(mut self, readiness: Readiness) -> Self {
        self.readiness = Some(readiness);
        self
    }

    /// Connects in another way than by TCP from this machine: [through another host](crate::Jump), or from within another
    /// network.
    #[must_use]
    pub fn connect_by(mut self, connect: impl Connect + 'static) -> Self {
        self.connect = Some(Shared(Arc::new(connect)));
        self
    }

    /// Keeps what steps must know later in this folder of the nodes instead of `/etc/ec2-stories`.
    #[must_use]
    pub fn state_folder(mut self, folder: impl Into<String>) -> Self {
        self.state_folder = Some(folder.into());
        self
    }

    pub(super) fn kept_in(&self) -> Option<&str> {
        self.state_folder.as_deref()
    }

    /// How this node is logged in to.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](ec2_stories_core::ErrorKind::Invalid) where its login lacks something, naming the field.
    pub fn ssh(&self, node: &Node) -> Result<Ssh> {
        let login = &node.login;
        let mut keys = match &login.host_keys {
            Some(described) => HostKeys::of(described, self.console.clone())?,
            None => HostKeys::known_hosts(own_known_hosts()?),
        }
        .clock(Arc::clone(&self.clock));
        if let Some(store) = &self.memory {
            keys = keys.remembered_in(Arc::clone(store));
        }
        let Some(connect) = self.connect.clone() else { return Ssh::of(login, keys) };
        let user = login.user.clone();
        let user =
            user.ok_or_else(|| Error::invalid("login.user", "say it: the image's own user is not known"))?;
        let identity = login.private_key.as_ref().map_or_else(Identity::agent, Identity::key_file);
        Ssh::builder().connect_by(connect).identity(identity).user(user).host_keys(keys).build()
    }

    /// A session on the node, once it can be worked on.
    ///
    /// # Errors
    /// As [`Readiness::wait`], and [`Nodes::ssh`].
    pub async fn session(&self, node: &Node) -> Result<Session> {
        let readiness = match &self.readiness {
            Some(readiness) => readiness.clone(),
            None => Readiness::builder().build()?,
        };
        let session = readiness.wait(&self.ssh(node)?, &Target::of(node)?).await?;
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(WeakSession::is_there);
        sessions.push(session.downgrade());
        Ok(session)
    }

    /// Waits until what was dropped midway on nodes has ended there, and ends the sessions.
    pub(crate) async fn settle(&self) {
        let sessions = std::mem::take(&mut *self.sessions.lock().unwrap_or_else(PoisonError::into_inner));
        let open = sessions.iter().filter_map(WeakSession::upgrade);
        join_all(open.map(|session| async move { session.close().await })).await;
    }
}

impl Default for Nodes {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Nodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nodes")
            .field("console", &self.console.is_some())
            .field("memory", &self.memory.is_some())
            .field("readiness", &self.readiness)
            .field("state_folder", &self.state_folder)
            .finish_non_exhaustive()
    }
}

fn own_known_hosts() -> Result<PathBuf> {
    let home = std::env::home_dir().filter(|home| !home.as_os_str().is_empty());
    let missing = || Error::invalid("login.host_keys", "say them: this user has no home with known hosts");
    Ok(home.ok_or_else(missing)?.join(".ssh/known_hosts"))
}

/// One way for many logins.
#[derive(Clone, Debug)]
struct Shared(Arc<dyn Connect>);

#[async_trait]
impl Connect for Shared {
    async fn connect(&self, host: &str, port: u16) -> io::Result<Box<dyn Stream>> {
        self.0.connect(host, port).await
    }
}
