//! What a deployment must not forget, through a [`TupleStore`].
//!
//! | Tuple | Holds | Written |
//! | --- | --- | --- |
//! | `deployments/NAME/deployment` | [`Head`]: stage, incarnation, launches of former incarnations | at each change of stage |
//! | `deployments/NAME/fleets/FLEET` | [`FleetRecord`]: the image its nodes are launched from | before a key or group is made, and after |
//! | `deployments/NAME/launches/TOKEN` | [`LaunchRecord`]: the frozen request, then the outcome | before each call, and after |
//! | `deployments/NAME/nodes/FLEET/SLOT` | [`NodeRecord`]: steps begun and done, registrations | before each step, and after |
//! | `deployments/NAME/inherited` | tokens of launches that a lost journal made | when a journal begins beside them |
//! | `deployments/NAME/sweep` | [`SweepRecord`]: what the last sweep saw | by a sweep |
//!
//! | `deployments/NAME/lease` | who has it: [`lease`](super::lease) | every few seconds |
//!
//! All but the first and the last are removed when the deployment ends. No record has room for a secret. Each has a checksum
//! ([`Envelope`]); one that is damaged, or of another format, is refused by name.
//!
//! # Controllers
//! The head names its controller, and the head of a controller that takes over fences off the one before: it writes nothing
//! more. Each tuple is written under the version that was read; where that is not there any more, the head says whose
//! journal it is. A journal that was deleted is nobody else's. What a former incarnation wrote late is not read.

mod envelope;
mod record;

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;

pub(crate) use envelope::Envelope;
pub(crate) use record::{
    FleetRecord, Head, InjectedKey, LaunchOutcome, LaunchRecord, NodeRecord, Stage, SweepRecord,
};

use super::lease::{Standing, sure};
use crate::model::{ClientToken, Name, NodeAddress};
use crate::provider::{Expect, TupleStore, Version};
use crate::{Error, ErrorKind, Result};

/// Tries of a write, a second apart.
const TRIES: u32 = 4;

/// A deployment's journal.
#[derive(Debug)]
pub(crate) struct Journal {
    store: Arc<dyn TupleStore>,
    root: String,
    /// What a change of a tuple that was read or written expects.
    expected: Mutex<HashMap<String, Expect>>,
    owner: OnceLock<Owner>,
    /// How its controller's lease stands.
    standing: OnceLock<watch::Receiver<Standing>>,
    lost: AtomicBool,
}

/// Who may write.
#[derive(Debug)]
struct Owner {
    incarnation: String,
    controller: String,
}

/// A tuple's content.
struct Read<T> {
    record: T,
    version: Version,
    incarnation: Option<String>,
}

/// Everything in a journal.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub(crate) head: Option<Head>,
    pub(crate) fleets: Vec<(Name, FleetRecord)>,
    pub(crate) launches: Vec<(ClientToken, LaunchRecord)>,
    pub(crate) nodes: Vec<(NodeAddress, NodeRecord)>,
    pub(crate) inherited: BTreeSet<ClientToken>,
    /// Tuples that cannot be read.
    pub(crate) damaged: Vec<Error>,
}

impl Journal {
    pub(crate) fn new(store: Arc<dyn TupleStore>, deployment: &Name) -> Self {
        let root = format!("deployments/{deployment}");
        let (expected, owner, standing, lost) = Default::default();
        Self { store, root, expected, owner, standing, lost }
    }

    pub(crate) const HEAD: &str = "deployment";
    pub(crate) const INHERITED: &str = "inherited";
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

    /// The tuple's name in the store.
    pub(crate) fn full(&self, name: &str) -> String {
        format!("{}/{name}", self.root)
    }

    fn expected(&self) -> std::sync::MutexGuard<'_, HashMap<String, Expect>> {
        self.expected.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn peek<T: DeserializeOwned>(&self, name: &str) -> Result<Option<Read<T>>> {
        let full = format!("{}/{name}", self.root);
        let Some(tuple) = self.store.get(&full).await? else { return Ok(None) };
        let corrupt = |why: String| Error::new(ErrorKind::Corrupt, why).during("read the journal").on(&full);
        let Envelope { incarnation, record, .. } = Envelope::open(&full, &tuple.value).map_err(corrupt)?;
        Ok(Some(Read { record, version: tuple.version, incarnation }))
    }

    async fn take<T: DeserializeOwned>(&self, name: &str) -> Result<Option<Read<T>>> {
        let read = self.peek(name).await;
        let expect = match &read {
            Ok(Some(read)) => Expect::Unchanged(read.version.clone()),
            Ok(None) => Expect::Absent,
            // What is damaged may be written over, and removed.
            Err(error) if error.kind() == ErrorKind::Corrupt => Expect::Anything,
            Err(_) => return read,
        };
        self.expected().insert(name.to_owned(), expect);
        read
    }

    /// Reads a record.
    pub(crate) async fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        Ok(self.take(name).await?.map(|read| read.record))
    }

    /// Writes a record over what was read, or as a new one. A failed write is tried again; when its first try did
    /// arrive, that is seen by its content.
    pub(crate) async fn write<T: Serialize + Sync>(&self, name: &str, record: &T) -> Result<()> {
        let full = format!("{}/{name}", self.root);
        let encode =
            |error: serde_json::Error| Error::new(ErrorKind::Unexpected, error.to_string()).on(&full);
        let owner = self.owner.get();
        let incarnation = owner.map(|owner| owner.incarnation.clone());
        let controller = owner.map(|owner| owner.controller.clone());
        let value = Envelope { incarnation, controller, record }.seal(&full).map_err(encode)?;
        let mut expect = self.expected().get(name).cloned().unwrap_or(Expect::Absent);
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
                    Ok(_) if tries == TRIES || self.is_anothers().await? => {
                        return Err(another_controller(&full).because(error));
                    }
                    Ok(tuple) => {
                        expect = tuple.map_or(Expect::Absent, |tuple| Expect::Unchanged(tuple.version));
                        continue;
                    }
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
        self.expected().insert(name.to_owned(), Expect::Unchanged(version));
        Ok(())
    }

    /// The lease that its controller has.
    pub(crate) fn under(&self, standing: watch::Receiver<Standing>) {
        // One journal object has one controller.
        let _ = self.standing.set(standing);
    }

    /// Makes the journal a controller's own, by the head that names it.
    pub(crate) async fn take_over(&self, head: &Head) -> Result<()> {
        self.write(Self::HEAD, head).await?;
        let Head { incarnation, controller, .. } = head.clone();
        // One journal object has one controller.
        let _ = self.owner.set(Owner { incarnation, controller });
        Ok(())
    }

    async fn is_anothers(&self) -> Result<bool> {
        // Before it is taken over nothing tells one controller from another.
        let Some(owner) = self.owner.get() else { return Ok(true) };
        let head = self.peek::<Head>(Self::HEAD).await?;
        let anothers = head.is_some_and(|head| head.record.controller != owner.controller);
        self.lost.fetch_or(anothers, Ordering::SeqCst);
        Ok(anothers)
    }

    /// Reads whether the journal is still this controller's. While its lease is in doubt it waits.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] when another controller has taken it over; others when that could not be read.
    pub(crate) async fn check(&self) -> Result<()> {
        if let Some(standing) = self.standing.get() {
            sure(standing).await?;
        }
        let mut tries = 0;
        loop {
            tries += 1;
            match self.is_anothers().await {
                Ok(false) => return Ok(()),
                Ok(true) => return Err(another_controller(&self.root)),
                Err(error) if error.is_permanent() || tries == TRIES => return Err(error),
                Err(_) => tokio::time::sleep(Duration::from_secs(1)).await,
            }
        }
    }

    /// The error of a controller that was found to be fenced off by another.
    pub(crate) fn lost(&self) -> Option<Error> {
        let lapsed = self.standing.get().and_then(|standing| standing.borrow().lost());
        lapsed.or_else(|| self.lost.load(Ordering::SeqCst).then(|| another_controller(&self.root)))
    }

    /// Removes a record as it was last read or written; one that another changed since is the other's.
    pub(crate) async fn remove(&self, name: &str) -> Result<()> {
        let Some(expect) = self.expected().get(name).cloned() else { return Ok(()) };
        match self.store.delete(&format!("{}/{name}", self.root), expect).await {
            Err(error) if error.kind() != ErrorKind::Conflict => return Err(error),
            _ => drop(self.expected().remove(name)),
        }
        Ok(())
    }

    /// Removes everything that is known but the head.
    pub(crate) async fn clear(&self) -> Result<()> {
        let prefix = format!("{}/", self.root);
        for full in self.store.list(&prefix).await? {
            let name = full.strip_prefix(&prefix).unwrap_or(&full);
            if name != Self::HEAD {
                self.remove(name).await?;
            }
        }
        self.expected().retain(|name, _| name == Self::HEAD);
        Ok(())
    }

    /// Whether there is a launch that was neither read nor written.
    pub(crate) async fn has_news(&self) -> Result<bool> {
        let prefix = format!("{}/", self.root);
        let launches = self.store.list(&format!("{prefix}launches/")).await?;
        let known = self.expected();
        Ok(launches.iter().any(|full| !known.contains_key(full.strip_prefix(&prefix).unwrap_or(full))))
    }

    /// Reads everything; what cannot be read is listed.
    pub(crate) async fn load(&self) -> Result<Contents> {
        let mut contents = Contents::default();
        contents.head = whole(self.read(Self::HEAD).await, &mut contents.damaged)?;
        let prefix = format!("{}/", self.root);
        for full in self.store.list(&prefix).await? {
            let name = full.strip_prefix(&prefix).unwrap_or(&full);
            match name.split_once('/') {
                Some(("fleets", fleet)) => {
                    if let Some(record) = self.current(name, &mut contents).await? {
                        contents.fleets.push((fleet.parse()?, record));
                    }
                }
                Some(("launches", token)) => {
                    let record = self.current(name, &mut contents).await?;
                    contents.launches.extend(record.map(|record| (ClientToken::new(token), record)));
                }
                Some(("nodes", node)) => {
                    if let Some(record) = self.current(name, &mut contents).await? {
                        contents.nodes.push((node.parse()?, record));
                    }
                }
                _ if name == Self::INHERITED => {
                    contents.inherited = self.current(name, &mut contents).await?.unwrap_or_default();
                }
                _ if name == Self::SWEEP => {
                    let _: Option<SweepRecord> = self.current(name, &mut contents).await?;
                }
                _ => {}
            }
        }
        Ok(contents)
    }

    /// A record of the head's incarnation. A tuple that goes between a list and the read was another's to remove.
    async fn current<T: DeserializeOwned>(&self, name: &str, contents: &mut Contents) -> Result<Option<T>> {
        let read: Option<Read<T>> = whole(self.take(name).await, &mut contents.damaged)?;
        let Some(Read { record, incarnation, .. }) = read else { return Ok(None) };
        let head = contents.head.as_ref().map(|head| &head.incarnation);
        let former = head.zip(incarnation.as_ref()).is_some_and(|(head, its)| head != its);
        Ok((!former).then_some(record))
    }
}

/// What could be read of a tuple that is not damaged.
fn whole<T>(read: Result<Option<T>>, damaged: &mut Vec<Error>) -> Result<Option<T>> {
    match read {
        Err(error) if error.kind() == ErrorKind::Corrupt => {
            damaged.push(error);
            Ok(None)
        }
        read => read,
    }
}

fn another_controller(name: &str) -> Error {
    Error::new(ErrorKind::Conflict, "another process changed the journal: two controllers run one deployment")
        .during("write the journal")
        .on(name)
}
