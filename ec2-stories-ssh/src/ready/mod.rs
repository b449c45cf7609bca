//! Waiting until a host can be worked on.

mod boot;
mod withheld;

use std::sync::Arc;
use std::time::Duration;

use bon::bon;
use ec2_stories_core::provider::InstanceDeployer;
use ec2_stories_core::{Error, ErrorKind, Result, Status};
use tokio::time::{Instant, sleep, timeout_at};

pub(crate) use withheld::withhold;

use crate::error::code;
use crate::ssh::handshake::{BANNER, CONNECT};
use crate::{Session, Ssh, Target};

/// Between two tries; doubled each time, up to the second.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Waits until a host can be worked on: its SSH server says its name, then lets us in, then cloud-init has finished. Each of the three
/// has its own time, and what is known of the instance is in the error of one that is over.
///
/// What cannot get better is not tried again: a host key that is unknown or another one, a login that was refused several
/// times. A boot that fails is an error at once.
#[derive(Clone, Debug)]
pub struct Readiness {
    banner: Duration,
    login: Duration,
    boot: Option<Duration>,
    refusals: u32,
    cloud: Option<Arc<dyn InstanceDeployer>>,
}

#[bon]
impl Readiness {
    /// Describes a wait. All has a default.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`], naming the field.
    #[builder(finish_fn = build)]
    pub fn new(
        /// How long the machine may take until its SSH server says its name. 5 min where not said.
        #[builder(default = Duration::from_secs(300))]
        banner: Duration,
        /// How long it may take from then on until it lets us in. 5 min where not said.
        #[builder(default = Duration::from_secs(300))]
        login: Duration,
        /// How long cloud-init may take from then on. 10 min where not said.
        #[builder(default = Duration::from_secs(600))]
        boot: Duration,
        /// Whether cloud-init is waited for. It is where not said.
        #[builder(default = true)]
        cloud_init: bool,
        /// After this many refused logins the host will not let us in: cloud-init may need a moment to let the key in, but not
        /// long. 5 where not said.
        #[builder(default = 5)]
        refusals: u32,
        /// Who is asked what is wrong when a time is over.
        cloud: Option<Arc<dyn InstanceDeployer>>,
    ) -> Result<Self> {
        for (field, value) in [("banner", banner), ("login", login), ("boot", boot)] {
            if value.is_zero() {
                return Err(Error::invalid(format!("readiness.{field}"), "must be more than nothing"));
            }
        }
        let boot = cloud_init.then_some(boot);
        Ok(Self { banner, login, boot, refusals: refusals.max(1), cloud })
    }

    /// Waits, and gives the session.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`] with what is known of the instance;
    /// [`CLOUD_INIT_FAILED`](code::CLOUD_INIT_FAILED) with the end of what it said; the permanent ones of
    /// [`Ssh::connect`].
    pub async fn wait(&self, ssh: &Ssh, target: &Target) -> Result<Session> {
        let session = self.log_in(ssh, target).await?;
        let Some(limit) = self.boot else { return Ok(session) };
        let deadline = Instant::now() + limit;
        match timeout_at(deadline, self.booted(ssh, target, session)).await {
            Ok(booted) => booted,
            Err(_) => Err(self.over("cloud-init has not finished", limit, None, target).await),
        }
    }

    async fn log_in(&self, ssh: &Ssh, target: &Target) -> Result<Session> {
        let start = Instant::now();
        let mut named: Option<Instant> = None;
        let (mut refusals, mut pause, mut last) = (0, FIRST_PAUSE, None);
        loop {
            let deadline = named.map_or(start + self.banner, |at| at + self.login);
            match timeout_at(deadline, ssh.connect(target)).await {
                Ok(Ok(session)) => return Ok(session),
                Ok(Err(error)) => {
                    if !matches!(error.operation(), Some(CONNECT | BANNER)) {
                        named = named.or_else(|| Some(Instant::now()));
                    }
                    refusals += u32::from(error.api_code() == Some(code::LOGIN_REFUSED));
                    if self.is_final(&error, refusals) {
                        return Err(error);
                    }
                    last = Some(error);
                }
                // Its time was over on the way; what went wrong before says more.
                Err(_) => {}
            }
            let (what, deadline, limit) = match named {
                None => ("the SSH server has not said its name", start + self.banner, self.banner),
                Some(at) => ("the host has not let us in", at + self.login, self.login),
            };
            if Instant::now() + pause >= deadline {
                return Err(self.over(what, limit, last, target).await);
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn is_final(&self, error: &Error, refusals: u32) -> bool {
        match error.api_code() {
            Some(code::LOGIN_REFUSED) => refusals >= self.refusals,
            _ => error.is_permanent(),
        }
    }

    /// A host may boot again on the way, as cloud-init can be told to.
    async fn booted(&self, ssh: &Ssh, target: &Target, mut session: Session) -> Result<Session> {
        let mut pause = FIRST_PAUSE;
        loop {
            match boot::finished(&session).await {
                Ok(()) => return Ok(session),
                Err(error) if error.is_permanent() => return Err(error),
                Err(error) => {
                    tracing::debug!(host = %target, error = error.chain(), "cloud-init could not be asked");
                    sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    session = self.log_in(ssh, target).await?;
                }
            }
        }
    }

    async fn over(&self, what: &str, limit: Duration, last: Option<Error>, target: &Target) -> Error {
        let known = match (&self.cloud, target.instance_id()) {
            (Some(cloud), Some(id)) => {
                let mut diagnosis = cloud.diagnose(id).await;
                diagnosis.console_tail = diagnosis.console_tail.map(|tail| withhold(&tail));
                format!("; {diagnosis}")
            }
            _ => String::new(),
        };
        let failure = Error::new(ErrorKind::Timeout, format!("{what} within {limit:?}{known}"))
            .status(Status::Temporary)
            .during("wait until ready")
            .on(target.to_string());
        match last {
            Some(last) => failure.because(last),
            None => failure,
        }
    }
}
