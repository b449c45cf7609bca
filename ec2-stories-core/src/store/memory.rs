//! Tuples in memory.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::check_name;
use crate::Result;
use crate::memory::script::operations;
use crate::memory::{Fault, Script, When};
use crate::provider::{Expect, Tuple, TupleStore, Version};

operations! {
    /// A method of [`TupleStore`].
    StoreOperation {
        Get = "get",
        Put = "put",
        Delete = "delete",
        List = "list",
    }
}

/// Tuples in memory, for tests: clones share them, so that a clone that outlives a deployment plays the disk that
/// outlives a process. Calls are logged, and fail where a test says so.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    tuples: Mutex<Tuples>,
    script: Script<StoreOperation>,
}

#[derive(Debug, Default)]
struct Tuples {
    by_name: BTreeMap<String, Tuple>,
    changes: u64,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Plans a fault; see [`Script::fail`].
    pub fn fail(&self, when: impl Into<When<StoreOperation>>, fault: Fault) {
        self.0.script.fail(when, fault);
    }

    /// The log of its calls, and the faults that wait for one.
    #[must_use]
    pub fn script(&self) -> &Script<StoreOperation> {
        &self.0.script
    }

    /// Everything in it, for searches and comparisons.
    #[must_use]
    pub fn dump(&self) -> Vec<(String, Vec<u8>)> {
        self.lock().by_name.iter().map(|(name, tuple)| (name.clone(), tuple.value.clone())).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Tuples> {
        self.0.tuples.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tuples {
    fn expect(&self, name: &str, expect: &Expect) -> Result<()> {
        super::met(name, self.by_name.get(name).map(|tuple| &tuple.version), expect)
    }

    fn put(&mut self, name: &str, value: &[u8]) -> Version {
        self.changes += 1;
        let version = Version(self.changes.to_string());
        self.by_name.insert(name.to_owned(), Tuple { value: value.to_vec(), version: version.clone() });
        version
    }
}

#[async_trait]
impl TupleStore for MemoryStore {
    async fn get(&self, name: &str) -> Result<Option<Tuple>> {
        check_name(name)?;
        self.0.script.perform(StoreOperation::Get, async { Ok(self.lock().by_name.get(name).cloned()) }).await
    }

    async fn put(&self, name: &str, value: &[u8], expect: Expect) -> Result<Version> {
        check_name(name)?;
        let put = async {
            let mut tuples = self.lock();
            tuples.expect(name, &expect)?;
            Ok(tuples.put(name, value))
        };
        self.0.script.perform(StoreOperation::Put, put).await
    }

    async fn delete(&self, name: &str, expect: Expect) -> Result<()> {
        check_name(name)?;
        let delete = async {
            let mut tuples = self.lock();
            tuples.expect(name, &expect)?;
            tuples.by_name.remove(name);
            Ok(())
        };
        self.0.script.perform(StoreOperation::Delete, delete).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>> {
        let list = async {
            let tuples = self.lock();
            let from = (Bound::Included(prefix), Bound::Unbounded);
            let names = tuples.by_name.range::<str, _>(from).map(|(name, _)| name);
            Ok(names.take_while(|name| name.starts_with(prefix)).cloned().collect())
        };
        self.0.script.perform(StoreOperation::List, list).await
    }
}
