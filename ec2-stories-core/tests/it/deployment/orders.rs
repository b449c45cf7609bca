//! What operators order: from the handle, from another process, and across restarts.

use std::time::Duration;

use ec2_stories_core::deployment::machine::Phase;
use ec2_stories_core::model::{Image, InstanceState, Mode, NodeAddress};
use ec2_stories_core::provider::{Expect, Hold, TupleStore};
use ec2_stories_core::{Clock, Deployment, ErrorKind, Fleet, Running};
use tokio::time::sleep;

use super::replacement::{Shop, is_live, node, until};
use super::world::{World, debian};

fn address(text: &str) -> NodeAddress {
    text.parse().unwrap()
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The fleet's live nodes.
fn live(running: &Running) -> Vec<String> {
    let live = running.nodes().into_iter().filter(|node| node.phase == Phase::Live);
    live.map(|node| node.address.to_string()).collect()
}

async fn until_live(running: &Running, wanted: &[&str]) {
    for _ in 0..20_000 {
        if live(running) == wanted {
            return;
        }
        sleep(Duration::from_millis(100)).await;
    }
    panic!("not {wanted:?}: {:?}", running.nodes());
}

fn hold(shop: &World, minutes: u64) -> Hold {
    let until = shop.cloud.clock().now() + seconds(60 * minutes);
    Hold { owner: "ada".to_owned(), reason: "a look at it".to_owned(), until }
}

#[tokio::test(start_paused = true)]
async fn a_fleet_grows_and_shrinks_from_its_highest_slot_down() {
    let shop = Shop::new();
    let running = shop.start([shop.web(2)]).await;
    let web = "web".parse().unwrap();
    running.scale(&web, 4).await.unwrap();
    running.ready().await.unwrap();
    assert_eq!(live(&running), ["web/0", "web/1", "web/2", "web/3"]);
    running.scale(&web, 1).await.unwrap();
    until_live(&running, &["web/0"]).await;
    sleep(seconds(600)).await;
    assert_eq!((running.nodes().len(), shop.world.cloud.live()), (1, 1));
    assert_eq!(shop.names.names().len(), 1, "what is gone is registered nowhere");
    running.scale(&web, 2).await.unwrap();
    running.ready().await.unwrap();
    shop.world.assert_no_doubles();
    running.terminate().await.unwrap().assert_clean();
    shop.world.assert_nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn a_scale_order_outlives_the_controller_until_the_description_changes() {
    let shop = Shop::new();
    let deployment = |nodes| shop.describe([shop.web(nodes)]);
    let running = shop.start([shop.web(3)]).await;
    // Another process, which the controller is not told of.
    deployment(3).scale(&"web".parse().unwrap(), 1).await.unwrap();
    until(&running, "web/1", |node| node.phase != Phase::Live).await;
    running.kill().await;
    let running = deployment(3).start().await.unwrap();
    running.ready().await.unwrap();
    sleep(seconds(600)).await;
    assert_eq!((running.nodes().len(), shop.world.cloud.live()), (1, 1));
    running.kill().await;
    let status = deployment(3).status().await.unwrap();
    assert_eq!(status.nodes.iter().filter(|node| node.wanted).count(), 1, "{status}");
    // The description has the last word.
    let running = deployment(2).start().await.unwrap();
    running.ready().await.unwrap();
    assert_eq!(live(&running), ["web/0", "web/1"]);
    shop.world.assert_no_doubles();
    running.terminate().await.unwrap().assert_clean();
    shop.world.assert_nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn while_it_is_paused_nothing_is_launched_or_replaced_and_then_all_that_is_due() {
    let shop = Shop::new();
    let running = shop.start([shop.web(3)]).await;
    running.pause("ada", "the network is worked on").await.unwrap();
    shop.dead("web/1");
    running.scale(&"web".parse().unwrap(), 5).await.unwrap();
    sleep(seconds(3600)).await;
    assert_eq!((shop.world.cloud.instances().len(), shop.world.cloud.live()), (3, 3));
    running.kill().await;
    let running = shop.describe([shop.web(3)]).start().await.unwrap();
    sleep(seconds(3600)).await;
    assert_eq!(shop.world.cloud.instances().len(), 3, "a restart does not end a pause");
    shop.dead("web/1");
    running.resume().await.unwrap();
    until(&running, "web/1", is_live(2)).await;
    running.ready().await.unwrap();
    assert_eq!((shop.world.cloud.instances().len(), shop.world.cloud.live()), (6, 5));
    running.terminate().await.unwrap().assert_clean();
    shop.world.assert_nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn what_a_new_controller_finds_stopped_is_kept_for_as_long_as_it_is_paused_or_held() {
    for pauses in [true, false] {
        let shop = Shop::new();
        let running = shop.start([shop.web(2)]).await;
        let before = node(&running, "web/1").instance.unwrap().id;
        if pauses {
            running.pause("ada", "the network is worked on").await.unwrap();
        } else {
            running.hold(&address("web/1"), hold(&shop.world, 60)).await.unwrap();
        }
        running.kill().await;
        shop.world.cloud.stop(&before);
        sleep(seconds(300)).await;
        let running = shop.describe([shop.web(2)]).start().await.unwrap();
        sleep(seconds(1800)).await;
        assert_eq!(shop.world.cloud.state(&before), Some(InstanceState::Stopped));
        assert_eq!(shop.world.cloud.instances().len(), 2);
        if pauses {
            running.resume().await.unwrap();
        }
        until(&running, "web/1", is_live(2)).await;
        assert_eq!(shop.world.cloud.state(&before), Some(InstanceState::Terminated));
        running.terminate().await.unwrap().assert_clean();
        shop.world.assert_nothing_is_left();
    }
}

#[tokio::test(start_paused = true)]
async fn a_replacement_that_is_under_way_stops_at_a_pause_and_goes_on_after_it() {
    let shop = Shop::new();
    let running = shop.start([shop.web(2)]).await;
    running.replace(&address("web/1"), "it is old").await.unwrap();
    until(&running, "web/1", |node| node.phase == Phase::Draining).await;
    running.pause("ada", "not now").await.unwrap();
    sleep(seconds(3600)).await;
    assert_eq!((shop.world.cloud.instances().len(), shop.world.cloud.live()), (2, 2));
    running.resume().await.unwrap();
    until(&running, "web/1", is_live(2)).await;
    running.terminate().await.unwrap().assert_clean();
    shop.world.assert_nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn a_hold_from_another_process_keeps_a_node_until_it_ends_or_is_released() {
    let shop = Shop::new();
    let running = shop.start([shop.web(3)]).await;
    let other = shop.describe([shop.web(3)]);
    for held in ["web/0", "web/1"] {
        other.hold(&address(held), hold(&shop.world, 30)).await.unwrap();
    }
    sleep(seconds(6)).await;
    shop.dead("web/0");
    shop.dead("web/1");
    // Neither is taken down by an order to have fewer.
    sleep(seconds(600)).await;
    assert_eq!(shop.world.cloud.instances().len(), 3);
    other.release(&address("web/0")).await.unwrap();
    until(&running, "web/0", is_live(2)).await;
    assert!(is_live(1)(&node(&running, "web/1")));
    until(&running, "web/1", is_live(2)).await;
    assert!(other.orders().await.unwrap().release.is_empty(), "it is struck out");
    running.terminate().await.unwrap().assert_clean();
    shop.world.assert_nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn a_surplus_node_that_is_held_stays_until_it_is_released() {
    let shop = Shop::new();
    let running = shop.start([shop.web(3)]).await;
    running.hold(&address("web/2"), hold(&shop.world, 60)).await.unwrap();
    running.scale(&"web".parse().unwrap(), 1).await.unwrap();
    sleep(seconds(1800)).await;
    assert_eq!(live(&running), ["web/0", "web/2"]);
    until_live(&running, &["web/0"]).await;
    running.terminate().await.unwrap().assert_clean();
    shop.world.assert_nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn quarantine_and_replacement_are_ordered_once_and_survive_a_death() {
    let shop = Shop::new();
    let running = shop.start([shop.web(2)]).await;
    running.quarantine(&address("web/1"), "it behaves oddly").await.unwrap();
    until(&running, "web/1", |node| node.phase == Phase::Quarantined).await;
    running.kill().await;
    let running = shop.describe([shop.web(2)]).start().await.unwrap();
    sleep(seconds(3600)).await;
    assert_eq!(live(&running), ["web/0"]);
    running.release(&address("web/1")).await.unwrap();
    until(&running, "web/1", is_live(2)).await;
    running.replace(&address("web/0"), "its disk is old").await.unwrap();
    until(&running, "web/0", is_live(2)).await;
    sleep(seconds(3600)).await;
    running.kill().await;
    let running = shop.describe([shop.web(2)]).start().await.unwrap();
    sleep(seconds(3600)).await;
    assert!(is_live(2)(&node(&running, "web/0")), "what was done is not done again");
    assert_eq!(shop.world.cloud.instances().len(), 4);
    running.terminate().await.unwrap().assert_clean();
    shop.world.assert_nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn an_order_that_makes_no_sense_says_why() {
    let world = World::new();
    let shop = world.shop([debian("web", 2).build().unwrap()]);
    let (web, db) = ("web".parse().unwrap(), "db".parse().unwrap());
    assert_eq!(shop.scale(&db, 1).await.unwrap_err().kind(), ErrorKind::NotFound);
    let error = shop.scale(&web, 100_000).await.unwrap_err();
    assert!(error.to_string().contains("limits.nodes"), "{error}");
    let missing = shop.replace(&address("web/2"), "old").await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    assert!(shop.pause("", "why").await.unwrap_err().to_string().contains("pause.owner"));
    assert!(shop.quarantine(&address("web/0"), " ").await.unwrap_err().to_string().contains("reason"));
    let soon = |minutes| hold(&world, minutes);
    for (wrong, field) in [
        (Hold { owner: String::new(), ..soon(1) }, "hold.owner"),
        (Hold { reason: String::new(), ..soon(1) }, "hold.reason"),
        (soon(0), "hold.until"),
        (soon(24 * 60 + 1), "hold.until"),
    ] {
        let error = shop.hold(&address("web/0"), wrong).await.unwrap_err();
        assert!(error.kind() == ErrorKind::Invalid && error.to_string().contains(field), "{error}");
    }
    assert!(world.store.dump().is_empty(), "nothing of that was written");
}

#[tokio::test(start_paused = true)]
async fn orders_end_with_the_deployment_and_damaged_ones_are_named() {
    let world = World { mode: Mode::Production, ..World::new() };
    let shop = || world.shop([debian("web", 1).build().unwrap()]);
    let running = shop().start().await.unwrap();
    running.ready().await.unwrap();
    running.pause("ada", "a look").await.unwrap();
    running.terminate().await.unwrap().assert_clean();
    assert_eq!(shop().orders().await.unwrap(), Default::default());
    let name = "deployments/shop/orders";
    world.store.put(name, b"nonsense", Expect::Anything).await.unwrap();
    let error = shop().start().await.unwrap_err();
    assert_eq!((error.kind(), error.resource()), (ErrorKind::Corrupt, Some(name)));
    let status = shop().status().await.unwrap();
    assert!(status.damaged[0].contains(name), "{status}");
}

/// A shop whose nodes are launched from this image.
fn from(shop: &Shop, image: &str, nodes: u32) -> Deployment {
    shop.describe([web(shop, image, nodes)])
}

fn web(shop: &Shop, image: &str, nodes: u32) -> Fleet {
    let fleet = Fleet::builder().name("web").nodes(nodes).image(Image::public(image));
    fleet.customize(shop.packages.clone()).registrar(shop.names.clone()).build().unwrap()
}

/// How many live instances were launched from each image, the first image's first.
fn images(shop: &Shop) -> Vec<usize> {
    let mut counts = std::collections::BTreeMap::new();
    for instance in shop.world.cloud.instances() {
        if matches!(instance.state, InstanceState::Pending | InstanceState::Running) {
            *counts.entry(instance.image).or_insert(0) += 1;
        }
    }
    counts.into_values().collect()
}

#[tokio::test(start_paused = true)]
async fn an_update_replaces_the_nodes_of_another_image_a_few_at_a_time() {
    let shop = Shop::new();
    let mut running = from(&shop, "debian-12", 5).start().await.unwrap();
    running.ready().await.unwrap();
    running.update(&from(&shop, "debian-13", 5)).await.unwrap();
    let ready = running.ready();
    tokio::pin!(ready);
    loop {
        tokio::select! {
            done = &mut ready => break done.unwrap(),
            () = sleep(seconds(1)) => {
                assert!(shop.world.cloud.live() >= 4, "one at a time");
            }
        }
    }
    assert_eq!((images(&shop), shop.world.cloud.instances().len()), (vec![5], 10));
    shop.world.assert_no_doubles();
    sleep(seconds(3600)).await;
    assert_eq!(shop.world.cloud.instances().len(), 10, "and that is all");
    running.terminate().await.unwrap().assert_clean();
    shop.world.assert_nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn a_plain_start_replaces_nothing_and_a_rollout_survives_a_death() {
    let shop = Shop::new();
    let running = from(&shop, "debian-12", 3).start().await.unwrap();
    running.ready().await.unwrap();
    running.kill().await;
    let running = from(&shop, "debian-13", 3).start().await.unwrap();
    running.ready().await.unwrap();
    sleep(seconds(3600)).await;
    assert_eq!(shop.world.cloud.instances().len(), 3);
    running.kill().await;
    let running = from(&shop, "debian-13", 3).start_updating().await.unwrap();
    until(&running, "web/0", is_live(2)).await;
    running.kill().await;
    let running = from(&shop, "debian-13", 3).start().await.unwrap();
    running.ready().await.unwrap();
    assert_eq!((images(&shop), shop.world.cloud.instances().len()), (vec![3], 6));
    running.terminate().await.unwrap().assert_clean();
    shop.world.assert_nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn a_rollout_halts_at_the_first_node_that_does_not_come_to_live() {
    let shop = Shop::new();
    let mut running = from(&shop, "debian-12", 4).start().await.unwrap();
    running.ready().await.unwrap();
    shop.world.cloud.fail_boot("Server.InternalError", "Internal error on launch");
    running.update(&from(&shop, "debian-13", 4)).await.unwrap();
    let error = running.ready().await.unwrap_err();
    assert!(error.to_string().contains("halts"), "{error}");
    sleep(seconds(3600)).await;
    assert_eq!(
        images(&shop),
        [3, 1],
        "the others are left as they are; the one that was begun is seen through"
    );
    running.terminate().await.unwrap().assert_clean();
    shop.world.assert_nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn an_update_that_is_unsound_changes_nothing() {
    let shop = Shop::new();
    let mut running = from(&shop, "debian-12", 2).start().await.unwrap();
    running.ready().await.unwrap();
    let unsound = shop.describe([debian("web", 3)
        .key(ec2_stories_core::model::KeyPairSpec::Generated("/no/such/folder/key".into()))
        .build()
        .unwrap()]);
    assert_eq!(running.update(&unsound).await.unwrap_err().kind(), ErrorKind::Invalid);
    // No node is missing, and yet the image is needed.
    let gone = Fleet::builder()
        .name("web")
        .nodes(2)
        .image(Image::Id("ami-0123456789abcdef0".into()))
        .build()
        .unwrap();
    let gone = shop.describe([gone]);
    let error = running.update(&gone).await.unwrap_err();
    assert!(error.to_string().contains("fleet.web.image"), "{error}");
    assert_eq!(live(&running), ["web/0", "web/1"]);
    running.terminate().await.unwrap().assert_clean();
    shop.world.assert_nothing_is_left();
}
