//! What must be done even if nobody waits for it any more.

use tokio_util::task::TaskTracker;

/// Tasks that end what was dropped. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Endings(TaskTracker);

impl Endings {
    /// Does this in the background.
    pub(crate) fn finally(&self, ending: impl Future<Output = ()> + Send + 'static) {
        // Without a runtime the connection has ended already.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            self.0.spawn_on(ending, &runtime);
        }
    }

    /// Waits for all that has begun.
    pub(crate) async fn wait(&self) {
        self.0.close();
        self.0.wait().await;
        self.0.reopen();
    }
}
