//! From a description to what runs, and what a later process can do.

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use tokio::sync::mpsc;

use super::dead_mans_switch::DeadMansSwitch;
use super::driver::{Context, Controller, Recovered, recover, revise};
use super::image_file::supply;
use super::journal::{Head, Journal, NodeRecord, Stage};
use super::lease::{Claim, Lease};
use super::machine::{Aim, Failure, Machine};
use super::orders::OrderBook;
use super::preflight::plan;
use super::{Deployment, Ending, Plan, Report, Running};
use crate::model::{Image, InstanceId, Mode, Name, NodeAddress, RegisteredImage};
use crate::monitor::HealthMonitor;
use crate::provider::{Cloud, InstanceDeployer, Monitor};
use crate::{Error, ErrorKind, Result};

impl Deployment {
    pub(super) fn context(&self) -> Context {
        Context {
            spec: self.spec.clone(),
            fleets: self.fleets.clone(),
            cloud: Arc::clone(&self.cloud),
            clock: Arc::clone(&self.clock),
            uploader: self.uploader.clone(),
            monitor: None,
            health: None,
            journal: Journal::new(Arc::clone(&self.journal), &self.spec.name),
            orders: OrderBook::new(Arc::clone(&self.journal), &self.spec.name),
            view: Default::default(),
            known: Default::default(),
        }
    }

    /// Says what a start would do, and checks what can be checked without spending. Cancel-safe; it changes nothing.
    ///
    /// # Errors
    /// The journal or the cloud could not be read. What is wrong with the description is a finding, not an error.
    pub async fn plan(&self) -> Result<Plan> {
        self.planned(false).await
    }

    /// Says what [`start_updating`](Self::start_updating) would do, as [`plan`](Self::plan) does of a start.
    ///
    /// # Errors
    /// As those of [`plan`](Self::plan).
    pub async fn plan_update(&self) -> Result<Plan> {
        self.planned(true).await
    }

    async fn planned(&self, updates: bool) -> Result<Plan> {
        let context = self.context();
        let mut recovered = recover(&context).await?.complete()?;
        revise(&context, &mut recovered.machine).await;
        plan(&context, &recovered, updates).await
    }

    /// Uploads and registers the images that are files and that the cloud does not have, once nothing else stands in the way
    /// of a start.
    async fn supply(&self, updates: bool) -> Result<BTreeMap<Name, RegisteredImage>> {
        if !self.spec.fleets.iter().any(|fleet| matches!(fleet.image, Image::File(_))) {
            return Ok(BTreeMap::new());
        }
        let context = self.context();
        let recovered = recover(&context).await?.complete()?;
        let plan = plan(&context, &recovered, updates).await?;
        plan.check()?;
        for fleet in plan.fleets.iter().filter(|fleet| fleet.upload.is_some()) {
            supply(&context, &fleet.name).await?;
        }
        let supplied = std::mem::take(&mut context.known().supplied);
        Ok(supplied)
    }

    /// Starts the deployment, or goes on with it: uploads and registers images that are files, replays what is open in the journal, adopts what the journal or the tags
    /// know, launches what is missing. Returns once the controller runs; [`Running::ready`] waits for the nodes. A
    /// termination that was begun is finished first.
    ///
    /// Every ten minutes the controller searches for instances of the deployment that are nobody's, with one describe of it all, and
    /// ends or tells of them as [`sweep`](Self::sweep) does ([`EventKind::Stray`](super::EventKind::Stray)).
    ///
    /// Cancel-safe: dropped before it returns it has launched nothing that a later start does not know of; its lease lapses.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] when the plan has errors, naming the fields; [`ErrorKind::Conflict`] when another controller
    /// has the deployment, naming it; and whatever kept the journal or the cloud from being read.
    pub async fn start(&self) -> Result<Running> {
        self.start_as(false).await
    }

    /// Starts the deployment as [`start`](Self::start) does, and replaces each node that was not launched from its fleet's image, which
    /// is looked up anew:
    /// within the budgets of [`Health`](crate::model::Health), drained first, the next once that one has proven itself. Nodes that the description has no more are
    /// taken down. After a restart of the controller it goes on.
    ///
    /// A replaced node that dies or fails halts it: an event and [`Running::ready`] say so, and nothing more is replaced for an image, by a
    /// later controller neither ([`Plan`] and [`Status`](super::Status) name it), until this is called again.
    ///
    /// # Errors
    /// As those of [`start`](Self::start).
    pub async fn start_updating(&self) -> Result<Running> {
        self.start_as(true).await
    }

    async fn start_as(&self, updates: bool) -> Result<Running> {
        let mut lease = self.lease().await?;
        if self.is_ending(&lease).await? {
            let report = self.terminate_under(lease, None).await?;
            if !report.is_clean() {
                let kind =
                    if report.ending == Ending::Terminated { ErrorKind::Failed } else { ErrorKind::Conflict };
                return Err(Error::new(kind, report.to_string().trim_end().to_owned())
                    .during("finish the termination that was begun"));
            }
            lease = self.lease().await?;
        }
        let begun = self.begin(&lease, updates);
        let (context, machine, written) = or_release(begun, &lease).await?;
        let context = Arc::new(context);
        let (commands, inbox) = mpsc::unbounded_channel();
        let switch = DeadMansSwitch::new(self.after(&lease));
        let controller = Controller::new(Arc::clone(&context), machine, written, inbox, lease);
        let events = context.view.subscribe();
        let grip = switch.grip();
        let controller = tokio::spawn(async move {
            controller.run().await;
            grip.release();
        });
        Ok(Running::new(context, commands, controller, switch, events))
    }

    pub(super) async fn lease(&self) -> Result<Lease> {
        Lease::take(&self.journal, &self.spec.name, &self.claim, self.clock.now()).await
    }

    /// For whoever takes the deployment down when this controller is known to have died.
    fn after(&self, lease: &Lease) -> Self {
        let succeeds = Some(lease.controller().to_owned());
        Self { claim: Claim { succeeds, ..self.claim.clone() }, ..self.clone() }
    }

    /// Whether a termination was begun, and not finished.
    async fn is_ending(&self, lease: &Lease) -> Result<bool> {
        let head = self.context();
        let head = or_release(head.journal.read::<Head>(Journal::HEAD), lease).await?;
        Ok(head.is_some_and(|head| head.stage == Stage::Terminating))
    }

    /// What a controller begins with.
    async fn begin(&self, lease: &Lease, updates: bool) -> Result<Begun> {
        let supplied = self.supply(updates).await?;
        let mut context = self.context();
        context.journal.under(lease.standing());
        let mut recovered = recover(&context).await?.complete()?;
        context.known().supplied = supplied;
        let plan = plan(&context, &recovered, updates).await?;
        plan.check()?;
        take_over(&context, &recovered, Stage::Running, lease).await?;
        if context.journal.has_news().await? {
            // The controller before launched on while this start was looking.
            recovered = recover(&context).await?.complete()?;
        }
        context.known().fleets.extend(plan.resolved);
        let Recovered { mut machine, written, .. } = recovered;
        roll_out(&context, &mut machine, updates);
        if updates {
            write_rollouts(&context).await?;
        }
        revise(&context, &mut machine).await;
        for (fleet, places) in &plan.unusable {
            machine.pass_over(fleet, places);
        }
        watch(&mut context, self.monitor.clone());
        Ok((context, machine, written))
    }

    /// Starts the deployment, runs `body` with it, and ends it whatever happens in there: in dev mode it is terminated, in
    /// production it is detached, and both are awaited. If `body` panics that is done first, and the panic goes on.
    ///
    /// Dropped in the middle, it does what dropping [`Running`] does.
    ///
    /// # Errors
    /// Those of [`Deployment::start`], of `body`, and of the end.
    pub async fn run<T, F>(&self, body: F) -> Result<(T, Report)>
    where
        F: AsyncFnOnce(&Running) -> Result<T>,
    {
        let running = self.start().await?;
        let outcome = AssertUnwindSafe(body(&running)).catch_unwind().await;
        let cause = match &outcome {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(Failure::from(error)),
            Err(_) => Some(Failure::new(ErrorKind::Unexpected, "the program panicked")),
        };
        let report = match self.spec.mode {
            Mode::Dev => running.terminate_because(cause).await,
            Mode::Production => running.detach().await,
        };
        match outcome {
            Ok(value) => Ok((value?, report?)),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    /// Takes everything down without a [`Running`]: from the journal, or from tags alone. To be repeated after it was
    /// dropped or failed; what is done is not done twice.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] when another controller has the deployment, naming it: that one is to be told, by its own
    /// [`Running::terminate`]. The journal could not be read at all. What could not be cleaned up is in the report, not
    /// an error; nor is a damaged record or a search that failed, without which as much is taken down as is known.
    pub fn terminate(&self) -> impl Future<Output = Result<Report>> + Send + '_ {
        self.terminate_because(None)
    }

    async fn terminate_because(&self, cause: Option<Failure>) -> Result<Report> {
        let lease = self.lease().await?;
        self.terminate_under(lease, cause).await
    }

    async fn terminate_under(&self, lease: Lease, cause: Option<Failure>) -> Result<Report> {
        let context = self.context();
        context.journal.under(lease.standing());
        let taken = async {
            let mut recovered = recover(&context).await?;
            if context.known().tags_only {
                // By the name alone: a search may not show yet what a lost journal launched.
                recovered.machine.kin.by_tags = true;
                context.known().kin.by_tags = true;
            }
            take_over(&context, &recovered, Stage::Terminating, &lease).await?;
            Ok(recovered)
        };
        let mut recovered = or_release(taken, &lease).await?;
        for error in std::mem::take(&mut recovered.unread) {
            context.problem(None, error.chain());
        }
        recovered.machine.aim = Aim::Terminated;
        recovered.machine.cause = cause;
        let context = Arc::new(context);
        let (_commands, inbox) = mpsc::unbounded_channel();
        Controller::new(Arc::clone(&context), recovered.machine, recovered.written, inbox, lease).run().await;
        let report = context.view.progress.borrow().report.clone();
        report.map(|report| Arc::unwrap_or_clone(report).of_a_termination()).ok_or_else(no_report)
    }
}

/// Says which nodes were launched from another image than their fleet's, and whether they are to be replaced.
fn roll_out(context: &Context, machine: &mut Machine, updates: bool) {
    let mut known = context.known();
    for (fleet, record) in &mut known.fleets {
        if updates {
            (record.rolls, record.halted) = (true, None);
        }
        if !record.rolls || record.halted.is_some() {
            continue;
        }
        let instances = machine.fleet(fleet).into_iter().flat_map(|fleet| {
            fleet.nodes.iter().filter_map(|(slot, node)| Some((fleet.address(*slot), node.instance.clone()?)))
        });
        let old = |(address, id): (NodeAddress, InstanceId)| {
            let instance = context.view.instance(&id)?;
            (instance.image != record.image).then_some(address)
        };
        let old: Vec<NodeAddress> = instances.filter_map(old).collect();
        machine.roll_out(fleet);
        old.iter().for_each(|address| machine.supersede(address));
    }
}

/// Has an update go on after a death from now on: it was ordered once this returns.
async fn write_rollouts(context: &Context) -> Result<()> {
    let records: Vec<_> =
        context.known().fleets.clone().into_iter().filter(|(_, record)| record.rolls).collect();
    for (fleet, record) in records {
        context.journal.write(&Journal::fleet(&fleet), &record).await?;
    }
    Ok(())
}

type Begun = (Context, Machine, BTreeMap<NodeAddress, NodeRecord>);

/// Nobody is to wait for a controller that could not begin.
async fn or_release<T>(work: impl Future<Output = Result<T>>, lease: &Lease) -> Result<T> {
    let done = work.await;
    if done.is_err() {
        lease.release().await;
    }
    done
}

/// Has the nodes watched: by the monitor given, or by one that asks the fleets' probes and the cloud.
fn watch(context: &mut Context, given: Option<Arc<dyn Monitor>>) {
    if given.is_some() {
        context.monitor = given;
        return;
    }
    let cloud: Arc<dyn InstanceDeployer> = Arc::clone(&context.cloud) as Arc<dyn Cloud>;
    let monitor = HealthMonitor::builder().cloud(cloud).clock(Arc::clone(&context.clock));
    let monitor = context.fleets.iter().fold(monitor, |monitor, fleet| {
        monitor.fleet(fleet.spec.name.clone(), fleet.spec.health.clone(), fleet.probe.clone())
    });
    let monitor = monitor.build();
    context.monitor = Some(Arc::new(monitor.clone()));
    context.health = Some(monitor);
}

pub(super) fn no_report() -> Error {
    Error::new(ErrorKind::Unexpected, "the controller ended without a report; its journal is good")
}

/// Makes the journal this controller's own.
async fn take_over(context: &Context, recovered: &Recovered, stage: Stage, lease: &Lease) -> Result<()> {
    let before = context.known().head.clone();
    let kin = &recovered.machine.kin;
    let same_life = before.as_ref().filter(|head| head.incarnation == recovered.machine.incarnation);
    let folded = same_life.map(|head| head.folded.clone()).unwrap_or_default();
    let head = Head {
        incarnation: recovered.machine.incarnation.clone(),
        controller: lease.controller().to_owned(),
        stage,
        mode: context.spec.mode,
        since: context.now(),
        cause: None,
        launched: before.as_ref().map_or(0, |head| head.launched),
        recent: before.map(|head| head.recent).unwrap_or_default(),
        folded,
        lives: (!kin.by_tags).then(|| kin.incarnations.iter().skip(1).cloned().collect()),
    };
    if context.known().tags_only && !kin.by_tags && !kin.inherited.is_empty() {
        context.journal.write(Journal::INHERITED, &kin.inherited).await?;
    }
    context.journal.take_over(&head).await?;
    context.known().head = Some(head);
    if recovered.stage == Some(Stage::Terminated) {
        context.journal.clear().await?;
    }
    Ok(())
}
