//! Waiting for an instance to run: how long, and what its end says.

use std::time::Duration;

use ec2_stories_core::MemoryStore;
use ec2_stories_core::model::Mode;

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
