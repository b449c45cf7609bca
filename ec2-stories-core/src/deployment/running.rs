//! The handle of a deployment that runs.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::{Stream, stream};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::dead_mans_switch::{DeadMansSwitch, HOLD_UP, apart};
use super::driver::{Command, Context, Progress};
use super::machine::Failure;
use super::start::no_report;
use super::{Deployment, Event, EventKind, NodeStatus, Report};
use crate::attributes::Attributes;
use crate::model::Mode;
use crate::monitor::HealthMonitor;
use crate::{Error, Result};

/// How soon a controller whose runtime makes progress hears what it is told.
const HEARS: Duration = Duration::from_secs(2);

/// A deployment that runs: a handle to its controller, which is a task of its own.
///
/// # Dropping it
/// In production the controller leaves the nodes to themselves, as [`Running::detach`] does.
///
/// In dev mode it terminates them, and the end of `main` is held up for that, at most 5 minutes, whichever comes to its end first:
/// - On a multi-thread runtime the drop waits for the controller. It blocks its thread; where the controller needs that very
///   thread (one worker, which runs the task that drops) it stops waiting after 2 s, and the controller goes on.
/// - On a current-thread runtime the drop cannot wait; the controller goes on for as long as the runtime lives.
/// - A runtime that goes down under the controller, with this handle or after it, has the deployment terminated from its journal, on
///   a thread with a runtime of its own. The same is done when this is dropped after the controller panicked. On a multi-thread
///   runtime with one worker, requests may then be swallowed by connections that nobody drives any more, and repeated after a
///   time-out only: the 5 minutes can be too short for security groups and keys. That thread knows real time, not a paused one.
///
/// Nothing can be done where no destructor runs: `std::process::exit`, a signal that ends the process, `panic = "abort"`, and
/// `Runtime::shutdown_background`, which does not wait. A later start, terminate or sweep finds such nodes. Await
/// [`Running::terminate`] to learn what came of it.
#[derive(Debug)]
pub struct Running {
    context: Arc<Context>,
    commands: mpsc::UnboundedSender<Command>,
    progress: watch::Receiver<Progress>,
    controller: Option<JoinHandle<()>>,
    switch: Arc<DeadMansSwitch>,
    /// Whether another thread can drive the controller while this one waits.
    multi_thread: bool,
    /// From before the controller began, for whoever asks first.
    first_events: Mutex<Option<broadcast::Receiver<Event>>>,
}

impl Running {
    pub(super) fn new(
        context: Arc<Context>,
        commands: mpsc::UnboundedSender<Command>,
        controller: JoinHandle<()>,
        switch: Arc<DeadMansSwitch>,
        events: broadcast::Receiver<Event>,
    ) -> Self {
        let progress = context.view.progress.subscribe();
        let first_events = Mutex::new(Some(events));
        // It is made where the controller is spawned.
        let multi_thread = Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread;
        Self { context, commands, progress, controller: Some(controller), switch, multi_thread, first_events }
    }

    /// Waits until every fleet is ready: all its nodes live, or `at_least` as many and the rest given up. Cancel-safe.
    ///
    /// # Errors
    /// The first cause for which that cannot be any more, or the deployment's end.
    pub async fn ready(&self) -> Result<()> {
        let mut progress = self.progress.clone();
        let done = |now: &Progress| now.ready || now.failure.is_some() || now.gone;
        let now = progress.wait_for(done).await.map_err(|_| no_report())?.clone();
        match now {
            Progress { ready: true, .. } => Ok(()),
            Progress { failure: Some(failure), .. } => Err(Error::from(failure)),
            Progress { report: None, .. } => Err(no_report()),
            Progress { .. } => {
                Err(Error::new(crate::ErrorKind::Canceled, "the deployment ended before it was ready"))
            }
        }
    }

    /// The nodes, as last seen.
    #[must_use]
    pub fn nodes(&self) -> Vec<NodeStatus> {
        self.context.view.nodes()
    }

    /// The monitor that watches the nodes, where the deployment was given no other: for what it knows and sees.
    #[must_use]
    pub fn health(&self) -> Option<&HealthMonitor> {
        self.context.health.as_ref()
    }

    /// What was learned of the nodes so far.
    #[must_use]
    pub fn attributes(&self) -> Attributes {
        self.context.view.attributes()
    }

    /// What happens: from the start on for the first who asks, from now on for every other. A reader that falls thousands
    /// of events behind misses some. It ends with the deployment's end.
    pub fn events(&self) -> impl Stream<Item = Event> + Send + 'static {
        let first = self.first_events.lock().unwrap_or_else(PoisonError::into_inner).take();
        let events = first.unwrap_or_else(|| self.context.view.subscribe());
        stream::unfold(Some(events), async |events| {
            let mut events = events?;
            loop {
                match events.recv().await {
                    Ok(event) => {
                        let last = matches!(event.kind, EventKind::Terminated | EventKind::Detached);
                        return Some((event, (!last).then_some(events)));
                    }
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return None,
                }
            }
        })
    }

    pub(super) fn deployment(&self) -> &Deployment {
        self.switch.deployment()
    }

    pub(super) fn context(&self) -> &Context {
        &self.context
    }

    /// Leaves the nodes to themselves; a later start adopts them. Those that [expire](crate::model::Expiry), as in dev mode unless said
    /// otherwise, live until then: nobody renews them. What is under way is left as it is: a launch that
    /// was not answered yet is replayed by that start. Cancel-safe: the controller does it, whoever waits.
    ///
    /// # Errors
    /// The controller is gone.
    pub async fn detach(&self) -> Result<Report> {
        self.end(Command::Detach).await
    }

    /// Takes everything down: once, in reverse order, to the end whatever fails. Cancel-safe: the controller does it,
    /// whoever waits.
    ///
    /// # Errors
    /// The controller is gone. What could not be cleaned up is in the report, not an error.
    pub async fn terminate(&self) -> Result<Report> {
        self.terminate_because(None).await
    }

    pub(super) async fn terminate_because(&self, cause: Option<Failure>) -> Result<Report> {
        self.end(Command::Terminate(cause)).await.map(Report::of_a_termination)
    }

    /// Stops the controller where it is, as the death of the process would: nothing is terminated, detached or written.
    /// For tests of what a later start makes of it.
    pub async fn kill(mut self) {
        if let Some(controller) = self.controller.take() {
            self.switch.disarm();
            controller.abort();
            // Either it had ended, or it has been dropped now.
            let _ = controller.await;
        }
    }

    /// Says something to the controller.
    pub(super) fn command(&self, command: Command) -> Result<()> {
        let gone = |_| Error::new(crate::ErrorKind::Canceled, "the deployment has ended");
        self.commands.send(command).map_err(gone)
    }

    async fn end(&self, command: Command) -> Result<Report> {
        // A controller that has ended already has left its report.
        let _ = self.commands.send(command);
        let mut progress = self.progress.clone();
        let ended = progress.wait_for(|now| now.gone).await;
        let report = ended.ok().and_then(|now| now.report.clone());
        report.map(Arc::unwrap_or_clone).ok_or_else(no_report)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.controller.is_none() {
            return;
        }
        match self.context.spec.mode {
            Mode::Production => {
                // A controller that has ended needs no telling.
                let _ = self.commands.send(Command::Detach);
            }
            Mode::Dev => self.take_down(),
        }
    }
}

impl Running {
    fn take_down(&self) {
        // A controller that has ended already is found to be gone.
        let _ = self.commands.send(Command::Terminate(None));
        if self.multi_thread {
            self.hold_up();
        }
        let abandoned = {
            let now = self.progress.borrow();
            now.gone && now.report.is_none()
        };
        if abandoned {
            self.switch.pull();
        }
    }

    /// Blocks until the controller has ended, at most for [`HOLD_UP`].
    fn hold_up(&self) {
        let (mut hearing, mut ending) = (self.progress.clone(), self.progress.clone());
        let ended = apart(async move {
            let heard = timeout(HEARS, hearing.wait_for(|now| now.ending || now.gone)).await.is_ok();
            !heard || timeout(HOLD_UP, ending.wait_for(|now| now.gone)).await.is_ok()
        });
        if !ended.unwrap_or(true) {
            tracing::error!(
                deployment = %self.context.spec.name,
                "not taken down within {HOLD_UP:?}; the journal knows what is left"
            );
        }
    }
}
