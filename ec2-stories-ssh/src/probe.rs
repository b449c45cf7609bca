//! A command on the node as a probe.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use ec2_stories_core::model::{InstanceId, NodeAddress};
use ec2_stories_core::probe::broken;
use ec2_stories_core::provider::{Liveness, Node, Probe};
use ec2_stories_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::ready::withhold;
use crate::step::Nodes;
use crate::{Captured, Command, Exit, Output, SessionPool, Target};

/// What is kept of each output, of which one line is shown.
const KEEP: usize = 4096;

/// A command that ends with the status that it should: `["systemctl", "is-active", "web"]`.
///
/// Nodes are logged in to once, and again when the link has broken. A command that ends otherwise, no connection and no end in time is
/// failing. A login that is refused, a host key that is not known or is another, and what is wrong with this machine is unknown: that
/// says nothing of the node's work.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandProbe {
    run: Vec<String>,
    #[serde(default, skip_serializing_if = "is_zero")]
    status: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(default = "ten_seconds", with = "humantime_serde")]
    timeout: Duration,
    #[serde(skip)]
    links: Links,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature
fn is_zero(status: &u32) -> bool {
    *status == 0
}

/// A login takes a second or two on a small machine.
fn ten_seconds() -> Duration {
    Duration::from_secs(10)
}

impl CommandProbe {
    /// A program and its arguments, which reach it as they are.
    pub fn new<A: Into<String>>(words: impl IntoIterator<Item = A>) -> Self {
        Self {
            run: words.into_iter().map(Into::into).collect(),
            status: 0,
            user: None,
            timeout: ten_seconds(),
            links: Links::default(),
        }
    }

    /// The status that it must end with; 0 where not said.
    #[must_use]
    pub fn status(mut self, status: u32) -> Self {
        self.status = status;
        self
    }

    /// Runs it as this user, `root` for instance, with `sudo -n`; as the one who logs in where not said.
    #[must_use]
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// How long it may take, with the login where that is needed; 10 s where not said.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Reaches nodes in this way.
    #[must_use]
    pub fn over(mut self, nodes: Nodes) -> Self {
        self.links = Links { nodes, pools: Arc::default() };
        self
    }

    fn command(&self) -> Command {
        let program = self.run.first().map(String::as_str).unwrap_or_default();
        let command = Command::new(program).args(self.run.iter().skip(1)).keep(KEEP).timeout(self.timeout);
        match &self.user {
            Some(user) => command.as_user(user),
            None => command,
        }
    }

    async fn ask(&self, node: &Node) -> Result<Output> {
        let (pool, target) = (self.links.pool(node)?, Target::of(node)?);
        pool.session(&target).await?.exec(&self.command()).await
    }

    fn judged(&self, output: &Output) -> Liveness {
        if output.exit == Exit::Status(self.status) {
            return Liveness::Live;
        }
        let said = [&output.stderr, &output.stdout].map(Captured::last_line);
        let said = said.iter().find(|line| !line.is_empty()).map(|line| format!(": {}", withhold(line)));
        Liveness::Failing(format!("{}{}", output.exit, said.unwrap_or_default()))
    }
}

impl PartialEq for CommandProbe {
    /// How nodes are reached is no part of the description.
    fn eq(&self, other: &Self) -> bool {
        let of = |probe: &Self| (probe.run.clone(), probe.status, probe.user.clone(), probe.timeout);
        of(self) == of(other)
    }
}

#[async_trait]
impl Probe for CommandProbe {
    fn name(&self) -> String {
        let line: String = self.run.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
        let short: String = line.chars().take(60).collect();
        format!("command {short}{}", if short.len() < line.len() { "…" } else { "" })
    }

    fn consistent(&self) -> Result<()> {
        if self.run.first().is_none_or(String::is_empty) {
            return Err(Error::invalid(
                "run",
                "is a program and its arguments: [\"systemctl\", \"is-active\", \"web\"]",
            ));
        }
        if self.status > 255 {
            return Err(Error::invalid("status", "is from 0 to 255"));
        }
        if self.timeout.is_zero() {
            return Err(Error::invalid("timeout", "must be more than nothing"));
        }
        Ok(())
    }

    async fn check(&self, node: &Node) -> Liveness {
        let doubt = Doubt(&self.links, &node.address);
        match timeout(self.timeout, self.ask(node)).await {
            Ok(Ok(output)) => {
                doubt.dispel();
                self.judged(&output)
            }
            Ok(Err(error)) => said(&error),
            Err(_) => Liveness::Failing(format!("no answer within {:?}", self.timeout)),
        }
    }
}

/// What a command that did not run says of the node.
fn said(error: &Error) -> Liveness {
    let mut cause = StdError::source(error);
    while let Some(source) = cause {
        if let Some(error) = source.downcast_ref::<io::Error>() {
            return broken(error);
        }
        cause = source.source();
    }
    match error.kind() {
        ErrorKind::Unavailable | ErrorKind::Timeout => Liveness::Failing(error.message().to_owned()),
        _ => Liveness::Unknown(error.message().to_owned()),
    }
}

/// A session a node, kept between checks. Clones share them.
#[derive(Clone, Default)]
struct Links {
    nodes: Nodes,
    pools: Arc<Mutex<HashMap<NodeAddress, (InstanceId, SessionPool)>>>,
}

impl Links {
    fn pool(&self, node: &Node) -> Result<SessionPool> {
        if let Some((instance, pool)) = self.lock().get(&node.address)
            && *instance == node.instance.id
        {
            return Ok(pool.clone());
        }
        let pool = SessionPool::new(self.nodes.ssh(node)?);
        self.lock().insert(node.address.clone(), (node.instance.id.clone(), pool.clone()));
        Ok(pool)
    }

    /// Its session ends with the last who uses it.
    fn forget(&self, node: &NodeAddress) {
        self.lock().remove(node);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<NodeAddress, (InstanceId, SessionPool)>> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether anyone is at the other end of a link. One that is in doubt when a check ends, also by being dropped, is not used again.
struct Doubt<'a>(&'a Links, &'a NodeAddress);

impl Doubt<'_> {
    fn dispel(self) {
        std::mem::forget(self);
    }
}

impl Drop for Doubt<'_> {
    fn drop(&mut self) {
        self.0.forget(self.1);
    }
}

impl fmt::Debug for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Links").field("nodes", &self.nodes).field("open", &self.lock().len()).finish()
    }
}
