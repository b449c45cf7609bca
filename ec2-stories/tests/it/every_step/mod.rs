//! Every API call of a deployment fails in turn, each in every way; whoever comes next finds its way back.

mod process;

use std::collections::BTreeSet;

use ec2_stories::prelude::*;
use ec2_stories::sim::Fault;
use process::{Death, Process};

const NODES: usize = 4;

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
    /// The process is gone before the effect.
    GoneBefore,
    /// The process is gone after the effect, before the reply.
    GoneAfter,
}

const WAYS: [Way; 6] =
    [Way::Refused, Way::Throttled, Way::LostBefore, Way::LostAfter, Way::GoneBefore, Way::GoneAfter];

impl Way {
    fn fault(self) -> Option<Fault> {
        match self {
            Self::Refused => Some(Fault::Error { code: "UnauthorizedOperation".to_owned(), status: 403 }),
            Self::Throttled => Some(Fault::Throttle),
            Self::LostBefore => Some(Fault::ReplyLostBefore),
            Self::LostAfter => Some(Fault::ReplyLostAfter),
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

/// Up and down without a fault: how many calls that takes until the nodes are ready, and in all.
async fn calls() -> (u64, u64) {
    let (sim, journal) = (Sim::builder().seed(7).build(), MemoryStore::new());
    let running = up(&shop(&Process::new(None), &sim, &journal)).await.unwrap();
    let ready = sim.calls().total();
    running.terminate().await.unwrap().assert_clean();
    sim.assert_clean();
    (ready, sim.calls().total())
}

/// A first controller that meets the fault, and another that comes after it.
async fn fail_and_recover(way: Way, at_call: u64, on_the_way_up: bool) {
    let (sim, journal) = (Sim::builder().seed(7).build(), MemoryStore::new());
    let death = match way.fault() {
        Some(fault) => {
            sim.faults().at_call(at_call, fault);
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

#[tokio::test(start_paused = true)]
async fn whatever_call_fails_nothing_is_launched_twice_and_nothing_is_left() {
    let (ready, all) = calls().await;
    assert!(ready >= 8 && all > ready, "{ready} calls until ready, {all} in all");
    let mut points = 0;
    for way in WAYS {
        for at_call in 1..=all {
            fail_and_recover(way, at_call, at_call <= ready).await;
            points += 1;
        }
    }
    println!("{points} points: {all} calls, {ready} of them until ready, each failed in {} ways", WAYS.len());
}
