//! One controller works, the other is told.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ec2_stories_core::memory::{Fault, Operation};
use ec2_stories_core::model::Mode;
use ec2_stories_core::provider::{Expect, Tuple, TupleStore, Version};
use ec2_stories_core::store::StoreOperation;
use ec2_stories_core::{Deployment, Error, ErrorKind, MemoryStore, Result, TokioClock};
use tokio::sync::watch;
use tokio::time::Instant;

use super::world::{World, debian};

fn shop(world: &World) -> Deployment {
    world.anybodys_shop([debian("web", 2).build().unwrap()])
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A store that a process reaches or does not.
#[derive(Debug)]
struct Line {
    store: MemoryStore,
    cut: watch::Sender<bool>,
}

impl Line {
    async fn reach(&self) -> &MemoryStore {
        self.cut.subscribe().wait_for(|cut| !*cut).await.unwrap();
        &self.store
    }
}

#[async_trait]
impl TupleStore for Line {
    async fn get(&self, name: &str) -> Result<Option<Tuple>> {
        self.reach().await.get(name).await
    }

    async fn put(&self, name: &str, value: &[u8], expect: Expect) -> Result<Version> {
        self.reach().await.put(name, value, expect).await
    }

    async fn delete(&self, name: &str, expect: Expect) -> Result<()> {
        self.reach().await.delete(name, expect).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>> {
        self.reach().await.list(prefix).await
    }
}

/// A process that can be cut off from the store.
fn remote(world: &World, nodes: u32) -> (Deployment, Arc<Line>) {
    let line = Arc::new(Line { store: world.store.clone(), cut: watch::Sender::new(false) });
    let builder = Deployment::builder().name("shop").mode(Mode::Dev).clock(Arc::new(world.cloud.clock()));
    let builder = builder.cloud(world.cloud.clone()).journal(Arc::<Line>::clone(&line));
    (builder.fleet(debian("web", nodes).build().unwrap()).build().unwrap(), line)
}

#[tokio::test(start_paused = true)]
async fn a_second_controller_is_refused_and_told_who_has_it() {
    let world = World::new();
    let first = shop(&world).held_by("the first desk").start().await.unwrap();
    first.ready().await.unwrap();
    let asked = Instant::now();
    for error in [
        shop(&world).start().await.map(drop).unwrap_err(),
        shop(&world).held_by("another desk").start().await.map(drop).unwrap_err(),
        shop(&world).terminate().await.map(drop).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Conflict);
        let pid = std::process::id().to_string();
        assert!(error.message().contains("the first desk") && error.message().contains(&pid), "{error}");
    }
    assert!(asked.elapsed() < 3 * seconds(12), "each is told at the next renewal: {:?}", asked.elapsed());
    // It goes on as if nobody had asked.
    tokio::time::sleep(seconds(3600)).await;
    first.terminate().await.unwrap().assert_clean();
    world.assert_nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn after_a_death_the_next_takes_over_once_the_lease_has_passed() {
    for (lease, named) in [(30, false), (300, false), (300, true)] {
        let world = World::new();
        let shop = shop(&world).leased_for(seconds(lease)).unwrap();
        let shop = if named { shop.held_by("desk") } else { shop };
        let first = shop.start().await.unwrap();
        first.ready().await.unwrap();
        first.kill().await;
        let asked = Instant::now();
        // It is the dead one's lease that counts.
        let second = shop.clone().leased_for(seconds(1)).unwrap().start().await.unwrap();
        let expected =
            if named { seconds(0)..seconds(1) } else { seconds(lease)..seconds(lease + lease / 10) };
        assert!(expected.contains(&asked.elapsed()), "{:?} of {lease} s", asked.elapsed());
        second.ready().await.unwrap();
        assert_eq!(world.cloud.instances().len(), 2);
        second.terminate().await.unwrap().assert_clean();
        world.assert_nothing_is_left();
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_ends_in_good_order_keeps_nobody_waiting() {
    let world = World { mode: Mode::Production, ..World::new() };
    for _ in 0..3 {
        let asked = Instant::now();
        let running = shop(&world).start().await.unwrap();
        assert!(asked.elapsed() < seconds(1), "{:?}", asked.elapsed());
        running.ready().await.unwrap();
        running.detach().await.unwrap().assert_clean();
    }
    let asked = Instant::now();
    let unsound = world.anybodys_shop([debian("web", 3).key(unreadable()).build().unwrap()]);
    assert_eq!(unsound.start().await.unwrap_err().kind(), ErrorKind::Invalid);
    shop(&world).terminate().await.unwrap().assert_clean();
    assert!(asked.elapsed() < seconds(30), "{:?}", asked.elapsed());
    world.assert_nothing_is_left();
}

fn unreadable() -> ec2_stories_core::model::KeyPairSpec {
    ec2_stories_core::model::KeyPairSpec::Generated("/there/is/no/such/folder/key".into())
}

#[tokio::test(start_paused = true)]
async fn a_controller_that_was_cut_off_longer_than_its_lease_launches_and_ends_nothing_more() {
    let world = World::new();
    let (shop_of_first, line) = remote(&world, 4);
    let first = shop_of_first.start().await.unwrap();
    tokio::time::sleep(seconds(2)).await;
    line.cut.send_replace(true);
    // It wants to launch again, and may not.
    for instance in world.cloud.instances() {
        world.cloud.kill(&instance.id, "Server.InternalError", "Internal error on launch");
    }
    let second = shop(&world).start().await.unwrap();
    second.ready().await.unwrap();
    let before = world.cloud.instances().len();
    line.cut.send_replace(false);
    assert_eq!(first.ready().await.unwrap_err().kind(), ErrorKind::Conflict);
    let report = first.terminate().await.unwrap();
    assert!(!report.is_clean() && report.to_string().contains("another"), "{report}");
    tokio::time::sleep(seconds(600)).await;
    assert_eq!((world.cloud.live(), world.cloud.instances().len()), (2, before));
    second.terminate().await.unwrap().assert_clean();
    world.assert_nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_down_for_a_while_costs_nobody_the_deployment() {
    let world = World { mode: Mode::Production, ..World::new() };
    let running = shop(&world).start().await.unwrap();
    running.ready().await.unwrap();
    let down = || Error::new(ErrorKind::Unavailable, "the store is down");
    for _ in 0..40 {
        world.store.fail(StoreOperation::Put, Fault::Error(down()));
    }
    // Its lease passes before the store is up again; meanwhile it ends nothing.
    let took = Instant::now();
    tokio::time::sleep(seconds(28)).await;
    let ended = running.terminate().await.unwrap();
    assert!(took.elapsed() > seconds(60), "{:?}", took.elapsed());
    assert!(ended.is_clean(), "{ended}");
    world.assert_nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn a_store_that_stays_down_ends_the_controller_and_says_so() {
    let world = World { mode: Mode::Production, ..World::new() };
    let (shop, line) = remote(&world, 1);
    let running = shop.start().await.unwrap();
    running.ready().await.unwrap();
    line.cut.send_replace(true);
    tokio::time::sleep(seconds(400)).await;
    let error = running.ready().await.unwrap_err();
    assert!(error.to_string().contains("could not be renewed"), "{error}");
    assert_eq!(world.cloud.live(), 1);
}

#[tokio::test(start_paused = true)]
async fn wall_clocks_may_say_what_they_like() {
    let world = World::new();
    let at = |time: &str| {
        let clock = TokioClock::starting_at(time.parse().unwrap());
        let builder = Deployment::builder().name("shop").clock(Arc::new(clock));
        let builder = builder.cloud(world.cloud.clone()).journal(world.store.clone());
        builder.fleet(debian("web", 1).build().unwrap()).build().unwrap()
    };
    let first = at("2030-01-01T00:00:00Z").start().await.unwrap();
    for clock in ["2001-01-01T00:00:00Z", "2040-01-01T00:00:00Z"] {
        assert_eq!(at(clock).start().await.unwrap_err().kind(), ErrorKind::Conflict);
    }
    first.kill().await;
    let asked = Instant::now();
    let second = at("2001-01-01T00:00:00Z").start().await.unwrap();
    assert!(asked.elapsed() >= seconds(30));
    second.terminate().await.unwrap().assert_clean();
}

#[tokio::test(start_paused = true)]
async fn of_two_that_wait_for_a_dead_one_one_gets_it() {
    let world = World::new();
    let first = shop(&world).start().await.unwrap();
    first.ready().await.unwrap();
    first.kill().await;
    let (one, two) = (shop(&world), shop(&world));
    let (one, two) = tokio::join!(one.start(), two.start());
    let (got, told) = match (one, two) {
        (Ok(got), Err(told)) | (Err(told), Ok(got)) => (got, told),
        both => panic!("{both:?}"),
    };
    assert_eq!(told.kind(), ErrorKind::Conflict);
    got.ready().await.unwrap();
    assert_eq!(world.cloud.script().count(Operation::Launch), 1);
    got.terminate().await.unwrap().assert_clean();
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_damaged_is_watched_all_the_same() {
    let world = World::new();
    let garble = async || {
        world.store.put("deployments/shop/lease", b"garbled", Expect::Anything).await.unwrap();
    };
    let first = shop(&world).start().await.unwrap();
    first.ready().await.unwrap();
    garble().await;
    assert_eq!(shop(&world).start().await.unwrap_err().kind(), ErrorKind::Conflict);
    tokio::time::sleep(seconds(60)).await;
    first.kill().await;
    garble().await;
    let second = shop(&world).start().await.unwrap();
    second.terminate().await.unwrap().assert_clean();
    world.assert_nothing_is_left();
}

#[test]
fn a_lease_has_bounds() {
    for bad in [Duration::ZERO, Duration::from_millis(99), seconds(3601)] {
        let error = shop(&World::new()).leased_for(bad).unwrap_err();
        assert!(error.kind() == ErrorKind::Invalid && error.message().contains("lease"), "{error}");
    }
}
