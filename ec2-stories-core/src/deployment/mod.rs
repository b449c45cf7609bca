//! Deployments: fleets in an order, from a description to a report.
//!
//! The phases are types: [`Deployment`] (described) → [`Plan`] (decided, costs nothing) → [`Running`] (a handle) →
//! [`Report`] (what happened, what is left). The pure [`machine`] decides; a driver performs what it says through the
//! provider traits and writes a journal before each effect and after it.
//!
//! # Restarts
//! The process may die at any instruction. A start with the same journal replays each launch whose outcome is not known
//! under its own token, adopts what runs, and goes on: nothing is launched twice, nothing is forgotten. Without the journal the
//! instances' tags say what there is.
//!
//! # Names
//! A deployment's name is its identity in an account and region. An instance that carries it and was launched under another journal is
//! known by its launch token: it is neither adopted nor ended, and plan, status, sweep and an event say so
//! ([`EventKind::Stray`]). A start of a deployment that has ended is refused beside such. A journal that holds nothing cannot tell: what it
//! finds when it begins is taken for the deployment's, whose journal was lost, and a plan says so; a termination under it ends all that
//! carries the name.
//!
//! # Two controllers
//! One works, and every other is told who that is ([`ErrorKind::Conflict`](crate::ErrorKind::Conflict)): a controller has a lease, a
//! tuple beside the journal that it renews every few seconds. A start after a crash watches that tuple, and takes over once nobody
//! renewed it for the whole lease, 30 s where [`lease`](DeploymentBuilder::lease) does not say otherwise. Whoever makes sure by
//! other means that there is one process at most gives it a name ([`holder`](DeploymentBuilder::holder)): the next of the same name
//! does not wait. A controller whose lease is another's stops: it launches and ends nothing more. One that cannot renew its
//! lease asks for nothing until it can.
//!
//! # Replacement
//! What runs is watched ([`Monitor`]). A node that dies is deregistered, terminated and waited for, rests, and is launched as its
//! next generation, customized and registered; one that lives and is to leave is deregistered, drained and its customization
//! taken back before. Just before the terminate the holds are asked once more, and the monitor's last word: a node that is held goes back
//! to where it was. With [`Replace::LaunchFirst`](crate::model::Replace::LaunchFirst) the next generation is live before the old instance
//! goes, whose customization is not taken back. An instance that ends on its way up is a loss like any other; before a node lives, only the
//! cloud's word counts. A slot that loses too many instances within too short a time is [`Phase::Quarantined`](machine::Phase).
//!
//! A node that lives with another instance is told of ([`EventKind::Changed`]), and those fleets that come after its own are customized
//! again, a few nodes at a time; so are nodes whose customizers have another revision than the one that was run on them.
//! What a fleet that was ready has lost is launched again for as long as that takes, whatever the cloud answers. Nodes that it never had, and
//! that are refused for good, are given up with the cause, and asked for again when somebody scales the fleet to another
//! number, orders a node replaced or starts the deployment anew.
//!
//! Instances that a start finds ended are deaths as any other, and launched anew within the same budgets; those of a fleet that had never
//! lived at once. An order to replace one node is begun at once; several of a fleet wait for each other within `max_in_flight`.
//!
//! # Failure
//! A fleet has failed when fewer than `at_least` of its nodes can become live. Then the fleets after it are not started, and
//! [`Running::ready`] says the first cause; what runs is left for a look until the deployment is terminated or dropped.
//!
//! # Tracing
//! - Span `provider.call`: `operation` (`launch`, `find`, `wait`, `terminate`, `converge`, `ensure_key`, `customize`, …),
//!   `deployment`, and what it is about: `fleet`, `node`, or `instances` (how many). Within it, at its end, an event `done`
//!   (debug) or `failed` (warn, with `error`), both with `elapsed_ms`.
//! - Events (info) for everything in [`EventKind`], with `deployment`, and with `node` where it is one node's.

mod dead_mans_switch;
mod driver;
mod event;
mod fleet;
mod image_file;
mod journal;
mod lease;
pub mod machine;
mod operate;
mod orders;
mod ping;
mod plan;
mod preflight;
mod private_keys;
mod report;
mod running;
mod shared;
mod start;
mod status;
mod sweep;
mod table;
mod validate;

use std::sync::Arc;
use std::time::Duration;

use bon::bon;

pub use event::{Event, EventKind};
pub use fleet::{Fleet, FleetBuilder, fleet_builder};
pub use image_file::PlannedUpload;
pub use orders::{Orders, Pause, Request, Scale};
pub use ping::{Ping, Pinged};
pub use plan::{Plan, PlannedFleet};
pub use report::{Ending, Leak, NodeReport, Report};
pub use running::Running;
pub use shared::{IntoCloud, IntoJournal, IntoMonitor};
pub use status::{NodeStatus, Status};
pub use sweep::{Stray, Sweep};

use lease::{Claim, LEASE};

use crate::model::{DeploymentSpec, Limits, Mode, Name, Tags};
use crate::provider::{Cloud, Customizer, ImageUploader, Monitor, Probe, TupleStore};
use crate::{Clock, Error, Result, SystemClock};

/// Fleets in an order, described and checked; nothing has been done yet.
#[derive(Clone, Debug)]
pub struct Deployment {
    spec: DeploymentSpec,
    fleets: Vec<Fleet>,
    cloud: Arc<dyn Cloud>,
    journal: Arc<dyn TupleStore>,
    clock: Arc<dyn Clock>,
    uploader: Option<Arc<dyn ImageUploader>>,
    monitor: Option<Arc<dyn Monitor>>,
    claim: Claim,
}

#[bon]
impl Deployment {
    /// Describes a deployment. `name`, `cloud` and `journal` are required, and the compiler sees to it.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid), naming the field: `fleet.web.after`.
    #[builder(finish_fn = build, state_mod(vis = "pub"))]
    pub fn new(
        #[builder(field)] fleets: Vec<Fleet>,
        /// Its name: its identity within an account and region.
        #[builder(into)]
        name: String,
        /// What becomes of the nodes when the program goes.
        #[builder(default)]
        mode: Mode,
        /// The cloud, by value or shared.
        #[builder(with = |cloud: impl IntoCloud| cloud.into_cloud())]
        cloud: Arc<dyn Cloud>,
        /// Where the journal is kept, by value or shared.
        #[builder(with = |store: impl IntoJournal| store.into_journal())]
        journal: Arc<dyn TupleStore>,
        /// The time of day.
        #[builder(default = Arc::new(SystemClock))]
        clock: Arc<dyn Clock>,
        /// What brings images that are files to the cloud.
        uploader: Option<Arc<dyn ImageUploader>>,
        /// What watches the nodes, by value or shared; of two deployments each has its own. Where none is given it is a
        /// [`HealthMonitor`](crate::monitor::HealthMonitor) that asks the fleets' probes and the cloud.
        #[builder(with = |monitor: impl IntoMonitor| monitor.into_monitor())]
        monitor: Option<Arc<dyn Monitor>>,
        /// How long its controller may be silent before another may take over: from 100 ms to an hour.
        #[builder(default = LEASE)]
        lease: Duration,
        /// A name that one process at most has at a time, as the caller makes sure of: the next of this name takes over at
        /// once.
        #[builder(into)]
        holder: Option<String>,
        /// Limits.
        #[builder(default)]
        limits: Limits,
        /// Tags of everything in it, beside the family's own.
        #[builder(default)]
        tags: Tags,
    ) -> Result<Self> {
        let wrong = |error: Error| Error::invalid("name", error.message().trim_start_matches("name: "));
        let name = Name::new(name).map_err(wrong)?;
        let specs = fleets.iter().map(|fleet| fleet.spec.clone()).collect();
        let spec = DeploymentSpec { name, mode, limits, tags, fleets: specs };
        validate::check_deployment(&spec)?;
        validate::check_lease(lease)?;
        let claim = Claim { holder, lease, succeeds: None };
        Ok(Self { spec, fleets, cloud, journal, clock, uploader, monitor, claim })
    }

    /// Takes a description as a story file has it.
    ///
    /// # Errors
    /// As the builder's.
    pub fn from_spec(
        spec: DeploymentSpec,
        cloud: Arc<dyn Cloud>,
        journal: Arc<dyn TupleStore>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let fleets = spec.fleets.iter().cloned().map(Fleet::from_spec).collect::<Result<_>>()?;
        validate::check_deployment(&spec)?;
        let claim = Claim { holder: None, lease: LEASE, succeeds: None };
        Ok(Self { spec, fleets, cloud, journal, clock, uploader: None, monitor: None, claim })
    }

    /// The same deployment, for a process that has a name of its own: see [`holder`](DeploymentBuilder::holder).
    #[must_use]
    pub fn held_by(mut self, holder: impl Into<String>) -> Self {
        self.claim.holder = Some(holder.into());
        self
    }

    /// The same deployment with another lease: see [`lease`](DeploymentBuilder::lease).
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for a lease below 100 ms or above an hour.
    pub fn leased_for(mut self, lease: Duration) -> Result<Self> {
        validate::check_lease(lease)?;
        self.claim.lease = lease;
        Ok(self)
    }

    /// The same deployment, with what brings images that are files to the cloud.
    #[must_use]
    pub fn uploading_with(self, uploader: Arc<dyn ImageUploader>) -> Self {
        Self { uploader: Some(uploader), ..self }
    }

    /// Customizes each node of a fleet once it runs, after the customizers that the fleet has: for a description that came as
    /// data.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if there is no such fleet.
    pub fn customized(mut self, fleet: &Name, customizer: impl Customizer + 'static) -> Result<Self> {
        self.fleet_mut(fleet)?.customizers.push(Arc::new(customizer));
        Ok(self)
    }

    /// Asks each node of a fleet by this probe whether it lives, instead of the one that the fleet has: for a description that
    /// came as data.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if there is no such fleet, or the probe asks what cannot be meant.
    pub fn probed(mut self, fleet: &Name, probe: impl Probe + 'static) -> Result<Self> {
        fleet::check_probe(fleet, &probe)?;
        self.fleet_mut(fleet)?.probe = Some(Arc::new(probe));
        Ok(self)
    }

    fn fleet_mut(&mut self, fleet: &Name) -> Result<&mut Fleet> {
        let found = self.fleets.iter_mut().find(|known| known.spec.name == *fleet);
        found.ok_or_else(|| Error::invalid(format!("fleet.{fleet}"), "there is no such fleet"))
    }

    /// Its description.
    #[must_use]
    pub fn spec(&self) -> &DeploymentSpec {
        &self.spec
    }
}

impl<S: deployment_builder::State> DeploymentBuilder<S> {
    /// Adds a fleet; may be said again.
    pub fn fleet(mut self, fleet: Fleet) -> Self {
        self.fleets.push(fleet);
        self
    }
}
