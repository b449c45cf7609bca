use ec2_stories_core::Result;
use ec2_stories_core::conformance;
use ec2_stories_core::provider::{Expect, Tuple, TupleStore, Version};
use ec2_stories_core::store::{FileStore, MemoryStore};
use tempfile::TempDir;

#[tokio::test]
async fn memory_store() {
    conformance::tuple_store(async || MemoryStore::new()).await;
}

#[tokio::test]
async fn file_store() {
    let directory = TempDir::new().unwrap();
    let stores = std::cell::Cell::new(0);
    conformance::tuple_store(async || {
        stores.set(stores.get() + 1);
        FileStore::open(directory.path().join(stores.get().to_string())).unwrap()
    })
    .await;
}

/// A store that ignores what a change expects.
#[derive(Debug)]
struct Careless(MemoryStore);

#[async_trait::async_trait]
impl TupleStore for Careless {
    async fn get(&self, name: &str) -> Result<Option<Tuple>> {
        self.0.get(name).await
    }

    async fn put(&self, name: &str, value: &[u8], _: Expect) -> Result<Version> {
        self.0.put(name, value, Expect::Anything).await
    }

    async fn delete(&self, name: &str, expect: Expect) -> Result<()> {
        self.0.delete(name, expect).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>> {
        self.0.list(prefix).await
    }
}

#[tokio::test]
#[should_panic(
    expected = "contract broken: a change that expects what is not there is Conflict and changed nothing"
)]
async fn a_suite_names_the_bullet_that_was_broken() {
    conformance::tuple_store(async || Careless(MemoryStore::new())).await;
}
