//! What takes a dev deployment down when its controller cannot.

use std::future::Future;
use std::sync::{Arc, Once};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::timeout;

use super::Deployment;
use crate::model::Mode;
use crate::{Error, ErrorKind, Result};

/// How long the end of a program is held up for the nodes' end: a machine may take minutes to shut down, and its
/// security groups and keys can only go after it.
pub(super) const HOLD_UP: Duration = Duration::from_secs(5 * 60);

/// Fires once, when a dev deployment's controller ended without having decided to: its runtime went down, or it panicked.
#[derive(Debug)]
pub(super) struct DeadMansSwitch {
    deployment: Deployment,
    /// The controller's.
    runtime: Handle,
    done: Once,
}

/// What the controller's task holds, to be dropped with it.
pub(super) struct Grip(Arc<DeadMansSwitch>);

/// Fires when it is dropped.
struct Fuse(Arc<DeadMansSwitch>);

impl DeadMansSwitch {
    /// For a controller on the current runtime.
    pub(super) fn new(deployment: Deployment) -> Arc<Self> {
        Arc::new(Self { deployment, runtime: Handle::current(), done: Once::new() })
    }

    /// What it would take down.
    pub(super) fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    pub(super) fn grip(self: &Arc<Self>) -> Grip {
        Grip(Arc::clone(self))
    }

    /// It is not to fire any more.
    pub(super) fn disarm(&self) {
        self.done.call_once(|| {});
    }

    /// Has it fire on a thread that the controller's runtime waits for when it goes down, so that meanwhile its other tasks are
    /// dropped: connections that nobody drives any more would swallow requests. A runtime that takes no more work
    /// drops the fuse here, which does as well.
    pub(super) fn pull(self: &Arc<Self>) {
        if self.deployment.spec.mode == Mode::Dev && !self.done.is_completed() {
            let fuse = Fuse(Arc::clone(self));
            drop(self.runtime.spawn_blocking(move || drop(fuse)));
        }
    }

    /// Takes the deployment down from its journal, on a runtime of its own. Blocks until that is done, at most for [`HOLD_UP`].
    fn fire(&self) {
        let deployment = self.deployment.clone();
        let problem = match apart(async move { timeout(HOLD_UP, deployment.terminate()).await }) {
            Ok(Ok(Ok(report))) if report.is_clean() => return,
            Ok(Ok(Ok(report))) => report.to_string(),
            Ok(Ok(Err(error))) | Err(error) => error.chain(),
            Ok(Err(_)) => format!("not done within {HOLD_UP:?}"),
        };
        tracing::error!(
            deployment = %self.deployment.spec.name,
            "not taken down at the end of the program; the journal knows what is left: {problem}"
        );
    }
}

impl Grip {
    /// The controller came to its end.
    pub(super) fn release(self) {
        self.0.disarm();
    }
}

impl Drop for Grip {
    fn drop(&mut self) {
        // After a panic of the controller the nodes are the program's to look at, as long as it has the handle.
        let handle_lives = Arc::strong_count(&self.0) > 1;
        if !(std::thread::panicking() && handle_lives) {
            self.0.pull();
        }
    }
}

impl Drop for Fuse {
    fn drop(&mut self) {
        self.0.done.call_once(|| self.0.fire());
    }
}

/// Runs `work` to its end on a thread and a runtime of its own, whatever the caller's thread may be doing.
pub(super) fn apart<T: Send>(work: impl Future<Output = T> + Send) -> Result<T> {
    let no_thread = || Error::new(ErrorKind::Io, "no thread could be had");
    std::thread::scope(|scope| {
        let run = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let outcome = runtime.block_on(work);
            // A blocking call may still be stuck.
            runtime.shutdown_background();
            Ok::<T, std::io::Error>(outcome)
        };
        let thread = std::thread::Builder::new().name("ec2-stories".to_owned()).spawn_scoped(scope, run);
        let ended = thread.map_err(|error| no_thread().because(error))?.join();
        match ended {
            Ok(outcome) => outcome.map_err(|error| no_thread().because(error)),
            Err(_) => Err(Error::new(ErrorKind::Unexpected, "it panicked")),
        }
    })
}
