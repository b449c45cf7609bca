//! The process may die at any call and at any write while it replaces a node.

use ec2_stories_core::Fleet;
use ec2_stories_core::memory::{Fault, MemoryMonitor};
use ec2_stories_core::model::{Health, Mode, Replace};
use ec2_stories_core::provider::Verdict;

use super::replacement::{Shop, is_live, node, until};
use super::world::debian;

/// Where the process dies.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Where {
    Cloud,
    Journal,
    Names,
}

/// Why the node is replaced, and how.
#[derive(Clone, Copy, Debug)]
struct How {
    healthy: bool,
    order: Replace,
}

impl Where {
    fn calls(self, shop: &Shop) -> usize {
        match self {
            Self::Cloud => shop.world.cloud.script().calls().len(),
            Self::Journal => shop.world.store.script().calls().len(),
            Self::Names => shop.names.script().calls().len(),
        }
    }

    fn fail(self, shop: &Shop, index: usize, fault: Fault) {
        match self {
            Self::Cloud => shop.world.cloud.fail(index, fault),
            Self::Journal => shop.world.store.fail(index, fault),
            Self::Names => shop.names.script().fail(index, fault),
        }
    }
}

fn fleets(shop: &Shop, order: Replace) -> Vec<Fleet> {
    let health = Health { replace: order, ..Health::default() };
    let web = debian("web", 2).after("db").customize(shop.packages.clone()).registrar(shop.names.clone());
    vec![debian("db", 1).build().unwrap(), web.health(health).build().unwrap()]
}

fn judge(shop: &Shop, how: How) {
    let by = ec2_stories_core::Clock::now(&shop.world.cloud.clock()) + std::time::Duration::from_secs(7200);
    let verdict = match how.healthy {
        true => Verdict::Leaving { why: "retirement".to_owned(), by },
        false => Verdict::Replace("no answer".to_owned()),
    };
    shop.monitor.judge(&"web/0".parse().unwrap(), verdict);
}

/// Replaces a node, and dies at a call of it, the `after`-th since all nodes lived; whether it died before the replacement was done.
async fn dies(shop: &Shop, how: How, place: Where, after: usize, fault: Fault) -> bool {
    let running = shop.start(fleets(shop, how.order)).await;
    place.fail(shop, place.calls(shop) + after, fault);
    judge(shop, how);
    let replaced = async {
        until(&running, "web/0", is_live(2)).await;
        // What it replaced is drained, and goes, in the meantime.
        tokio::time::sleep(std::time::Duration::from_secs(120)).await;
    };
    let died = tokio::select! {
        () = replaced => false,
        () = shop.world.cloud.script().stalled() => true,
        () = shop.world.store.script().stalled() => true,
        () = shop.names.script().stalled() => true,
    };
    running.kill().await;
    died
}

async fn goes_on(shop: &mut Shop, how: How, at: &str) {
    shop.monitor = MemoryMonitor::new(std::sync::Arc::new(shop.world.cloud.clock()));
    let running = shop.start(fleets(shop, how.order)).await;
    if node(&running, "web/0").generation.0 == 1 {
        // The monitor of this process has to say it anew.
        judge(shop, how);
    }
    until(&running, "web/0", is_live(2)).await;
    tokio::time::sleep(std::time::Duration::from_secs(120)).await;
    let seen = node(&running, "web/0");
    assert!(is_live(2)(&seen), "{at}: {seen:?}");
    shop.world.assert_no_doubles();
    assert_eq!(shop.world.cloud.live(), 3, "{at}");
    assert_eq!(shop.world.cloud.instances().len(), 4, "{at}: something was launched twice");
    let instance = seen.instance.unwrap();
    assert_eq!(shop.names.lookup("web-0.shop"), instance.private_ip, "{at}");
    assert_eq!(shop.packages.done(&instance.id).len(), 2, "{at}");
    running.terminate().await.unwrap().assert_clean();
    shop.world.assert_nothing_is_left();
    assert!(shop.names.names().is_empty(), "{at}");
}

async fn die_everywhere(how: How) -> usize {
    let mut points = 0;
    for place in [Where::Cloud, Where::Journal, Where::Names] {
        for fault in [(|| Fault::StallBefore) as fn() -> Fault, || Fault::StallAfter] {
            for after in 0.. {
                let mut shop = Shop::new();
                shop.world.mode = Mode::Production;
                if !dies(&shop, how, place, after, fault()).await {
                    break;
                }
                points += 1;
                goes_on(&mut shop, how, &format!("{how:?}, died at {place:?} {after}, {:?}", fault())).await;
            }
        }
    }
    points
}

#[tokio::test(start_paused = true)]
async fn a_replacement_is_gone_on_with_by_another_process() {
    let mut points = 0;
    for healthy in [false, true] {
        points += die_everywhere(How { healthy, order: Replace::TerminateFirst }).await;
    }
    println!("died at {points} points of a replacement, and went on from each");
    assert!(points > 80, "only {points}");
}

#[tokio::test(start_paused = true)]
async fn a_launch_beside_is_gone_on_with_by_another_process() {
    let mut points = 0;
    for healthy in [false, true] {
        points += die_everywhere(How { healthy, order: Replace::LaunchFirst }).await;
    }
    println!("died at {points} points of a launch beside, and went on from each");
    assert!(points > 80, "only {points}");
}
