//! Words from one process to the controller of a deployment, through the state folder.

use std::path::Path;
use std::time::Duration;

use ec2_stories::model::Name;
use ec2_stories::provider::{Expect, TupleStore};
use ec2_stories::{Error, ErrorKind, Result};

use crate::failure::Failure;
use crate::lock::Lock;

/// How often a controller looks; a person does not notice less.
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// What a controller can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// Leave the nodes and go.
    Detach,
    /// Take the nodes down and go.
    Terminate,
}

impl Word {
    fn as_str(self) -> &'static str {
        match self {
            Self::Detach => "detach",
            Self::Terminate => "terminate",
        }
    }
}

fn tuple(deployment: &Name) -> String {
    format!("control/{deployment}")
}

/// Leaves a word for the controller.
pub(crate) async fn tell(store: &dyn TupleStore, deployment: &Name, word: Word) -> Result<()> {
    store.put(&tuple(deployment), word.as_str().as_bytes(), Expect::Anything).await.map(drop)
}

/// Forgets a word that was left for a controller that is gone.
pub(crate) async fn forget(store: &dyn TupleStore, deployment: &Name) -> Result<()> {
    store.delete(&tuple(deployment), Expect::Anything).await
}

/// Waits for a word. Cancel-safe.
pub(crate) async fn heard(store: &dyn TupleStore, deployment: &Name) -> Result<Word> {
    let mut look = tokio::time::interval(LOOK_EVERY);
    loop {
        look.tick().await;
        let Some(word) = store.get(&tuple(deployment)).await? else { continue };
        store.delete(&tuple(deployment), Expect::Unchanged(word.version)).await?;
        return match word.value.as_slice() {
            b"detach" => Ok(Word::Detach),
            b"terminate" => Ok(Word::Terminate),
            _ => Err(Error::new(ErrorKind::Corrupt, "not a word for a controller").on(tuple(deployment))),
        };
    }
}

/// Waits until no controller has the deployment, and takes it.
pub(crate) async fn until_free(state: &Path, deployment: &Name, patience: Duration) -> Result<Lock, Failure> {
    let waited = tokio::time::timeout(patience, async {
        let mut look = tokio::time::interval(LOOK_EVERY);
        loop {
            look.tick().await;
            if let Ok(lock) = Lock::attempt(state, deployment)? {
                return Ok(lock);
            }
        }
    });
    match waited.await {
        Ok(lock) => lock,
        Err(_) => Lock::take(state, deployment),
    }
}
