//! What the cloud says of the instance.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use tokio::time::timeout;

use crate::model::{Check, InstanceHealth, InstanceId, InstanceState};
use crate::provider::{InstanceDeployer, Liveness, Node, Probe};

/// How long a check waits for others, to ask the cloud about all of them in one call.
const GATHERS: Duration = Duration::from_millis(50);
/// Less than the 5 s after which whoever asks gives up, and takes it for the node's failure.
const PATIENCE: Duration = Duration::from_secs(4);

/// The cloud's word: the instance runs, and its status checks are not impaired. Stopped and terminated is declared dead; a status check
/// that was not made yet, or that the cloud does not have, says nothing.
///
/// Checks at the same time share one call, and so do those of clones. A monitor asks the cloud by itself: this is for programs without
/// one, and for [`any_of`](super::any_of).
#[derive(Clone, Debug)]
pub struct CloudState {
    cloud: Arc<dyn InstanceDeployer>,
    next: Arc<Mutex<Option<Batch>>>,
    timeout: Duration,
}

type Answers = Arc<Result<HashMap<InstanceId, InstanceHealth>, String>>;

/// Checks that will share a call.
#[derive(Clone, Debug)]
struct Batch {
    ids: Arc<Mutex<BTreeSet<InstanceId>>>,
    answers: Shared<BoxFuture<'static, Answers>>,
}

impl CloudState {
    /// Asks this cloud.
    pub fn of(cloud: Arc<dyn InstanceDeployer>) -> Self {
        Self { cloud, next: Arc::default(), timeout: PATIENCE }
    }

    /// How long the cloud may take; 4 s where not said. A cloud that does not answer in time says nothing of the node.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// What the next call says, which asks about this instance too.
    fn join(&self, id: &InstanceId) -> Shared<BoxFuture<'static, Answers>> {
        let mut next = lock(&self.next);
        // One that was answered is of the past.
        let batch = next.take().filter(|batch| batch.answers.peek().is_none());
        let batch = batch.unwrap_or_else(|| self.batch());
        lock(&batch.ids).insert(id.clone());
        *next = Some(batch.clone());
        batch.answers
    }

    fn batch(&self) -> Batch {
        let ids = Arc::<Mutex<BTreeSet<InstanceId>>>::default();
        let (asked, cloud, next) = (Arc::clone(&ids), Arc::clone(&self.cloud), Arc::downgrade(&self.next));
        let answers = async move {
            tokio::time::sleep(GATHERS).await;
            if let Some(next) = next.upgrade() {
                // From now on who comes asks anew.
                lock(&next).take_if(|batch| Arc::ptr_eq(&batch.ids, &asked));
            }
            let ids: Vec<InstanceId> = std::mem::take(&mut *lock(&asked)).into_iter().collect();
            let answers = cloud.health(&ids).await.map_err(|error| error.chain());
            Arc::new(answers.map(|all| all.into_iter().map(|health| (health.id.clone(), health)).collect()))
        };
        Batch { ids, answers: answers.boxed().shared() }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Probe for CloudState {
    fn name(&self) -> String {
        "cloud state".to_owned()
    }

    async fn check(&self, node: &Node) -> Liveness {
        let id = &node.instance.id;
        match timeout(self.timeout, self.join(id)).await {
            Ok(answers) => match &*answers {
                Ok(known) => known.get(id).map_or_else(unseen, liveness),
                Err(why) => Liveness::Unknown(why.clone()),
            },
            Err(_) => Liveness::Unknown(format!("no answer of the cloud within {:?}", self.timeout)),
        }
    }
}

fn unseen() -> Liveness {
    Liveness::Unknown("the cloud does not show it".to_owned())
}

/// What the cloud's word means.
pub(crate) fn liveness(health: &InstanceHealth) -> Liveness {
    let reason = health.state_reason.as_ref().map(|reason| format!(" ({})", reason.code)).unwrap_or_default();
    let state = format!("it is {}{reason}", health.state);
    match health.state {
        InstanceState::Pending => Liveness::Failing(state),
        InstanceState::ShuttingDown
        | InstanceState::Terminated
        | InstanceState::Stopping
        | InstanceState::Stopped => Liveness::DeclaredDead(state),
        InstanceState::Running => {
            let checks = [("system", health.system), ("instance", health.instance)];
            let impaired = checks.into_iter().find_map(|(name, check)| match check {
                Check::Impaired(Some(since)) => Some(format!("{name} status impaired since {since}")),
                Check::Impaired(None) => Some(format!("{name} status impaired")),
                _ => None,
            });
            impaired.map_or(Liveness::Live, Liveness::Failing)
        }
    }
}
