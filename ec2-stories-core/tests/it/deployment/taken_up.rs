//! Orders between an operator's word and what becomes of it: none is lost, and none is done twice.

use std::time::Duration;

use ec2_stories_core::deployment::machine::Phase;
use ec2_stories_core::memory::Fault;
use ec2_stories_core::model::{Health, Mode, NodeAddress, Replace};
use ec2_stories_core::store::MemoryStore;
use ec2_stories_core::{Error, ErrorKind, Fleet};
use tokio::time::{Instant, sleep};

use super::replacement::{Shop, is_live, node, until};
use super::world::debian;

fn address(text: &str) -> NodeAddress {
    text.parse().unwrap()
}

/// Fails the look of the controller that follows an order: the order itself is read and written before.
fn fail_the_look(store: &MemoryStore, fault: Fault) {
    store.fail(store.script().calls().len() + 2, fault);
}

#[tokio::test(start_paused = true)]
async fn orders_that_cannot_be_read_are_waited_for_or_the_reason_is_said() {
    let shop = Shop::new();
    let running = shop.start([shop.web(2)]).await;
    sleep(Duration::from_millis(100)).await;
    fail_the_look(&shop.world.store, Fault::Before);
    let began = Instant::now();
    running.pause("ada", "a look").await.unwrap();
    assert!(began.elapsed() >= Duration::from_secs(1), "it was not read at once");
    let refused = Error::new(ErrorKind::Forbidden, "not yours");
    fail_the_look(&shop.world.store, Fault::Error(refused));
    let error = running.resume().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    assert!(error.to_string().contains("take up the order, which is given"), "{error}");
    running.terminate().await.unwrap().assert_clean();
}

#[tokio::test(start_paused = true)]
async fn a_quarantine_goes_with_its_slot() {
    let shop = Shop::new();
    let running = shop.start([shop.web(3)]).await;
    for quarantined in ["web/1", "web/2"] {
        running.quarantine(&address(quarantined), "it behaves oddly").await.unwrap();
        until(&running, quarantined, |node| node.phase == Phase::Quarantined).await;
    }
    let web = "web".parse().unwrap();
    running.scale(&web, 2).await.unwrap();
    let orders = || async { shop.describe([shop.web(3)]).orders().await.unwrap() };
    let left = orders().await.quarantine;
    assert_eq!(left.keys().map(ToString::to_string).collect::<Vec<_>>(), ["web/1"]);
    running.scale(&web, 3).await.unwrap();
    until(&running, "web/2", |node| node.phase == Phase::Live).await;
    assert_eq!(node(&running, "web/1").phase, Phase::Quarantined);
    running.terminate().await.unwrap().assert_clean();
    shop.world.assert_nothing_is_left();
}

fn web(shop: &Shop, order: Replace) -> Fleet {
    let health = Health { replace: order, ..Health::default() };
    let web = debian("web", 2).customize(shop.packages.clone()).registrar(shop.names.clone());
    web.health(health).build().unwrap()
}

/// Lets the controller that takes up an order die at a call of the store; whether it died before it was done.
async fn dies(shop: &Shop, order: Replace, after: usize, fault: Fault) -> bool {
    let running = shop.start([web(shop, order)]).await;
    running.kill().await;
    shop.describe([web(shop, order)]).replace(&address("web/1"), "its disk is old").await.unwrap();
    shop.world.store.fail(shop.world.store.script().calls().len() + after, fault);
    let deployment = shop.describe([web(shop, order)]);
    let mut running = None;
    let starts = async {
        let running = running.insert(deployment.start().await.unwrap());
        until(running, "web/1", is_live(2)).await;
        sleep(Duration::from_secs(120)).await;
    };
    let died = tokio::select! {
        () = starts => false,
        () = shop.world.store.script().stalled() => true,
    };
    if let Some(running) = running {
        running.kill().await;
    }
    died
}

#[tokio::test(start_paused = true)]
async fn a_replacement_that_was_ordered_is_done_once_wherever_its_controller_dies() {
    let mut points = 0;
    for order in [Replace::TerminateFirst, Replace::LaunchFirst] {
        for fault in [(|| Fault::StallBefore) as fn() -> Fault, || Fault::StallAfter] {
            for after in 0.. {
                let mut shop = Shop::new();
                shop.world.mode = Mode::Production;
                if !dies(&shop, order, after, fault()).await {
                    break;
                }
                points += 1;
                let at = format!("{order:?}, died at {after}, {:?}", fault());
                // A listing is not to be believed too early after a death.
                sleep(Duration::from_secs(60)).await;
                let running = shop.start([web(&shop, order)]).await;
                sleep(Duration::from_secs(900)).await;
                let seen = node(&running, "web/1");
                assert!(is_live(2)(&seen), "{at}: {seen:?}");
                assert_eq!((shop.world.cloud.live(), shop.world.cloud.instances().len()), (2, 3), "{at}");
                shop.world.assert_no_doubles();
                running.terminate().await.unwrap().assert_clean();
                shop.world.assert_nothing_is_left();
            }
        }
    }
    println!("died at {points} points of an ordered replacement");
    assert!(points > 80, "only {points}");
}
