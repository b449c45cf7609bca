//! How hosts are logged in to.

pub(crate) mod handshake;
mod login;

use std::sync::Arc;
use std::time::Duration;

use bon::bon;
use ec2_stories_core::model::LoginSpec;
use ec2_stories_core::{Error, ErrorKind, Result};

pub(crate) use handshake::Client;

use crate::connect::{Connect, Direct, Stream};
use crate::host_keys::{HostKeys, Known, Proof, Rotation};
use crate::{Identity, Session, Target};

/// How hosts are logged in to: who we are, and how the host proves who it is. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Ssh(Arc<Settings>);

#[derive(Debug)]
pub(crate) struct Settings {
    user: String,
    identities: Vec<Identity>,
    host_keys: HostKeys,
    connect: Arc<dyn Connect>,
    connect_timeout: Duration,
    login_timeout: Duration,
    keep_alive: Duration,
}

#[bon]
impl Ssh {
    /// Describes logins. `user` and `host_keys` are required, and at least one identity.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`], naming the field.
    #[builder(finish_fn = build, state_mod(vis = "pub"))]
    pub fn new(
        #[builder(field)] identities: Vec<Identity>,
        #[builder(field = Arc::new(Direct))] connect: Arc<dyn Connect>,
        /// The user to log in as.
        #[builder(into)]
        user: String,
        /// How hosts prove who they are.
        host_keys: HostKeys,
        /// How long a connection may take to be made, and then the server to say its name. 10 s where not said.
        #[builder(default = Duration::from_secs(10))]
        connect_timeout: Duration,
        /// How long the key exchange and the login may take. 30 s where not said.
        #[builder(default = Duration::from_secs(30))]
        login_timeout: Duration,
        /// After this long without a word the host is asked for one; after three without an answer the link has broken. 15 s
        /// where not said.
        #[builder(default = Duration::from_secs(15))]
        keep_alive: Duration,
    ) -> Result<Self> {
        if user.is_empty() || user.contains(char::is_whitespace) {
            return Err(Error::invalid("ssh.user", "is not a user's name, such as `admin`"));
        }
        if identities.is_empty() {
            return Err(Error::invalid("ssh.identity", "say a key file, or the agent"));
        }
        for (field, value) in [
            ("connect_timeout", connect_timeout),
            ("login_timeout", login_timeout),
            ("keep_alive", keep_alive),
        ] {
            if value.is_zero() {
                return Err(Error::invalid(format!("ssh.{field}"), "must be more than nothing"));
            }
        }
        host_keys.check()?;
        Ok(Self(Arc::new(Settings {
            user,
            identities,
            host_keys,
            connect,
            connect_timeout,
            login_timeout,
            keep_alive,
        })))
    }

    /// As a fleet's login says: its user, and its key file or else the agent.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] where the login names no user and the image's is not known.
    pub fn of(login: &LoginSpec, host_keys: HostKeys) -> Result<Self> {
        let user = login.user.clone();
        let user =
            user.ok_or_else(|| Error::invalid("login.user", "say it: the image's own user is not known"))?;
        let identity = login.private_key.as_ref().map_or_else(Identity::agent, Identity::key_file);
        Self::builder().user(user).identity(identity).host_keys(host_keys).build()
    }

    /// Logs in.
    ///
    /// # Errors
    /// Temporary where trying again may help: nobody listens yet, no banner, the console shows no key yet, the link broke.
    /// Permanent for a host key that is not known or is another one, and for a login that was refused;
    /// [`code`](crate::code) tells them apart.
    pub async fn connect(&self, target: &Target) -> Result<Session> {
        let stream = handshake::reach(&self.0, target).await?;
        // Only now: asking a console that shows nothing yet would hide that nobody can be reached.
        let known = self.0.host_keys.known(target).await?;
        let (session, proof) = self.log_in(target, stream, known).await?;
        match (proof, target.instance_id(), self.0.host_keys.memory()) {
            (Proof::Injected(key), Some(id), Some(memory)) => {
                let on = Rotation { ssh: self, target, id, memory };
                on.rotate(&session, &key).await
            }
            (Proof::Injected(_), ..) => {
                Err(Error::new(ErrorKind::Invalid, "an injected key cannot be replaced"))
            }
            (Proof::Key(key), Some(id), Some(memory)) => {
                memory.learn(id, &key).await?;
                Ok(session)
            }
            (Proof::Remembered { rotating: true, .. }, Some(id), Some(memory)) => {
                let on = Rotation { ssh: self, target, id, memory };
                on.go_on(session).await
            }
            _ => Ok(session),
        }
    }

    pub(crate) fn now(&self) -> jiff::Timestamp {
        self.0.host_keys.now()
    }

    /// Logs in to a host of which this is known.
    pub(crate) async fn dial(&self, target: &Target, known: Known) -> Result<(Session, Proof)> {
        let stream = handshake::reach(&self.0, target).await?;
        self.log_in(target, stream, known).await
    }

    async fn log_in(
        &self,
        target: &Target,
        stream: impl Stream + 'static,
        known: Known,
    ) -> Result<(Session, Proof)> {
        let (mut link, proof) = handshake::shake_hands(&self.0, target, stream, known).await?;
        login::log_in(&self.0, &mut link, target).await?;
        let (handle, gone) = link.into_inner();
        Ok((Session::new(handle, gone, target.clone(), self.0.user.clone()), proof))
    }
}

impl<S: ssh_builder::State> SshBuilder<S> {
    /// Proves who we are; several are tried in the order given.
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identities.push(identity);
        self
    }

    /// Connects in another way than by TCP from this machine: [through another host](crate::Jump), or from within another
    /// network.
    pub fn connect_by(mut self, connect: impl Connect + 'static) -> Self {
        self.connect = Arc::new(connect);
        self
    }
}
