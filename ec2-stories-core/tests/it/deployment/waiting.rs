//! Waiting for an instance to run: how long, and what its end says.

use std::time::Duration;

use ec2_stories_core::memory::{Fault, Operation};
use ec2_stories_core::model::Mode;
use ec2_stories_core::{Error, ErrorKind, MemoryStore, Status};

use super::world::{World, debian};

#[tokio::test(start_paused = true)]
async fn a_restart_leaves_nodes_that_boot_slowly_the_time_that_a_launch_has() {
    for keeps_journal in [true, false] {
        let mut world = World { mode: Mode::Production, ..World::new() };
        world.cloud.boot_time(Duration::from_secs(300));
        let web = || debian("web", 2).launch_timeout(Duration::from_secs(900)).build().unwrap();
        let running = world.shop([web()]).start().await.unwrap();
        tokio::time::sleep(Duration::from_secs(20)).await;
        running.kill().await;
        if !keeps_journal {
            world.store = MemoryStore::new();
        }
        let running = world.shop([web()]).start().await.unwrap();
        running.ready().await.unwrap();
        assert_eq!(world.cloud.instances().len(), 2, "none was replaced");
    }
}

#[tokio::test(start_paused = true)]
async fn a_restart_gives_no_node_more_time_than_a_launch_has() {
    let world = World { mode: Mode::Production, ..World::new() };
    world.cloud.boot_time(Duration::from_secs(3000));
    let shop = || world.shop([debian("web", 1).launch_timeout(Duration::from_secs(900)).build().unwrap()]);
    let running = shop().start().await.unwrap();
    tokio::time::sleep(Duration::from_secs(600)).await;
    running.kill().await;
    let _running = shop().start().await.unwrap();
    tokio::time::sleep(Duration::from_secs(290)).await;
    assert_eq!(world.cloud.live(), 1);
    assert_eq!(world.cloud.instances().len(), 1);
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(world.cloud.instances().len(), 2, "the first took too long");
}

fn sick(kind: ErrorKind) -> Fault {
    Fault::Error(Error::new(kind, "as the test asked for"))
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_times_out_early_says_nothing_of_a_node_that_boots() {
    let world = World::new();
    world.cloud.boot_time(Duration::from_secs(300));
    world.cloud.fail(Operation::Wait, sick(ErrorKind::Timeout));
    let running = world.shop([debian("web", 1).build().unwrap()]).start().await.unwrap();
    running.ready().await.unwrap();
    assert_eq!(world.cloud.instances().len(), 1);
    running.terminate().await.unwrap().assert_clean();
}

#[tokio::test(start_paused = true)]
async fn healthy_nodes_outlive_a_watcher_that_is_sick_for_longer_than_a_node_may_boot() {
    for kind in [ErrorKind::Unavailable, ErrorKind::Throttled, ErrorKind::Forbidden] {
        let world = World { mode: Mode::Production, ..World::new() };
        let shop = || world.shop([debian("web", 3).build().unwrap()]);
        let running = shop().start().await.unwrap();
        running.ready().await.unwrap();
        running.detach().await.unwrap().assert_clean();
        tokio::time::sleep(Duration::from_secs(3600)).await;
        for _ in 0..200 {
            world.cloud.fail(Operation::Wait, sick(kind));
            world.cloud.fail(Operation::Describe, sick(kind));
        }
        let running = shop().start().await.unwrap();
        assert_eq!(running.ready().await.unwrap_err().kind(), ErrorKind::Unavailable);
        running.detach().await.unwrap().assert_clean();
        assert_eq!(world.cloud.script().count(Operation::Terminate), 0, "{kind:?}");
        world.cloud.script().heal();
        let running = shop().start().await.unwrap();
        running.ready().await.unwrap();
        assert_eq!((world.cloud.live(), world.cloud.instances().len()), (3, 3), "{kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_watcher_that_gives_up_with_a_word_of_its_own_ends_no_node() {
    let world = World::new();
    world.cloud.boot_time(Duration::from_secs(3000));
    for _ in 0..200 {
        let error = Error::new(ErrorKind::Timeout, "nobody answered").status(Status::Temporary);
        world.cloud.fail(Operation::Wait, Fault::Error(error));
    }
    let running = world.shop([debian("web", 1).build().unwrap()]).start().await.unwrap();
    assert_eq!(running.ready().await.unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!((world.cloud.live(), world.cloud.instances().len()), (1, 1));
    running.terminate().await.unwrap().assert_clean();
}
