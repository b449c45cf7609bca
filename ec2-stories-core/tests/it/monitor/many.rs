//! A hundred thousand.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ec2_stories_core::model::{Generation, Health, NodeAddress};
use ec2_stories_core::monitor::{HealthMonitor, HealthState};
use ec2_stories_core::probe::probe_fn;
use ec2_stories_core::provider::{Liveness, Monitor, Node};
use tokio::time::{Instant, sleep};

use super::world::ZONES;
use crate::support::{name, node};

const TARGETS: u32 = 100_000;

#[tokio::test(start_paused = true)]
async fn a_hundred_thousand_targets_are_probed_for_an_hour_and_the_dead_among_them_found() {
    let (asked, at_once, most) =
        (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let probe = {
        let (asked, at_once, most) = (asked.clone(), at_once.clone(), most.clone());
        probe_fn("counts", move |node: Node| {
            let (asked, at_once, most) = (asked.clone(), at_once.clone(), most.clone());
            async move {
                asked.fetch_add(1, Ordering::Relaxed);
                most.fetch_max(at_once.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                sleep(Duration::from_millis(20)).await;
                at_once.fetch_sub(1, Ordering::Relaxed);
                if node.address.slot.is_multiple_of(1000) && node.instance.launch_index != 7 {
                    return Liveness::Failing("no answer".to_owned());
                }
                Liveness::Live
            }
        })
    };
    // An hour of ten-second periods would be 36 million probes, minutes of a test's time; the turns are the same.
    let period = Duration::from_secs(900);
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    let health =
        Health { period, startup_timeout: minutes(16), dead_after: minutes(15), ..Health::default() };
    let monitor =
        HealthMonitor::builder().fleet(name("web"), health, Some(Arc::new(probe))).max_probes(256).build();
    let template = node(0, "10.0.0.1");
    let with = |slot: u32, launch_index: u32| {
        let mut node = Node { address: NodeAddress::new(name("web"), slot), ..template.clone() };
        node.instance.zone = ZONES[slot as usize % 3].into();
        node.instance.launch_index = launch_index;
        node
    };
    for slot in 0..TARGETS {
        monitor.watch(&with(slot, 0), Generation::FIRST).await.unwrap();
    }
    let end = Instant::now() + minutes(60);
    let mut replaced = 0;
    while let Ok(change) = tokio::time::timeout_at(end, monitor.changed()).await {
        let (node, generation, verdict) = change.unwrap();
        if matches!(verdict, ec2_stories_core::provider::Verdict::Replace(_)) {
            assert!(node.slot.is_multiple_of(1000), "{node} is well");
            replaced += 1;
            monitor.watch(&with(node.slot, 7), generation.next()).await.unwrap();
        }
    }
    assert_eq!(replaced, TARGETS / 1000);
    let asked = asked.load(Ordering::Relaxed);
    assert!((390_000..=405_000).contains(&asked), "{asked} probes; an hour has four periods");
    assert!((1..=256).contains(&most.load(Ordering::Relaxed)), "{most:?} at once");
    // Those that were replaced last have their turn, too.
    sleep(minutes(20)).await;
    let snapshot = monitor.snapshot();
    assert_eq!(snapshot.blind, None);
    let live = snapshot.nodes.iter().filter(|node| node.state == HealthState::Live).count();
    assert_eq!(live, TARGETS as usize);
}
