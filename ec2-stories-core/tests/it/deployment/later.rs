//! What a later process can ask: status, sweep, a journal that it does not know.

use std::time::Duration;

use ec2_stories_core::ErrorKind;
use ec2_stories_core::memory::Operation;
use ec2_stories_core::model::{Generation, Mode, Slots};
use ec2_stories_core::provider::{Expect, InstanceDeployer, TupleStore};

use super::super::support;
use super::world::{World, debian};

#[tokio::test(start_paused = true)]
async fn the_status_is_read_from_the_journal_and_one_search() {
    let world = World { mode: Mode::Production, ..World::new() };
    let shop = world.shop([debian("web", 2).build().unwrap()]);
    assert_eq!(shop.status().await.unwrap().stage, "absent");
    let running = shop.start().await.unwrap();
    running.ready().await.unwrap();
    assert_eq!(shop.status().await.unwrap().stage, "running");
    running.detach().await.unwrap().assert_clean();
    let before = world.cloud.script().calls().len();
    let status = shop.status().await.unwrap();
    assert_eq!(world.cloud.script().calls()[before..], [Operation::Find]);
    assert_eq!((status.stage.as_str(), status.nodes.len()), ("detached", 2));
    assert!(status.to_string().contains("web/1"), "{status}");
    assert!(status.nodes.iter().all(|node| node.instance.is_some()), "{status}");
    shop.terminate().await.unwrap().assert_clean();
    assert_eq!(shop.status().await.unwrap().stage, "terminated");
}

#[tokio::test(start_paused = true)]
async fn a_sweep_ends_only_what_is_older_and_seen_twice() {
    let world = World::new();
    let shop = world.shop([debian("web", 1).build().unwrap()]);
    world.cloud.fail_boot("Server.InternalError", "Internal error on launch");
    let running = shop.start().await.unwrap();
    running.ready().await.unwrap();
    let mut stray = support::request(&world.cloud, "stray", 1).await;
    (stray.ownership.slots, stray.ownership.attempt) = (Slots::new([0]), 7);
    stray.token = world.token(&stray.ownership);
    let old = world.cloud.launch(&stray).await.unwrap().instances.remove(0).id;
    stray.ownership.generation = Generation(2);
    stray.token = world.token(&stray.ownership);
    let twin = world.cloud.launch(&stray).await.unwrap().instances.remove(0).id;

    let first = shop.sweep().await.unwrap();
    assert_eq!(first.strays.len(), 2, "{first}");
    assert!(first.strays.iter().all(|stray| !stray.terminated), "{first}");
    tokio::time::sleep(Duration::from_secs(61)).await;
    let second = shop.sweep().await.unwrap();
    let ended: Vec<_> =
        second.strays.iter().filter(|stray| stray.terminated).map(|stray| &stray.instance).collect();
    assert_eq!(ended, [&old], "{second}");
    assert!(second.strays.iter().any(|stray| stray.instance == twin && !stray.terminated));
    running.terminate().await.unwrap().assert_clean();
    world.assert_nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn a_journal_of_an_unknown_format_is_refused_by_name() {
    let world = World::new();
    let shop = world.shop([debian("web", 1).build().unwrap()]);
    for damaged in [&b"ec2-stories-journal 9 00\n{}"[..], b"{", b"null"] {
        let name = "deployments/shop/deployment";
        world.store.put(name, damaged, Expect::Anything).await.unwrap();
        let error = shop.start().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert_eq!(error.resource(), Some(name));
    }
    assert_eq!(world.cloud.script().count(Operation::Launch), 0);
}
