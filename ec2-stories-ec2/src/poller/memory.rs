//! What was learned of boot times, kept beyond the process.

use std::sync::Arc;

use ec2_stories_core::provider::{Expect, TupleStore};
use ec2_stories_core::{Error, ErrorKind, Result};
use tokio::sync::OnceCell;

use super::Shared;
use super::boot_times::Kept;

/// The tuple that it is kept in.
const NAME: &str = "boot-times";

/// Where it is kept, if anywhere. What cannot be read or written costs some calls and nothing else, and is only logged.
#[derive(Debug, Default)]
pub(super) struct Memory {
    store: Option<Arc<dyn TupleStore>>,
    read: OnceCell<()>,
}

impl Memory {
    pub(super) fn new(store: Option<Arc<dyn TupleStore>>) -> Self {
        Self { store, read: OnceCell::new() }
    }
}

/// Takes in what former processes learned, once.
pub(super) async fn recall(shared: &Shared) {
    let Some(store) = &shared.memory.store else { return };
    let read = shared.memory.read.get_or_init(async || match read(&**store).await {
        Ok(kept) => shared.state().boot_times.take_in(kept),
        Err(error) => tracing::warn!(%error, "boot times are not remembered"),
    });
    read.await;
}

/// Keeps what is known, if some of it is new. Of two processes the later has the word.
pub(super) async fn keep(shared: &Shared) {
    let Some(store) = &shared.memory.store else { return };
    let Some(kept) = shared.state().boot_times.news() else { return };
    if let Err(error) = write(&**store, &kept).await {
        tracing::warn!(%error, "boot times are not kept");
    }
}

async fn read(store: &dyn TupleStore) -> Result<Vec<Kept>> {
    let Some(tuple) = store.get(NAME).await? else { return Ok(Vec::new()) };
    serde_json::from_slice(&tuple.value)
        .map_err(|error| Error::new(ErrorKind::Corrupt, "not boot times").on(NAME).because(error))
}

async fn write(store: &dyn TupleStore, kept: &[Kept]) -> Result<()> {
    let bytes = serde_json::to_vec(kept)
        .map_err(|error| Error::new(ErrorKind::Unexpected, "boot times").because(error))?;
    store.put(NAME, &bytes, Expect::Anything).await.map(drop)
}
