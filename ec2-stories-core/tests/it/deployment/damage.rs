//! A journal that is damaged or gone, and a cloud that does not list, keep no node alive.

use std::time::Duration;

use ec2_stories_core::memory::{Fault, Operation};
use ec2_stories_core::model::{Mode, SecurityGroupId};
use ec2_stories_core::provider::{Expect, TupleStore};
use ec2_stories_core::{Error, ErrorKind};

use super::controllers::SlowDns;
use super::world::{World, debian};

#[tokio::test(start_paused = true)]
async fn a_journal_that_was_deleted_below_a_controller_is_nobody_elses() {
    let world = World::new();
    let running = world.shop([debian("web", 2).build().unwrap()]).start().await.unwrap();
    running.ready().await.unwrap();
    for (name, _) in world.store.dump() {
        world.store.delete(&name, Expect::Anything).await.unwrap();
    }
    running.terminate().await.unwrap().assert_clean();
    world.assert_nothing_is_left();
}

/// The journal without the lease.
fn records(world: &World) -> Vec<(String, Vec<u8>)> {
    world.store.dump().into_iter().filter(|(name, _)| !name.ends_with("/lease")).collect()
}

#[tokio::test(start_paused = true)]
async fn damaged_records_are_reported_and_the_rest_is_taken_down() {
    let count = {
        let world = World { mode: Mode::Production, ..World::new() };
        let running = world.shop([debian("web", 2).build().unwrap()]).start().await.unwrap();
        running.ready().await.unwrap();
        records(&world).len()
    };
    for index in 0..count {
        let world = World { mode: Mode::Production, ..World::new() };
        let shop = world.shop([debian("web", 2).build().unwrap()]);
        let running = shop.start().await.unwrap();
        running.ready().await.unwrap();
        running.detach().await.unwrap().assert_clean();
        let (name, bytes) = records(&world).swap_remove(index);
        world.store.put(&name, &bytes[..bytes.len() / 2], Expect::Anything).await.unwrap();
        let refused = shop.start().await.unwrap_err();
        assert_eq!((refused.kind(), refused.resource()), (ErrorKind::Corrupt, Some(name.as_str())));
        let report = shop.terminate().await.unwrap();
        assert!(report.is_clean() && report.problems[0].contains(&name), "{report}");
        world.assert_nothing_is_left();
        assert_eq!(records(&world).len(), 1, "only the head stays");
        shop.start().await.unwrap().ready().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_journal_knows_is_taken_down_though_listing_is_refused() {
    let world = World { mode: Mode::Production, ..World::new() };
    let shop = world.shop([debian("web", 2).build().unwrap()]);
    let running = shop.start().await.unwrap();
    running.ready().await.unwrap();
    running.detach().await.unwrap().assert_clean();
    for _ in 0..10 {
        let refused = Error::new(ErrorKind::Forbidden, "not yours").code("UnauthorizedOperation");
        world.cloud.fail(Operation::Find, Fault::Error(refused));
    }
    let report = shop.terminate().await.unwrap();
    assert_eq!(world.cloud.live(), 0, "{report}");
    assert!(!report.is_clean() && report.to_string().contains("not yours"), "{report}");
    world.cloud.script().heal();
    shop.terminate().await.unwrap().assert_clean();
    world.assert_nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn a_registration_that_nobody_can_end_any_more_is_reported() {
    let world = World::new();
    let running = world.shop([debian("web", 1).registrar(SlowDns).build().unwrap()]).start().await.unwrap();
    running.ready().await.unwrap();
    running.kill().await;
    let report = world.shop([debian("web", 1).build().unwrap()]).terminate().await.unwrap();
    let problems = &report.nodes()[0].problems;
    assert!(problems.iter().any(|problem| problem.contains("0.example.org")), "{report}");
    world.assert_nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn without_a_journal_one_empty_search_is_no_proof() {
    let mut world = World::new();
    world.cloud.settle_time(Duration::from_secs(5));
    world.cloud.add_security_group("sg-mine");
    let mine = || vec![SecurityGroupId::new("sg-mine")];
    let web = || debian("web", 2).security_groups(mine()).build().unwrap();
    let running = world.shop([web()]).start().await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    running.kill().await;
    world.store = Default::default();
    world.shop([web()]).terminate().await.unwrap().assert_clean();
    world.assert_nothing_is_left();
}
