//! Whether a deployment's nodes live: asked now, whatever a monitor thinks.

use std::fmt;
use std::panic::AssertUnwindSafe;

use futures::{FutureExt, StreamExt, stream};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::driver::{Context, On, call};
use super::journal::Stage;
use super::machine::Phase;
use super::orders::{Orders, Request};
use super::table::table;
use super::{Deployment, NodeStatus, Running};
use crate::Result;
use crate::model::{InstanceHealth, InstanceId, LoginSpec, Name};
use crate::probe::liveness;
use crate::provider::{Hold, Liveness, Node};

/// Probes at once: below what a process may have open.
const AT_ONCE: usize = 256;

/// What a ping found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ping {
    /// The deployment.
    pub deployment: Name,
    /// Whether it was a deep one.
    pub deep: bool,
    /// The nodes of the description.
    pub nodes: Vec<Pinged>,
}

/// A node's answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pinged {
    /// The node.
    #[serde(flatten)]
    pub node: NodeStatus,
    /// Whether it lives.
    #[serde(flatten)]
    pub answer: Liveness,
    /// By whom and why it is set aside, where operators ordered that: it is held, or in quarantine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aside: Option<String>,
}

impl Pinged {
    fn fails(&self) -> bool {
        matches!(self.answer, Liveness::Failing(_) | Liveness::DeclaredDead(_))
    }
}

impl Ping {
    /// Whether no node is known to fail. A node that has not finished starting passes, and so does one that operators set aside: they
    /// know of it. One that is in quarantine because it died too often is nobody's order, and fails.
    #[must_use]
    pub fn passed(&self) -> bool {
        !self.nodes.iter().any(|pinged| pinged.fails() && pinged.aside.is_none())
    }
}

impl fmt::Display for Ping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.nodes.iter().map(|pinged| {
            let Pinged { node, answer, aside } = pinged;
            let (word, why) = match answer {
                Liveness::Live if node.phase != Phase::Live => ("live", "it is starting"),
                Liveness::Live => ("live", ""),
                Liveness::Failing(why) => ("failing", why.as_str()),
                Liveness::DeclaredDead(why) => ("dead", why.as_str()),
                Liveness::Unknown(why) => ("unknown", why.as_str()),
            };
            let (word, why) = match aside {
                Some(aside) if pinged.fails() => ("set aside", format!("{aside} ({why})")),
                Some(aside) if why.is_empty() => (word, aside.clone()),
                Some(aside) => (word, format!("{aside} ({why})")),
                None => (word, why.to_owned()),
            };
            let instance = node.instance.as_ref().map_or("-", |instance| instance.id.as_str());
            [&node.address.to_string(), node.phase.as_str(), instance, word, &why].map(str::to_owned).to_vec()
        });
        f.write_str(&table(&["node", "phase", "instance", "liveness", "why"], rows))
    }
}

impl Running {
    /// A shallow ping: one describe for all nodes, and no node is asked itself. A node that has not finished starting passes.
    /// Cancel-safe.
    pub async fn ping(&self) -> Ping {
        self.pinged(false).await
    }

    /// A deep ping: what the cloud says of all nodes, status checks included, and each fleet's probe, now. A node that has not
    /// finished starting passes and is not asked. Cancel-safe.
    pub async fn ping_deep(&self) -> Ping {
        self.pinged(true).await
    }

    async fn pinged(&self, deep: bool) -> Ping {
        let context = self.context();
        // A store that fails is no reason to say nothing of the nodes.
        let orders = context.orders.read().await.unwrap_or_else(|_| context.known().ordered.clone());
        ping(context, self.nodes(), &orders, deep).await
    }
}

impl Deployment {
    /// A shallow ping, by a process that is not its controller: what the journal and the cloud say of the nodes, none of which
    /// is asked itself. A node that has not finished starting passes while a controller has the deployment. Cancel-safe; it changes
    /// nothing.
    ///
    /// # Errors
    /// The journal or the cloud could not be read.
    pub async fn ping(&self) -> Result<Ping> {
        self.pinged(false).await
    }

    /// A deep ping, by a process that is not its controller: as the shallow one, with the cloud's status checks and each
    /// fleet's probe, now. Cancel-safe; it changes nothing.
    ///
    /// # Errors
    /// As [`ping`](Self::ping).
    pub async fn ping_deep(&self) -> Result<Ping> {
        self.pinged(true).await
    }

    async fn pinged(&self, deep: bool) -> Result<Ping> {
        let context = self.context();
        let status = self.status_in(&context).await?;
        let orders = context.known().ordered.clone();
        let mut ping = ping(&context, status.nodes, &orders, deep).await;
        if status.stage != Stage::Running.as_str() {
            // Nobody is starting them.
            for Pinged { node, answer, .. } in &mut ping.nodes {
                if *answer == Liveness::Live && node.phase != Phase::Live {
                    *answer = Liveness::Failing(format!("the deployment is {}", status.stage));
                }
            }
        }
        Ok(ping)
    }
}

async fn ping(context: &Context, nodes: Vec<NodeStatus>, orders: &Orders, deep: bool) -> Ping {
    let nodes: Vec<NodeStatus> = nodes.into_iter().filter(|node| node.wanted).collect();
    let ids = nodes
        .iter()
        .filter(|node| is_up(node.phase))
        .filter_map(|node| Some(node.instance.as_ref()?.id.clone()));
    let ids: Vec<InstanceId> = ids.collect();
    let said = said(context, &ids, deep).await;
    let attributes = context.view.attributes();
    let asked = nodes.into_iter().map(async |node: NodeStatus| {
        let mut answer = judged(&node, &said);
        let fleet = context.fleet(&node.address.fleet);
        if let (true, Liveness::Live, Phase::Live, Some(instance)) =
            (deep, &answer, node.phase, &node.instance)
            && let Some(probe) = fleet.and_then(|fleet| fleet.probe.as_ref())
        {
            let node = Node {
                deployment: context.spec.name.clone(),
                address: node.address.clone(),
                instance: instance.clone(),
                attributes: attributes.clone(),
                login: fleet.map(|fleet| LoginSpec::of(&fleet.spec)).unwrap_or_default(),
            };
            let caught = AssertUnwindSafe(probe.check(&node)).catch_unwind().await;
            answer = caught.unwrap_or_else(|_| Liveness::Unknown("the probe panicked".to_owned()));
        }
        let aside = aside(orders, &node, context.now());
        Pinged { node, answer, aside }
    });
    let nodes = stream::iter(asked).buffered(AT_ONCE).collect().await;
    Ping { deployment: context.spec.name.clone(), deep, nodes }
}

/// The order that sets a node aside.
fn aside(orders: &Orders, node: &NodeStatus, now: Timestamp) -> Option<String> {
    if let Some(Request { reason, at }) = orders.quarantine.get(&node.address) {
        return Some(format!("in quarantine by order since {at:.0}: {reason}"));
    }
    let Hold { owner, reason, until } = orders.holds.get(&node.address)?;
    (*until > now).then(|| format!("held by {owner} until {until:.0}: {reason}"))
}

/// Whether the node has an instance that is to stay.
fn is_up(phase: Phase) -> bool {
    use Phase::{Customizing, Live, Pending, Registering, Running};
    matches!(phase, Pending | Running | Customizing | Registering | Live)
}

/// The cloud's word, in one call.
async fn said(context: &Context, ids: &[InstanceId], deep: bool) -> Result<Vec<InstanceHealth>, String> {
    let on = On::Instances(ids.len());
    let said = if deep {
        call(context, "health", on, context.cloud.health(ids)).await
    } else {
        let describe =
            async { Ok(context.cloud.describe(ids).await?.iter().map(InstanceHealth::of).collect()) };
        call(context, "describe", on, describe).await
    };
    said.map_err(|error| error.chain())
}

fn judged(node: &NodeStatus, said: &Result<Vec<InstanceHealth>, String>) -> Liveness {
    match node.phase {
        Phase::Failed | Phase::Quarantined => {
            let why = node.error.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
            return Liveness::Failing(format!("it is {}{why}", node.phase));
        }
        Phase::Deregistering
        | Phase::Draining
        | Phase::Undoing
        | Phase::Condemned
        | Phase::Terminating
        | Phase::Terminated => {
            return Liveness::Failing(format!("it is {}", node.phase));
        }
        phase if !is_up(phase) => return Liveness::Live,
        _ => {}
    }
    let id = node.instance.as_ref().map(|instance| &instance.id);
    let health = said.as_ref().map(|all| all.iter().find(|health| Some(&health.id) == id));
    match (health, node.phase) {
        (Ok(Some(health)), Phase::Live) => liveness(health),
        // One that comes up may be anything but gone.
        (Ok(Some(health)), _) => match liveness(health) {
            dead @ Liveness::DeclaredDead(_) => dead,
            _ => Liveness::Live,
        },
        (Ok(None), Phase::Live) => Liveness::Unknown("the cloud did not show it".to_owned()),
        (Err(why), Phase::Live) => Liveness::Unknown(why.clone()),
        _ => Liveness::Live,
    }
}
