//! What a deployment must not forget, through a [`TupleStore`].
//!
//! | Tuple | Holds | Written |
//! | --- | --- | --- |
//! | `deployments/NAME/deployment` | [`Head`]: stage, incarnation, launches of former incarnations | at each change of stage |
//! | `deployments/NAME/fleets/FLEET` | [`FleetRecord`]: the image its nodes are launched from | before a key or group is made, and after |
//! | `deployments/NAME/launches/TOKEN` | [`LaunchRecord`]: the frozen request, then the outcome | before each call, and after |
//! | `deployments/NAME/nodes/FLEET/SLOT` | [`NodeRecord`]: steps begun and done, registrations | before each step, and after |
//! | `deployments/NAME/sweep` | [`SweepRecord`]: what the last sweep saw | by a sweep |
//!
//! All but the first are removed when the deployment ends. Each tuple is written under the version that was read, so that a
//! second controller on the same journal is noticed. No record has room for a secret.

mod record;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub(crate) use record::{FleetRecord, Head, LaunchOutcome, LaunchRecord, NodeRecord, Stage, SweepRecord};

use crate::model::{ClientToken, Name, NodeAddress};
use crate::provider::{Expect, TupleStore, Version};
use crate::{Error, ErrorKind, Result};

/// The format of the records; another is refused, not guessed at.
const FORMAT: u64 = 1;
/// Tries of a write, a second apart.
const TRIES: u32 = 4;

/// A deployment's journal.
#[derive(Debug)]
pub(crate) struct Journal {
    store: Arc<dyn TupleStore>,
    root: String,
    versions: Mutex<HashMap<String, Version>>,
}

/// Everything in a journal.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub(crate) head: Option<Head>,
    pub(crate) fleets: Vec<(Name, FleetRecord)>,
    pub(crate) launches: Vec<(ClientToken, LaunchRecord)>,
    pub(crate) nodes: Vec<(NodeAddress, NodeRecord)>,
}

impl Journal {
    pub(crate) fn new(store: Arc<dyn TupleStore>, deployment: &Name) -> Self {
        Self { store, root: format!("deployments/{deployment}"), versions: Mutex::default() }
    }

    pub(crate) const HEAD: &str = "deployment";
    pub(crate) const SWEEP: &str = "sweep";

    pub(crate) fn fleet(fleet: &Name) -> String {
        format!("fleets/{fleet}")
    }

    pub(crate) fn launch(token: &ClientToken) -> String {
        format!("launches/{token}")
    }

    pub(crate) fn node(node: &NodeAddress) -> String {
        format!("nodes/{node}")
    }

    fn versions(&self) -> std::sync::MutexGuard<'_, HashMap<String, Version>> {
        self.versions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads a record.
    pub(crate) async fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        let full = format!("{}/{name}", self.root);
        let Some(tuple) = self.store.get(&full).await? else {
            self.versions().remove(name);
            return Ok(None);
        };
        let corrupt = |why: String| Error::new(ErrorKind::Corrupt, why).during("read the journal").on(&full);
        let mut value: Value =
            serde_json::from_slice(&tuple.value).map_err(|error| corrupt(error.to_string()))?;
        let format = value.get("format").and_then(Value::as_u64);
        if format != Some(FORMAT) {
            let found = format.map_or_else(|| "no format".to_owned(), |format| format!("format {format}"));
            return Err(corrupt(format!("it has {found}, and this version reads format {FORMAT}")));
        }
        let record =
            serde_json::from_value(value["record"].take()).map_err(|error| corrupt(error.to_string()))?;
        self.versions().insert(name.to_owned(), tuple.version);
        Ok(Some(record))
    }

    /// Writes a record over the version that is known, or as a new one. A failed write is tried again; when its first try
    /// did arrive, that is seen by its content.
    pub(crate) async fn write<T: Serialize + Sync>(&self, name: &str, record: &T) -> Result<()> {
        let full = format!("{}/{name}", self.root);
        let encode =
            |error: serde_json::Error| Error::new(ErrorKind::Unexpected, error.to_string()).on(&full);
        let value = serde_json::to_vec(&json!({ "format": FORMAT, "record": record })).map_err(encode)?;
        let known = self.versions().get(name).cloned();
        let expect = known.map_or(Expect::Absent, Expect::Unchanged);
        let mut tries = 0;
        let version = loop {
            let error = match self.store.put(&full, &value, expect.clone()).await {
                Ok(version) => break version,
                Err(error) => error,
            };
            tries += 1;
            let error = if error.kind() == ErrorKind::Conflict {
                match self.store.get(&full).await {
                    Ok(Some(tuple)) if tuple.value == value => break tuple.version,
                    Ok(_) => return Err(another_controller(&full).because(error)),
                    Err(unread) => unread,
                }
            } else {
                error
            };
            if error.is_permanent() || tries == TRIES {
                return Err(error);
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        };
        self.versions().insert(name.to_owned(), version);
        Ok(())
    }

    /// Removes everything but the head.
    pub(crate) async fn clear(&self) -> Result<()> {
        let head = format!("{}/{}", self.root, Self::HEAD);
        for name in self.store.list(&format!("{}/", self.root)).await? {
            if name != head {
                self.store.delete(&name, Expect::Anything).await?;
            }
        }
        self.versions().retain(|name, _| name == Self::HEAD);
        Ok(())
    }

    /// Reads everything.
    pub(crate) async fn load(&self) -> Result<Contents> {
        let mut contents = Contents { head: self.read(Self::HEAD).await?, ..Contents::default() };
        let prefix = format!("{}/", self.root);
        for full in self.store.list(&prefix).await? {
            let name = full.strip_prefix(&prefix).unwrap_or(&full);
            // A tuple that goes between the list and the read was another's to remove.
            match name.split_once('/') {
                Some(("fleets", fleet)) => {
                    let record = self.read(name).await?;
                    contents
                        .fleets
                        .extend(record.map(|record| Ok::<_, Error>((fleet.parse()?, record))).transpose()?);
                }
                Some(("launches", token)) => {
                    let record = self.read(name).await?;
                    contents.launches.extend(record.map(|record| (ClientToken::new(token), record)));
                }
                Some(("nodes", node)) => {
                    let record = self.read(name).await?;
                    contents
                        .nodes
                        .extend(record.map(|record| Ok::<_, Error>((node.parse()?, record))).transpose()?);
                }
                _ => {}
            }
        }
        Ok(contents)
    }
}

fn another_controller(name: &str) -> Error {
    Error::new(ErrorKind::Conflict, "another process changed the journal: two controllers run one deployment")
        .during("write the journal")
        .on(name)
}
