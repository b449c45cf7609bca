//! The nodes that a command works on, and how it gets to them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use ec2_stories::deployment::Orders;
use ec2_stories::model::{FleetSpec, InstanceState, LoginSpec, Name, NodeAddress};
use ec2_stories::provider::Node;
use ec2_stories::ssh::step::Nodes;
use ec2_stories::ssh::{CloudConsole, FanOut, Outcomes, Session as Login, Target};
use ec2_stories::terminal::{Interrupts, note};
use ec2_stories::{Attributes, Result};
use futures::future::join_all;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::args::FanArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::patience;
use crate::session::Session;

/// Nodes as the command line names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chosen(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    All,
    Fleet(Name),
    Slots(Name, Range<u32>),
}

impl FromStr for Chosen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |part: &str| {
            format!("{part:?} names no nodes: say web, web/0, web/0..2 or all, several with commas")
        };
        let name = |part: &str| Name::new(part).map_err(|_| wrong(text));
        let part = |part: &str| match part.split_once('/') {
            None if part == "all" => Ok(Part::All),
            None => name(part).map(Part::Fleet),
            Some((fleet, slots)) => {
                let slot =
                    |slot: &str| slot.parse::<u32>().ok().filter(|slot| *slot < u32::MAX).ok_or(wrong(part));
                let slots = match slots.split_once("..") {
                    None => slot(slots)?..slot(slots)? + 1,
                    Some((first, end)) => slot(first)?..slot(end)?,
                };
                if slots.is_empty() { Err(wrong(part)) } else { Ok(Part::Slots(name(fleet)?, slots)) }
            }
        };
        text.split(',').map(part).collect::<Result<_, _>>().map(Self)
    }
}

impl From<NodeAddress> for Chosen {
    fn from(node: NodeAddress) -> Self {
        Self(vec![Part::Slots(node.fleet, node.slot..node.slot + 1)])
    }
}

impl Chosen {
    fn check(&self, fleets: &BTreeSet<&Name>) -> Result<(), Failure> {
        let unknown = |part: &&Part| part.fleet().is_some_and(|fleet| !fleets.contains(fleet));
        let Some(part) = self.0.iter().find(unknown) else { return Ok(()) };
        let names: Vec<&str> = fleets.iter().map(|name| name.as_str()).collect();
        let there = match names[..] {
            [one] => format!("the one there is is {one}"),
            _ => format!("those there are are {}", names.join(", ")),
        };
        Err(Failure::new(Exit::Usage, format!("{part}: there is no such fleet; {there}")))
    }
}

impl Chosen {
    /// The nodes of a story that were chosen, whether they are there or not. Each part of the choice must name some.
    pub(crate) fn described(&self, session: &Session, orders: &Orders) -> Result<Vec<NodeAddress>, Failure> {
        let fleets = &session.story.spec().fleets;
        self.check(&fleets.iter().map(|fleet| &fleet.name).collect())?;
        let all: Vec<NodeAddress> = fleets
            .iter()
            .flat_map(|fleet| (0..orders.nodes(fleet)).map(|slot| NodeAddress::new(fleet.name.clone(), slot)))
            .collect();
        if let Some(part) = self.0.iter().find(|part| !all.iter().any(|node| part.has(node))) {
            let has = |fleet: &FleetSpec| match orders.nodes(fleet) {
                1 => format!("{0} has {0}/0 alone", fleet.name),
                nodes => format!("{0} has {0}/0 to {0}/{1}", fleet.name, nodes.saturating_sub(1)),
            };
            let there = fleets.iter().filter(|fleet| part.fleet().is_none_or(|name| *name == fleet.name));
            let there = there.map(has).collect::<Vec<_>>().join(", ");
            return Err(Failure::new(Exit::Usage, format!("{part}: there is no such node; {there}")));
        }
        Ok(all.into_iter().filter(|node| self.0.iter().any(|part| part.has(node))).collect())
    }
}

impl Part {
    fn fleet(&self) -> Option<&Name> {
        match self {
            Self::All => None,
            Self::Fleet(fleet) | Self::Slots(fleet, _) => Some(fleet),
        }
    }

    fn has(&self, node: &NodeAddress) -> bool {
        match self {
            Self::All => true,
            Self::Fleet(fleet) => node.fleet == *fleet,
            Self::Slots(fleet, slots) => node.fleet == *fleet && slots.contains(&node.slot),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Fleet(fleet) => write!(f, "{fleet}"),
            Self::Slots(fleet, slots) if slots.len() == 1 => write!(f, "{fleet}/{}", slots.start),
            Self::Slots(fleet, slots) => write!(f, "{fleet}/{}..{}", slots.start, slots.end),
        }
    }
}

/// The nodes that were chosen, in order, and how they are logged in to. Each part of the choice must be there, and run.
pub(crate) async fn find(session: &Session, chosen: &Chosen) -> Result<(Vec<Node>, Nodes), Failure> {
    let (status, cloud) = patience::answer("which nodes run", async {
        let (deployment, cloud) = session.connect().await?;
        Ok::<_, Failure>((deployment.status().await?, cloud))
    })
    .await?;
    let fleets = session.story.spec().fleets.iter().map(|fleet| &fleet.name);
    let fleets: BTreeSet<&Name> = fleets.chain(status.nodes.iter().map(|node| &node.address.fleet)).collect();
    chosen.check(&fleets)?;
    let mut attributes = Attributes::new();
    for node in &status.nodes {
        if let Some(instance) = &node.instance {
            attributes.publish(&node.address, instance);
        }
    }
    let runs = |state: &InstanceState| *state == InstanceState::Running;
    let login = |fleet: &Name| {
        let fleet = session.story.spec().fleets.iter().find(|spec| spec.name == *fleet);
        fleet.map(LoginSpec::of).unwrap_or_default()
    };
    let all: Vec<Node> = status
        .nodes
        .into_iter()
        .filter_map(|node| Some((node.address, node.instance.filter(|instance| runs(&instance.state))?)))
        .map(|(address, instance)| Node {
            deployment: session.name().clone(),
            login: login(&address.fleet),
            attributes: attributes.clone(),
            address,
            instance,
        })
        .collect();
    for part in &chosen.0 {
        let missing = match part {
            Part::Slots(fleet, slots) => slots
                .clone()
                .any(|slot| !all.iter().any(|node| node.address == NodeAddress::new(fleet.clone(), slot))),
            part => !all.iter().any(|node| part.has(&node.address)),
        };
        if missing {
            return Err(Failure::new(
                Exit::Failed,
                format!("{part}: no such node runs; `status` shows what does"),
            ));
        }
    }
    let nodes = all.into_iter().filter(|node| chosen.0.iter().any(|part| part.has(&node.address))).collect();
    // As their fleets' logins say. Host keys are remembered where the deployment remembers them.
    let ways = Nodes::new().remembered_in(session.store.clone());
    Ok((nodes, ways.console(Arc::new(CloudConsole::of(cloud)))))
}

/// Logs in once: a node that was deployed is there, or the user wants to know.
pub(crate) async fn log_in(ways: &Nodes, node: &Node) -> Result<Login> {
    let target = Target::of(node)?;
    let waits = format!("{}: nobody is let in yet at {target}; it goes on trying for a while", node.address);
    patience::outcome(waits, ways.ssh(node)?.connect(&target)).await
}

/// Logs in to every node and does one job there, until done or interrupted; says which nodes failed, and whether enough did not.
///
/// A job that is interrupted ends on its node what it has begun there, and that is waited for.
pub(crate) async fn on_each<T, F>(
    nodes: Vec<Node>,
    ways: &Nodes,
    fan: &FanArgs,
    job: impl Fn(Node, Login) -> F,
) -> Result<(Outcomes<Shown, T>, Exit), Failure>
where
    F: Future<Output = Result<T>>,
{
    let wanted = fan.at_least.unwrap_or(nodes.len());
    if wanted > nodes.len() {
        let why = format!("--at-least {wanted}: only {} nodes were chosen", nodes.len());
        return Err(Failure::new(Exit::Usage, why));
    }
    let mut interrupts = Interrupts::listen()?;
    let stop = CancellationToken::new();
    let fan_out = FanOut::at_once(usize::from(fan.parallel)).canceled_by(stop.clone());
    let logins = Logins::default();
    let on_one = async |Shown(node): Shown| {
        let login = log_in(ways, &node).await?;
        logins.insert(&node, &login);
        let outcome = job(node.clone(), login.clone()).await;
        login.close().await;
        logins.remove(&node);
        outcome
    };
    let run = fan_out.run(nodes.into_iter().map(Shown), on_one);
    tokio::pin!(run);
    let outcomes = loop {
        tokio::select! {
            outcomes = &mut run => break outcomes,
            () = interrupts.next() => stop.cancel(),
        }
    };
    if stop.is_cancelled() {
        logins.end(&mut interrupts).await;
    }
    for (node, outcome) in &outcomes.0 {
        if let Err(error) = outcome {
            note(format_args!("{node}: {}", error.chain()));
        }
    }
    let exit = match outcomes.succeeded() >= wanted {
        _ if stop.is_cancelled() => Exit::Interrupted,
        true => Exit::Done,
        false => Exit::Failed,
    };
    Ok((outcomes, exit))
}

/// The nodes that are logged in to. What a dropped job runs there is ended over its login.
#[derive(Default)]
struct Logins(Mutex<BTreeMap<NodeAddress, Login>>);

impl Logins {
    fn insert(&self, node: &Node, login: &Login) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(node.address.clone(), login.clone());
    }

    fn remove(&self, node: &Node) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&node.address);
    }

    /// Waits until what was dropped has ended, or for one more interrupt.
    async fn end(&self, interrupts: &mut Interrupts) {
        let logins = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if logins.is_empty() {
            return;
        }
        note("ending what was begun on the nodes; once more leaves it there");
        tokio::select! {
            _ = join_all(logins.values().map(Login::close)) => {}
            () = interrupts.next() => {}
        }
    }
}

/// A node, which is shown as its address.
#[derive(Clone, Debug)]
pub(crate) struct Shown(pub(crate) Node);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.address.fmt(f)
    }
}

/// What became of each node, for programs; `more` says what there is to say of a success.
pub(crate) fn json<T>(outcomes: &Outcomes<Shown, T>, more: impl Fn(&T, &mut Value)) -> Value {
    let node = |(node, outcome): &(Shown, Result<T>)| {
        let error = outcome.as_ref().err().map(ec2_stories::Error::chain);
        let mut value = serde_json::json!({ "node": node.to_string(), "error": error });
        outcome.iter().for_each(|done| more(done, &mut value));
        value
    };
    serde_json::json!({ "nodes": outcomes.0.iter().map(node).collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_named_by_fleet_slot_and_range() {
        let has = |chosen: &str, node: &str| {
            let (chosen, node) = (chosen.parse::<Chosen>().unwrap(), node.parse().unwrap());
            chosen.0.iter().any(|part| part.has(&node))
        };
        assert!(
            has("all", "db/0") && has("web", "web/7") && has("web/1", "web/1") && has("db,web/0..2", "web/1")
        );
        assert!(!has("web", "db/0") && !has("web/1", "web/0") && !has("web/0..2", "web/2"));
        for wrong in ["", "web/", "web/x", "web/2..1", "web/1..1", "web,", "/0", "web/4294967295"] {
            assert!(wrong.parse::<Chosen>().is_err(), "{wrong}");
        }
    }
}
