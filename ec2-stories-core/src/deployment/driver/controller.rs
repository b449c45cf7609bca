//! The task that has the machine.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::future::{AbortHandle, abortable, join_all};
use futures::stream::FuturesUnordered;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::super::event::EventKind;
use super::super::journal::{Journal, LaunchOutcome, NodeRecord, Stage};
use super::super::lease::Lease;
use super::super::machine::{Action, Aim, Closing, Event, Failure, Machine, Outcome};
use super::super::report::{Ending, Leak, Report};
use super::desk::{Desk, tell_rollouts};
use super::orphans::Orphans;
use super::perform::perform;
use super::replace::Cause;
use super::watch::{Asks, Watch, hear};
use super::{Context, Progress, expiry, launch};
use crate::model::{Generation, InstanceId, NodeAddress};
use crate::provider::Verdict;
use crate::{ErrorKind, Result};

/// What a handle asks of the controller.
#[derive(Debug)]
pub(crate) enum Command {
    Terminate(Option<Failure>),
    Detach,
    /// Read the orders now, and say when they are taken up.
    Look(oneshot::Sender<Result<()>>),
}

/// How long nodes that are left may take to end what was begun there: a host that is gone is not waited for.
const SETTLE: Duration = Duration::from_secs(20);

/// Where actions leave their events.
pub(crate) type Events = mpsc::UnboundedSender<Event>;

/// The machine with everything under way.
pub(crate) struct Controller {
    pub(super) context: Arc<Context>,
    pub(super) machine: Machine,
    commands: mpsc::UnboundedReceiver<Command>,
    sender: Events,
    events: mpsc::UnboundedReceiver<Event>,
    pub(super) under_way: FuturesUnordered<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// What a node's own step is stopped by when the node goes down.
    steps: BTreeMap<NodeAddress, AbortHandle>,
    pub(super) written: BTreeMap<NodeAddress, NodeRecord>,
    watch: Watch,
    pub(super) desk: Desk,
    pub(super) orphans: Orphans,
    lease: Lease,
}

impl Controller {
    pub(crate) fn new(
        context: Arc<Context>,
        machine: Machine,
        written: BTreeMap<NodeAddress, NodeRecord>,
        commands: mpsc::UnboundedReceiver<Command>,
        lease: Lease,
    ) -> Self {
        let (sender, events) = mpsc::unbounded_channel();
        for (address, _) in machine.nodes() {
            context.view.update(&machine, &address);
        }
        let (under_way, steps) = (FuturesUnordered::new(), BTreeMap::new());
        let (watch, pass_on) = Watch::new(&context, sender.clone());
        let pass_on: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(pass_on);
        under_way.push(pass_on);
        let (desk, read_on) = Desk::new(&context);
        if machine.aim == Aim::Live {
            under_way.push(Box::pin(read_on));
        }
        let orphans = Orphans::new();
        Self {
            context,
            machine,
            commands,
            sender,
            events,
            under_way,
            steps,
            written,
            watch,
            desk,
            orphans,
            lease,
        }
    }

    /// Runs until everything is down, the nodes are to be left, or another controller has them. It may be dropped at any
    /// time: that is a death.
    pub(crate) async fn run(mut self) {
        if self.machine.aim == Aim::Live {
            self.under_way.push(Box::pin(expiry::keep(Arc::clone(&self.context))));
            self.tell_of_foreign();
        }
        self.watch.take_up(&self.context, &self.machine);
        let mut ours = self.take(Event::Start).await;
        self.context.prune_launches().await;
        while ours && self.machine.closing != Closing::Done {
            tokio::select! {
                biased;
                Some(command) = self.commands.recv() => ours = self.heed(command).await,
                verdict = self.watch.next(&self.context) => ours = self.hear(verdict).await,
                () = self.lease.lost() => ours = false,
                news = self.desk.next() => ours = self.attend(news).await,
                Some(event) = self.events.recv() => ours = self.take(event).await,
                news = self.orphans.next() => ours = self.sweep(news),
                Some(()) = self.under_way.next() => {}
            }
        }
        let finished = ours && self.finish().await;
        if !finished {
            self.settle().await;
        }
        self.lease.release().await;
        if finished {
            self.context.tell(None, EventKind::Terminated);
            self.report(Ending::Terminated);
        } else {
            self.leave().await;
        }
    }

    /// Does what a handle asks for; `false` when there is nothing more to do here.
    async fn heed(&mut self, command: Command) -> bool {
        let is_ending = |progress: &mut Progress| progress.ending = true;
        match command {
            Command::Terminate(cause) => {
                self.context.view.progress.send_modify(is_ending);
                self.take(Event::Terminate { cause }).await
            }
            Command::Detach => {
                self.context.view.progress.send_modify(is_ending);
                self.write_stage(Stage::Detached).await;
                false
            }
            Command::Look(done) => {
                self.under_way.push(Box::pin(self.desk.look(&self.context, done)));
                true
            }
        }
    }

    /// Does what a verdict asks for; `false` when the deployment is another controller's by now.
    async fn hear(&mut self, verdict: (NodeAddress, Generation, Verdict)) -> bool {
        if self.machine.aim == Aim::Terminated {
            return true;
        }
        match hear(&self.context, &self.machine, &verdict) {
            Asks::Nothing => true,
            Asks::Step(event) => self.take(event).await,
            Asks::TheCloud(instance) => {
                let (node, generation, _) = verdict;
                let (of, events) = ((instance, generation), self.sender.clone());
                self.under_way.push(Box::pin(self.watch.unless_ended(&self.context, node, of, events)));
                true
            }
        }
    }

    /// Steps the machine and has done what it says; `false` when the deployment is another controller's by now.
    pub(super) async fn take(&mut self, event: Event) -> bool {
        // An action may have been the first to notice.
        if self.context.journal.lost().is_some() {
            return false;
        }
        let before = self.machine.aim;
        if let Event::Held { node, .. } | Event::Lives { node, .. } = &event {
            self.watch.spare(node);
        }
        let is_gone = matches!(event, Event::Gone { .. });
        let outcome = self.machine.step(event, self.context.now());
        let ends = before == Aim::Live && self.machine.aim == Aim::Terminated;
        if ends {
            self.write_stage(Stage::Terminating).await;
        }
        self.write(&outcome).await;
        if outcome.actions.iter().any(takes_down) {
            self.context.is_fenced().await;
        }
        if self.context.journal.lost().is_some() {
            return false;
        }
        if ends {
            self.context.tell(None, EventKind::Terminating);
            self.watch.forget_all();
        }
        self.show(&outcome);
        tell_rollouts(&self.context, &outcome.rollouts).await;
        for address in &outcome.removed {
            self.forget(address).await;
        }
        self.watch.follow(&self.context, &self.machine, &outcome);
        for action in outcome.actions {
            self.dispatch(action);
        }
        if is_gone && self.machine.aim == Aim::Live {
            self.context.prune_launches().await;
        }
        true
    }

    /// Writes the head. A journal that cannot be written does not keep the nodes from being taken down.
    async fn write_stage(&mut self, stage: Stage) {
        let head = {
            let mut known = self.context.known();
            let Some(head) = &mut known.head else { return };
            head.stage = stage;
            head.since = self.context.now();
            head.cause = self.machine.cause.clone();
            head.clone()
        };
        if let Err(error) = self.context.journal.write(Journal::HEAD, &head).await {
            self.context.unwritten(None, &error);
        }
    }

    /// Writes what changed and is not said by a launch's own record. What cannot be written is reported; the end must
    /// not wait for a journal.
    async fn write(&mut self, outcome: &Outcome) {
        for (token, made) in &outcome.found {
            launch::settle(&self.context, token, made).await;
        }
        for (token, failure) in &outcome.refused {
            let record = {
                let mut known = self.context.known();
                let Some(record) = known.launches.get_mut(token) else { continue };
                // A launch fails so when what it made has ended since.
                let lost = failure.kind == ErrorKind::Failed;
                let outcome = if lost { LaunchOutcome::Lost } else { LaunchOutcome::Refused };
                record.outcome = Some(outcome(failure.clone()));
                record.clone()
            };
            if let Err(error) = self.context.journal.write(&Journal::launch(token), &record).await {
                self.context.unwritten(None, &error);
            }
        }
        let entered = outcome.entered.iter().map(|(address, _)| address);
        let mut changed: Vec<&NodeAddress> = entered.chain(&outcome.changed).collect();
        changed.sort();
        changed.dedup();
        for address in changed {
            let Some(record) = self.machine.node(address).map(NodeRecord::of) else { continue };
            if self.written.get(address).map_or(record.is_plain(), |written| *written == record) {
                continue;
            }
            match self.context.journal.write(&Journal::node(address), &record).await {
                Ok(()) => drop(self.written.insert(address.clone(), record)),
                Err(error) => self.context.unwritten(Some(address), &error),
            }
        }
    }

    fn show(&mut self, outcome: &Outcome) {
        let context = &self.context;
        for (address, failure) in &outcome.problems {
            context.problem(Some(address), failure.to_string());
            if let Some(node) =
                self.machine.node(address).filter(|node| node.leaked && node.instance.is_none())
            {
                let resource = format!("launch of {address}, generation {}", node.next.0);
                context.view.leak(Leak { resource, reason: failure.to_string() });
            }
        }
        for (address, phase) in &outcome.entered {
            if let Some(instance) = context.view.update(&self.machine, address) {
                context.tell(Some(address), EventKind::Instance(instance));
            }
            context.tell(Some(address), EventKind::Phase(*phase));
        }
        for address in &outcome.replaced {
            context.tell(Some(address), EventKind::Changed);
        }
        let live = self.machine.aim == Aim::Live;
        let ready = live && self.machine.is_ready();
        let failure = self.machine.failure().filter(|_| live);
        context.view.progress.send_if_modified(|progress| {
            let changed = live && (progress.ready != ready || progress.failure != failure);
            if changed && ready && !progress.ready {
                context.tell(None, EventKind::Ready);
            }
            if changed
                && progress.failure.is_none()
                && let Some(failure) = &failure
            {
                context.tell(None, EventKind::Failed(failure.to_string()));
            }
            if changed {
                *progress = Progress { ready, failure, ..Progress::default() };
            }
            changed
        });
    }

    fn dispatch(&mut self, action: Action) {
        let stops: Vec<&NodeAddress> = match &action {
            Action::Deregister { node, .. } => vec![node],
            Action::Undo { node, instance } | Action::Replace { node, instance }
                if self.is_current(node, instance) =>
            {
                vec![node]
            }
            Action::Terminate { nodes } => {
                let current = nodes.iter().filter(|(node, instance)| self.is_current(node, instance));
                current.map(|(node, _)| node).collect()
            }
            _ => Vec::new(),
        };
        for node in stops {
            if let Some(step) = self.steps.remove(node) {
                step.abort();
            }
        }
        let step = match &action {
            Action::Await { node, .. } | Action::Customize { node, .. } => Some(node.clone()),
            _ => None,
        };
        let batch = match &action {
            Action::Launch { token, .. } | Action::Look { token } => self.machine.batches.get(token).cloned(),
            _ => None,
        };
        let cause = match &action {
            // The verdict is about the present instance, not about the one before it.
            Action::Replace { node, instance } if self.is_current(node, instance) => {
                let leaving = self.machine.node(node).and_then(|node| node.leaving.as_ref());
                leaving.filter(|leaving| !leaving.asked).map_or(Cause::Settled, |_| Cause::Verdict)
            }
            _ => Cause::Settled,
        };
        let work = perform(Arc::clone(&self.context), action, batch, cause, self.sender.clone());
        match step {
            Some(node) => {
                let (work, handle) = abortable(work);
                self.steps.insert(node, handle);
                self.under_way.push(Box::pin(async move {
                    let _ = work.await;
                }));
            }
            None => self.under_way.push(Box::pin(work)),
        }
    }

    fn is_current(&self, node: &NodeAddress, instance: &InstanceId) -> bool {
        self.machine.node(node).is_some_and(|node| node.instance.as_ref() == Some(instance))
    }

    /// Tidies up the journal; `false` when it is another controller's by now.
    async fn finish(&mut self) -> bool {
        if self.context.view.leaks().is_empty() {
            self.context.fold_launches();
            self.write_stage(Stage::Terminated).await;
            if self.context.journal.lost().is_some() {
                return false;
            }
            for cleared in [self.context.journal.clear().await, self.context.orders.clear().await] {
                if let Err(error) = cleared {
                    self.context.problem(None, error.chain());
                }
            }
        }
        true
    }

    /// Drops what is under way, and has ended on the nodes what that had begun there: the next controller would begin it beside it.
    async fn settle(&mut self) {
        self.under_way.clear();
        let customizers = self.context.fleets.iter().flat_map(|fleet| &fleet.customizers);
        let settled = join_all(customizers.map(|customizer| customizer.settle()));
        if timeout(SETTLE, settled).await.is_err() {
            self.context.problem(None, "what was begun on nodes may go on there".to_owned());
        }
    }

    async fn leave(&mut self) {
        self.watch.part().await;
        if let Some(error) = self.context.journal.lost() {
            self.context.problem(None, error.chain());
            let failure = Some(Failure::from(&error));
            let lost = |progress: &mut Progress| (progress.ready, progress.failure) = (false, failure);
            self.context.view.progress.send_modify(lost);
        }
        self.context.tell(None, EventKind::Detached);
        self.report(Ending::Detached);
    }

    fn report(&self, ending: Ending) {
        let (nodes, leaks, problems) = self.context.view.summary();
        let cause = self.machine.cause.as_ref().map(ToString::to_string);
        let deployment = self.machine.deployment.clone();
        let report = Report { deployment, ending, cause, nodes, leaks, problems };
        self.context.view.progress.send_modify(|progress| progress.report = Some(Arc::new(report)));
    }
}

/// Whether it ends what another controller may have by now.
fn takes_down(action: &Action) -> bool {
    matches!(action, Action::Replace { .. } | Action::Terminate { .. } | Action::Prove | Action::RemoveShared)
}

impl Drop for Controller {
    /// Nobody is to wait for a controller that died.
    fn drop(&mut self) {
        self.context.view.progress.send_modify(|progress| progress.gone = true);
    }
}
