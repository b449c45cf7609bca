//! Every API call of a deployment fails in turn, each in every way; whoever comes next finds its way back.

mod process;

use std::collections::BTreeSet;
use std::time::Duration;

use ec2_stories::prelude::*;
use ec2_stories::sim::{CallOutcome, Fault};
use process::{Death, Process};

const NODES: usize = 4;

/// What the SDK's standard retries make of one call.
const SDK_ATTEMPTS: u64 = 3;

/// How the call goes wrong.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// Refused, without effect, in a way that the SDK does not retry.
    Refused,
    /// Asked to slow down.
    Throttled,
    /// The connection broke before the effect.
    LostBefore,
    /// The connection broke after the effect.
    LostAfter,
    /// The connection broke after the effect, so often that the SDK gave up.
    CutOff,
    /// The process is gone before the effect.
    GoneBefore,
    /// The process is gone after the effect, before the reply.
    GoneAfter,
}

impl Way {
    /// The fault, and how many calls in a row it strikes.
    fn fault(self) -> Option<(Fault, u64)> {
        match self {
            Self::Refused => {
                Some((Fault::Error { code: "UnauthorizedOperation".to_owned(), status: 403 }, 1))
            }
            Self::Throttled => Some((Fault::Throttle, 1)),
            Self::LostBefore => Some((Fault::ReplyLostBefore, 1)),
            Self::LostAfter => Some((Fault::ReplyLostAfter, 1)),
            Self::CutOff => Some((Fault::ReplyLostAfter, SDK_ATTEMPTS)),
            Self::GoneBefore | Self::GoneAfter => None,
        }
    }
}

/// Two fleets with all that is made beside instances: groups that refer to each other, and a key pair.
fn shop(process: &Process, sim: &Sim, journal: &MemoryStore) -> Deployment {
    let name = |name: &str| Name::new(name).unwrap();
    let policy = |other: &str| FirewallPolicy::builder().tcp(5432, Source::Fleet(name(other))).build();
    let key = KeyPairSpec::PublicKey(
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFkQ0Qm2H9qC4dCzO0m4Fq0wqJmQ4hVQ0Qm2H9qC4dCz shop".to_owned(),
    );
    let db = Fleet::builder().name("db").nodes(1).image(Image::public("debian-12")).firewall(policy("web"));
    let web = Fleet::builder().name("web").nodes(3).image(Image::public("debian-12")).firewall(policy("db"));
    Deployment::builder()
        .name("shop")
        .mode(Mode::Production)
        .cloud(process.ec2(sim))
        .journal(process.disk(journal))
        .clock(sim.clock())
        .fleet(db.build().unwrap())
        .fleet(web.after("db").key(key).build().unwrap())
        .build()
        .unwrap()
}

/// Starts and waits. What cannot become ready is left, as a program does that ends in good order.
async fn up(shop: &Deployment) -> Result<Running> {
    let running = shop.start().await?;
    match running.ready().await {
        Ok(()) => Ok(running),
        Err(error) => {
            drop(running.detach().await);
            Err(error)
        }
    }
}

/// Machines that boot fast: each second that one is awaited is one more call that can fail, and no other way to fail.
fn sim() -> Sim {
    let (boot, terminate) = (Duration::from_secs(2), Duration::from_secs(1));
    Sim::builder().seed(7).latency(Latencies::builder().boot(boot).terminate(terminate).build()).build()
}

/// Up and down without a fault: how many calls that takes until the nodes are ready, and in all.
async fn calls() -> (u64, u64) {
    let (sim, journal) = (sim(), MemoryStore::new());
    let running = up(&shop(&Process::new(None), &sim, &journal)).await.unwrap();
    let ready = sim.calls().total();
    running.terminate().await.unwrap().assert_clean();
    sim.assert_clean();
    (ready, sim.calls().total())
}

/// A first controller that meets the fault, and another that comes after it.
async fn fail_and_recover(way: Way, at_call: u64, on_the_way_up: bool) {
    let (sim, journal) = (sim(), MemoryStore::new());
    let death = match way.fault() {
        Some((fault, calls)) => {
            for number in at_call..at_call + calls {
                sim.faults().at_call(number, fault.clone());
            }
            None
        }
        None => Some(Death { at_call, effect: matches!(way, Way::GoneAfter) }),
    };
    let first = Process::new(death);
    let deployment = shop(&first, &sim, &journal);
    let life = async {
        let Ok(running) = up(&deployment).await else { return };
        if on_the_way_up {
            drop(running.detach().await);
        } else {
            drop(running.terminate().await);
        }
    };
    tokio::select! {
        () = life => {}
        () = first.died() => {}
    }

    let place = format!("{way:?} at call {at_call}");
    let struck = sim.calls_log().iter().any(|call| call.number == at_call && call.outcome != CallOutcome::Ok);
    assert!(struck || first.is_dead(), "{place}: nothing went wrong");
    let next = shop(&Process::new(None), &sim, &journal);
    if on_the_way_up {
        let running = up(&next).await.unwrap_or_else(|error| panic!("{place}: {error:?}"));
        let alive: BTreeSet<_> = sim.running().into_iter().map(|instance| instance.id).collect();
        let nodes = running.nodes();
        let known: BTreeSet<_> =
            nodes.iter().map(|node| node.instance.as_ref().expect(&place).id.to_string()).collect();
        assert_eq!((nodes.len(), known.len()), (NODES, NODES), "{place}");
        assert_eq!(alive, known, "{place}: what runs is what is known");
        assert_eq!(sim.instances().len(), NODES, "{place}: nothing was launched twice");
        drop(running.detach().await);
    }
    let report = next.terminate().await.unwrap_or_else(|error| panic!("{place}: {error:?}"));
    assert!(report.is_clean(), "{place}: {report}");
    assert!(sim.leaks().is_empty(), "{place}: {}", sim.leaks());
}

async fn fail_every_call(way: Way) {
    let (ready, all) = calls().await;
    assert!(ready >= 8 && all > ready, "{ready} calls until ready, {all} in all");
    for at_call in 1..=all {
        fail_and_recover(way, at_call, at_call <= ready).await;
    }
    println!("{way:?}: {all} points, {ready} of them before the nodes are ready");
}

#[tokio::test(start_paused = true)]
async fn a_refused_call() {
    fail_every_call(Way::Refused).await;
}

#[tokio::test(start_paused = true)]
async fn a_throttled_call() {
    fail_every_call(Way::Throttled).await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_before_the_effect() {
    fail_every_call(Way::LostBefore).await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_after_the_effect() {
    fail_every_call(Way::LostAfter).await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_until_the_sdk_gives_up() {
    fail_every_call(Way::CutOff).await;
}

#[tokio::test(start_paused = true)]
async fn a_process_that_is_gone_before_the_effect() {
    fail_every_call(Way::GoneBefore).await;
}

#[tokio::test(start_paused = true)]
async fn a_process_that_is_gone_after_the_effect() {
    fail_every_call(Way::GoneAfter).await;
}
