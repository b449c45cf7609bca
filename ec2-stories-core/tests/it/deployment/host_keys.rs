//! Host keys in user data, over restarts.

use std::fs;
use std::path::Path;

use ec2_stories_core::memory::{Fault, Operation};
use ec2_stories_core::model::{HostKeys, LoginSpec};
use ec2_stories_core::{Deployment, ErrorKind, Fleet};

use super::world::{World, debian};

fn web(key: &Path) -> Fleet {
    let host_keys = Some(HostKeys::Injected(key.to_owned()));
    debian("web", 1).login(LoginSpec { host_keys, ..LoginSpec::default() }).build().unwrap()
}

/// A start whose process dies before the cloud hears of the launch that it has written down.
async fn dies_at_the_launch(world: &World, shop: &Deployment) {
    world.cloud.fail(Operation::Launch, Fault::StallBefore);
    let running = shop.start().await.unwrap();
    world.cloud.script().stalled().await;
    running.kill().await;
}

#[tokio::test(start_paused = true)]
async fn a_launch_is_replayed_with_the_key_that_it_was_written_down_with() {
    let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
    let key = folder.path().join("host-key");
    let shop = world.shop([web(&key)]);
    dies_at_the_launch(&world, &shop).await;
    let made = fs::read(&key).unwrap();
    let running = shop.start().await.unwrap();
    running.ready().await.unwrap();
    assert_eq!(fs::read(&key).unwrap(), made);
    running.terminate().await.unwrap().assert_clean();
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_lost_or_another_one_is_said_and_nothing_is_launched() {
    for lost in [true, false] {
        let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
        let key = folder.path().join("host-key");
        let shop = world.shop([web(&key)]);
        dies_at_the_launch(&world, &shop).await;
        let made = fs::read(&key).unwrap();
        fs::remove_file(&key).unwrap();
        if !lost {
            let other = World::new();
            let running = other.shop([web(&key)]).start().await.unwrap();
            running.ready().await.unwrap();
            running.terminate().await.unwrap().assert_clean();
            assert_ne!(fs::read(&key).unwrap(), made);
        }
        let running = shop.start().await.unwrap();
        let error = running.ready().await.unwrap_err();
        let said = error.chain();
        assert!(said.contains(key.to_str().unwrap()), "{said}");
        assert!(lost || said.contains("put the old one back"), "{said}");
        assert_ne!(error.kind(), ErrorKind::Timeout);
        assert!(world.cloud.instances().is_empty(), "{said}");
        running.terminate().await.unwrap().assert_clean();
        world.assert_nothing_is_left();
    }
}
