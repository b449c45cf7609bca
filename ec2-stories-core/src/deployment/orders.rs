//! What operators want of a deployment, beside its description.
//!
//! Orders are a tuple, `deployments/NAME/orders`. Any process changes it, each change under the version that it read; the controller
//! reads it every few seconds, and at once where it is told to look. So orders survive the controller, and reach one that is
//! elsewhere.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use super::journal::Envelope;
use crate::model::{DeploymentSpec, FleetSpec, Name, NodeAddress};
use crate::provider::{Expect, Hold, TupleStore, Version};
use crate::{Error, ErrorKind, Result};

/// Tries of a change that the store failed, or that another was faster than.
const TRIES: u32 = 10;

/// What operators want of a deployment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Orders {
    /// How many nodes a fleet has, other than described.
    pub scale: BTreeMap<Name, Scale>,
    /// While it is there nothing is launched, replaced or rolled out.
    pub pause: Option<Pause>,
    /// Nodes that are not to be replaced.
    pub holds: BTreeMap<NodeAddress, Hold>,
    /// Nodes that are to have no instance.
    pub quarantine: BTreeMap<NodeAddress, Request>,
    /// Nodes that are to have another instance; the controller strikes out what it has begun.
    pub replace: BTreeMap<NodeAddress, Request>,
    /// Nodes whose quarantine is to end, whoever began it; the controller strikes them out.
    pub release: BTreeMap<NodeAddress, Request>,
}

/// How many nodes a fleet is to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scale {
    /// How many the description had: once it has another number, that counts.
    pub described: u32,
    /// How many are wanted.
    pub wanted: u32,
}

/// Who stopped a deployment from changing, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Who.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

/// Why something is wanted of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Why.
    pub reason: String,
    /// When it was asked for.
    pub at: Timestamp,
}

impl Orders {
    /// How many nodes the fleet is to have, where that was ordered for this very description.
    #[must_use]
    pub fn scaled(&self, fleet: &FleetSpec) -> Option<u32> {
        let scale = self.scale.get(&fleet.name)?;
        (scale.described == fleet.nodes).then_some(scale.wanted)
    }

    /// How many nodes the fleet is to have.
    #[must_use]
    pub fn nodes(&self, fleet: &FleetSpec) -> u32 {
        self.scaled(fleet).unwrap_or(fleet.nodes)
    }

    pub(crate) fn set_scale(&mut self, spec: &DeploymentSpec, fleet: &Name, wanted: u32) -> Result<()> {
        let described = find(spec, fleet)?.nodes;
        self.scale.insert(fleet.clone(), Scale { described, wanted });
        let all: u64 = spec.fleets.iter().map(|fleet| u64::from(self.nodes(fleet))).sum();
        if all > u64::from(spec.limits.nodes) {
            let limit = spec.limits.nodes;
            let why = format!("with {wanted} nodes of {fleet} there are {all}; limits.nodes is {limit}");
            return Err(Error::invalid(format!("scale.{fleet}"), why));
        }
        Ok(())
    }

    pub(crate) fn check_node(&self, spec: &DeploymentSpec, node: &NodeAddress) -> Result<()> {
        let nodes = self.nodes(find(spec, &node.fleet)?);
        if node.slot < nodes {
            return Ok(());
        }
        let why = format!("there is no such node: fleet {} has {nodes}", node.fleet);
        Err(Error::new(ErrorKind::NotFound, why).on(node.to_string()))
    }
}

fn find<'a>(spec: &'a DeploymentSpec, name: &Name) -> Result<&'a FleetSpec> {
    let known = spec.fleets.iter().find(|fleet| fleet.name == *name);
    known.ok_or_else(|| {
        let there = spec.fleets.iter().map(|fleet| fleet.name.as_str()).collect::<Vec<_>>().join(", ");
        let why = format!("there is no such fleet; the story has {there}");
        Error::new(ErrorKind::NotFound, why).on(name.to_string())
    })
}

/// Checks a text that must not be missing.
pub(crate) fn said(field: &str, text: String) -> Result<String> {
    match text.trim().is_empty() {
        true => Err(Error::invalid(field, "must not be empty")),
        false => Ok(text),
    }
}

/// Checks a hold: all of it is mandatory, and it ends.
pub(crate) fn check_hold(hold: &Hold, now: Timestamp) -> Result<()> {
    said("hold.owner", hold.owner.clone())?;
    said("hold.reason", hold.reason.clone())?;
    if hold.until <= now {
        return Err(Error::invalid("hold.until", "has passed already"));
    }
    if hold.until > now + Hold::LONGEST {
        return Err(Error::invalid("hold.until", "must be within 24 hours"));
    }
    Ok(())
}

/// The tuple of a deployment's orders.
#[derive(Clone, Debug)]
pub(crate) struct OrderBook {
    store: Arc<dyn TupleStore>,
    tuple: Arc<str>,
    /// As read last: a controller reads them again and again.
    last: Arc<Mutex<Option<(Version, Orders)>>>,
}

impl OrderBook {
    pub(crate) fn new(store: Arc<dyn TupleStore>, deployment: &Name) -> Self {
        Self { store, tuple: format!("deployments/{deployment}/orders").into(), last: Arc::default() }
    }

    /// Reads the orders.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] when they are damaged; others when the store failed.
    pub(crate) async fn read(&self) -> Result<Orders> {
        Ok(self.look().await?.0)
    }

    async fn look(&self) -> Result<(Orders, Option<Version>)> {
        let Some(tuple) = self.store.get(&self.tuple).await? else { return Ok(Default::default()) };
        let last = || self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, orders)) = last().as_ref().filter(|(version, _)| *version == tuple.version) {
            return Ok((orders.clone(), Some(tuple.version)));
        }
        let corrupt =
            |why| Error::new(ErrorKind::Corrupt, why).during("read the orders").on(self.tuple.to_string());
        let orders: Envelope<Orders> = Envelope::open(&self.tuple, &tuple.value).map_err(corrupt)?;
        *last() = Some((tuple.version.clone(), orders.record.clone()));
        Ok((orders.record, Some(tuple.version)))
    }

    /// Changes the orders, and returns them.
    ///
    /// # Errors
    /// Those of `change`, of the store, and [`ErrorKind::Conflict`] when others were always faster.
    pub(crate) async fn change(&self, change: impl Fn(&mut Orders) -> Result<()>) -> Result<Orders> {
        let mut tries = 0;
        loop {
            let error = match self.try_change(&change).await {
                Err(error) if error.kind() == ErrorKind::Conflict || !error.is_permanent() => error,
                result => return result,
            };
            tries += 1;
            if tries == TRIES {
                return Err(error);
            }
            sleep(Duration::from_millis(50 * u64::from(tries))).await;
        }
    }

    async fn try_change(&self, change: impl Fn(&mut Orders) -> Result<()>) -> Result<Orders> {
        let (mut orders, version) = self.look().await?;
        let before = orders.clone();
        change(&mut orders)?;
        if orders != before {
            let encode = |error: serde_json::Error| Error::new(ErrorKind::Unexpected, error.to_string());
            let envelope = Envelope { incarnation: None, controller: None, record: &orders };
            let value = envelope.seal(&self.tuple).map_err(encode)?;
            let expect = version.map_or(Expect::Absent, Expect::Unchanged);
            self.store.put(&self.tuple, &value, expect).await?;
        }
        Ok(orders)
    }

    /// Removes them, with the deployment that they were for.
    pub(crate) async fn clear(&self) -> Result<()> {
        self.store.delete(&self.tuple, Expect::Anything).await
    }
}
