//! Two processes on one journal under one name: the later one has the deployment, the earlier one touches nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use ec2_stories_core::deployment::Ending;
use ec2_stories_core::model::Mode;
use ec2_stories_core::provider::{Expect, Node, Registrar, Registration, Tuple, TupleStore, Version};
use ec2_stories_core::{Deployment, ErrorKind, MemoryStore, Result};
use tokio::sync::Notify;

use super::world::{World, debian};

/// Takes its time over an end.
#[derive(Debug)]
pub(super) struct SlowDns;

#[async_trait]
impl Registrar for SlowDns {
    fn name(&self) -> String {
        "slow".to_owned()
    }

    async fn register(&self, node: &Node) -> Result<Registration> {
        let name = format!("{}.example.org", node.address.slot);
        Ok(Registration { node: node.address.clone(), name, value: "198.51.100.1".to_owned() })
    }

    async fn refresh(&self, _: &Registration) -> Result<()> {
        Ok(())
    }

    async fn deregister(&self, _: &Registration) -> Result<()> {
        tokio::time::sleep(Duration::from_secs(120)).await;
        Ok(())
    }
}

/// A store in which a start is held up before it changes anything.
#[derive(Debug)]
struct Gate {
    inner: MemoryStore,
    open: Notify,
    passed: AtomicBool,
    lists: AtomicUsize,
}

impl Gate {
    async fn pass(&self) {
        if !self.passed.swap(true, Ordering::SeqCst) {
            self.open.notified().await;
        }
    }
}

#[async_trait]
impl TupleStore for Gate {
    async fn get(&self, name: &str) -> Result<Option<Tuple>> {
        self.inner.get(name).await
    }

    async fn put(&self, name: &str, value: &[u8], expect: Expect) -> Result<Version> {
        self.pass().await;
        self.inner.put(name, value, expect).await
    }

    async fn delete(&self, name: &str, expect: Expect) -> Result<()> {
        self.inner.delete(name, expect).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>> {
        // The first is the load's.
        if self.lists.fetch_add(1, Ordering::SeqCst) > 0 {
            self.pass().await;
        }
        self.inner.list(prefix).await
    }
}

fn names(world: &World) -> Vec<String> {
    world.store.dump().into_iter().map(|(name, _)| name).collect()
}

#[tokio::test(start_paused = true)]
async fn an_end_that_was_overtaken_leaves_the_next_life_alone() {
    let world = World::new();
    let first = world.shop([debian("web", 2).registrar(SlowDns).build().unwrap()]).start().await.unwrap();
    first.ready().await.unwrap();
    let end = tokio::spawn(async move { first.terminate().await });
    tokio::time::sleep(Duration::from_secs(1)).await;
    // Finishes the termination, and begins anew.
    let second = world.shop([debian("web", 2).build().unwrap()]).start().await.unwrap();
    second.ready().await.unwrap();
    let journal = names(&world);
    let report = end.await.unwrap().unwrap();
    assert!(!report.is_clean() && report.problems[0].contains("another controller"), "{report}");
    assert_eq!((world.cloud.live(), names(&world)), (2, journal));
    second.terminate().await.unwrap().assert_clean();
    world.assert_nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn a_termination_by_a_controller_that_was_replaced_is_not_clean() {
    let world = World::new();
    let shop = || world.shop([debian("web", 2).build().unwrap()]);
    let former = shop().start().await.unwrap();
    former.ready().await.unwrap();
    let current = shop().start().await.unwrap();
    current.ready().await.unwrap();
    let report = former.terminate().await.unwrap();
    assert_eq!((report.ending, report.is_clean()), (Ending::Detached, false), "{report}");
    assert_eq!(world.cloud.live(), 2);
    current.terminate().await.unwrap().assert_clean();
    world.assert_nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn only_the_controller_that_took_over_launches() {
    let world = World::new();
    let shop = |nodes| {
        let web = debian("web", nodes).after("db").build().unwrap();
        world.shop([debian("db", 1).build().unwrap(), web])
    };
    let first = shop(3).start().await.unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    let second = shop(4).start().await.unwrap();
    let (former, current) = tokio::join!(first.ready(), second.ready());
    assert_eq!(former.unwrap_err().kind(), ErrorKind::Conflict);
    current.unwrap();
    world.assert_no_doubles();
    assert_eq!(world.cloud.instances().len(), 5);
    second.terminate().await.unwrap().assert_clean();
    world.assert_nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn a_start_that_loses_the_race_removes_nothing_of_the_winners_journal() {
    let world = World::new();
    let shop = || world.shop([debian("web", 2).build().unwrap()]);
    let former = shop().start().await.unwrap();
    former.ready().await.unwrap();
    former.terminate().await.unwrap().assert_clean();
    let (open, passed, lists) = Default::default();
    let gate = Arc::new(Gate { inner: world.store.clone(), open, passed, lists });
    let builder = Deployment::builder().name("shop").mode(Mode::Dev).clock(Arc::new(world.cloud.clock()));
    let builder = builder.cloud(world.cloud.clone()).journal(Arc::<Gate>::clone(&gate));
    let loser = builder.fleet(debian("web", 2).build().unwrap()).build().unwrap();
    let loser = tokio::spawn(async move { loser.start().await.map(drop) });
    tokio::time::sleep(Duration::from_secs(1)).await;
    let winner = shop().start().await.unwrap();
    winner.ready().await.unwrap();
    let journal = names(&world);
    gate.open.notify_one();
    assert_eq!(loser.await.unwrap().unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(names(&world), journal);
    winner.terminate().await.unwrap().assert_clean();
    world.assert_nothing_is_left();
}
