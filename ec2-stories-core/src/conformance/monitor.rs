//! The suite for monitors.

use std::time::Duration;

use async_trait::async_trait;
use tokio::time::timeout;

use super::{demand, fails, succeeds};
use crate::ErrorKind;
use crate::model::{Generation, NodeAddress};
use crate::provider::{Hold, Monitor, Node, Verdict};
use crate::{Clock, Result};

/// What the suite for [`Monitor`] needs.
#[async_trait]
pub trait MonitorBench: Send + Sync {
    /// The monitor; it watches nothing yet.
    fn monitor(&self) -> &dyn Monitor;

    /// The clock by which holds end.
    fn clock(&self) -> &dyn Clock;

    /// Two nodes that live.
    fn nodes(&self) -> [Node; 2];

    /// Lets a node die.
    async fn kill(&self, node: &NodeAddress);

    /// Lets a dead node live again.
    async fn revive(&self, node: &NodeAddress);

    /// Announces that the cloud will end a node; `false` for a monitor that hears of no such thing.
    async fn announce(&self, node: &NodeAddress) -> bool {
        let _ = node;
        false
    }

    /// How long the monitor takes, at most, to change its verdict.
    fn patience(&self) -> Duration;

    /// How long failures count for nothing after a watch began.
    fn start_up_time(&self) -> Duration {
        Duration::ZERO
    }
}

/// Checks a [`Monitor`].
///
/// # Panics
/// With the contract's bullet that was broken.
pub async fn monitor(bench: &dyn MonitorBench) {
    generations(bench).await;
    holds(bench).await;
    forgets(bench).await;
    begins_anew(bench).await;
    leaves(bench).await;
}

type Change = (NodeAddress, Generation, Verdict);

/// The changes until there is one that `wanted` wants, or none for as long as the monitor may take.
async fn until(bench: &dyn MonitorBench, wanted: impl Fn(&Change) -> bool, bullet: &str) -> Vec<Change> {
    let mut changes = Vec::new();
    while let Ok(change) = timeout(bench.patience(), bench.monitor().changed()).await {
        changes.push(succeeds::<Change>(change as Result<Change>, bullet));
        if changes.last().is_some_and(&wanted) {
            break;
        }
    }
    changes
}

fn replaces(node: &Node) -> impl Fn(&Change) -> bool {
    move |(address, _, verdict)| *address == node.address && matches!(verdict, Verdict::Replace(_))
}

async fn generations(bench: &dyn MonitorBench) {
    const ONCE: &str = "changed returns each change once, with the generation it is about";
    const LATER: &str =
        "watch again with a later generation replaces what was known; an earlier one is ignored";
    let [node, healthy] = bench.nodes();
    let monitor = bench.monitor();
    let (first, second) = (Generation::FIRST, Generation::FIRST.next());
    succeeds(monitor.watch(&node, first).await, ONCE);
    succeeds(monitor.watch(&healthy, first).await, ONCE);
    bench.kill(&node.address).await;
    let changes = until(bench, replaces(&node), ONCE).await;
    let Some((address, generation, Verdict::Replace(_))) = changes.last() else {
        panic!("contract broken: a dead node is Replace: {changes:?}")
    };
    demand((address, *generation) == (&node.address, first), ONCE, &changes);
    let more = until(bench, replaces(&node), ONCE).await;
    demand(more.is_empty(), ONCE, &more);

    bench.revive(&node.address).await;
    succeeds(monitor.watch(&node, second).await, LATER);
    succeeds(monitor.watch(&node, first).await, LATER);
    bench.kill(&node.address).await;
    let changes = until(bench, replaces(&node), LATER).await;
    demand(changes.last().is_some_and(|(_, generation, _)| *generation == second), LATER, &changes);
    demand(!changes.iter().any(replaces(&healthy)), "healthy nodes are never Replace", &changes);
    bench.revive(&node.address).await;
    for node in [node, healthy] {
        succeeds(monitor.forget(&node.address).await, ONCE);
    }
}

async fn holds(bench: &dyn MonitorBench) {
    const HELD: &str = "a node that is held is never Replace; when the hold ends the verdict follows";
    const UNWATCHED: &str = "hold of a node that is not watched is NotFound; release of it is a success";
    let [node, _] = bench.nodes();
    let monitor = bench.monitor();
    let hold = |patience: Duration| Hold {
        owner: "suite".to_owned(),
        reason: "upgrade".to_owned(),
        until: bench.clock().now() + patience,
    };
    fails(monitor.hold(&node.address, hold(bench.patience())).await, ErrorKind::NotFound, UNWATCHED);
    succeeds(monitor.release(&node.address).await, UNWATCHED);

    // One hold ends by itself, one is released.
    for (generation, released) in [(Generation(1), false), (Generation(2), true)] {
        succeeds(monitor.watch(&node, generation).await, HELD);
        succeeds(monitor.hold(&node.address, hold(bench.patience() * 4)).await, HELD);
        bench.kill(&node.address).await;
        let changes = until(bench, replaces(&node), HELD).await;
        demand(!changes.iter().any(replaces(&node)), HELD, &changes);
        if released {
            succeeds(monitor.release(&node.address).await, HELD);
        } else {
            tokio::time::sleep(bench.patience() * 4).await;
        }
        let changes = until(bench, replaces(&node), HELD).await;
        demand(changes.last().is_some_and(replaces(&node)), HELD, &changes);
        bench.revive(&node.address).await;
    }
    succeeds(monitor.forget(&node.address).await, HELD);
}

async fn forgets(bench: &dyn MonitorBench) {
    const BULLET: &str =
        "a node that was forgotten has no verdict; forget of one that is not watched is a success";
    let [node, _] = bench.nodes();
    succeeds(bench.monitor().watch(&node, Generation(3)).await, BULLET);
    for _ in 0..2 {
        succeeds(bench.monitor().forget(&node.address).await, BULLET);
    }
    bench.kill(&node.address).await;
    let changes = until(bench, |_| true, BULLET).await;
    demand(changes.is_empty(), BULLET, &changes);
    bench.revive(&node.address).await;
}

async fn begins_anew(bench: &dyn MonitorBench) {
    const BULLET: &str =
        "watch with the same generation begins the start-up time anew, what was decided is void";
    let [node, _] = bench.nodes();
    let monitor = bench.monitor();
    succeeds(monitor.watch(&node, Generation(4)).await, BULLET);
    for _ in 0..2 {
        bench.kill(&node.address).await;
        let changes = until(bench, replaces(&node), BULLET).await;
        demand(changes.last().is_some_and(replaces(&node)), BULLET, &changes);
        bench.revive(&node.address).await;
        succeeds(monitor.watch(&node, Generation(4)).await, BULLET);
        let early = timeout(bench.start_up_time(), monitor.changed()).await;
        let early = early.ok().map(|change| succeeds(change, BULLET));
        demand(!early.as_ref().is_some_and(replaces(&node)), BULLET, &early);
    }
    succeeds(monitor.forget(&node.address).await, BULLET);
}

async fn leaves(bench: &dyn MonitorBench) {
    const BULLET: &str =
        "a node that lives and will be taken away is Leaving, and Replace only once it is dead";
    let [node, _] = bench.nodes();
    let monitor = bench.monitor();
    succeeds(monitor.watch(&node, Generation(5)).await, BULLET);
    if bench.announce(&node.address).await {
        let leaving = |(address, _, verdict): &Change| {
            *address == node.address && matches!(verdict, Verdict::Leaving { .. })
        };
        let changes = until(bench, leaving, BULLET).await;
        demand(changes.last().is_some_and(leaving), BULLET, &changes);
        demand(!changes.iter().any(replaces(&node)), BULLET, &changes);
        bench.kill(&node.address).await;
        let changes = until(bench, replaces(&node), BULLET).await;
        demand(changes.last().is_some_and(replaces(&node)), BULLET, &changes);
    }
    succeeds(monitor.forget(&node.address).await, BULLET);
    bench.revive(&node.address).await;
}
