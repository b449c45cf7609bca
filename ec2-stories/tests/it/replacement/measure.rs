//! From the strike to the new instance at work, in virtual time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ec2_stories::deployment::machine::Phase;
use ec2_stories::model::{Health, NodeAddress};
use ec2_stories::monitor::HealthMonitor;
use ec2_stories::prelude::*;
use futures::StreamExt;
use jiff::Timestamp;
use tokio::time::{sleep, timeout};

use super::death::{Death, Services};

/// Struck at these times after it was last asked how it is, a node takes as long as it ever does in one of them.
const OFFSETS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(16)];

/// No way of dying takes longer.
const PATIENCE: Duration = Duration::from_secs(3600);

/// After its first success a node is known.
const SETTLED: Duration = Duration::from_secs(120);

/// How long it took; for several nodes the last one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Measured {
    /// Until the controller knew.
    pub(super) noticed: Duration,
    /// Until the new instance was at work.
    pub(super) replaced: Duration,
    /// How much of that the node was not there.
    pub(super) away: Duration,
}

/// The longest of several times.
pub(super) async fn measure(death: Death) -> Measured {
    let mut longest = Measured::default();
    for offset in OFFSETS {
        let one = once(death, offset).await;
        longest.noticed = longest.noticed.max(one.noticed);
        longest.replaced = longest.replaced.max(one.replaced);
        longest.away = longest.away.max(one.away);
    }
    longest
}

/// Half a minute from launch to running, a bit less to the end, status checks after a minute: what EC2 takes for most types.
fn sim() -> Sim {
    Sim::builder().latency(Latencies::builder().jitter(0.0).build()).build()
}

async fn once(death: Death, offset: Duration) -> Measured {
    let (sim, services) = (sim(), Services::default());
    let running = shop(&sim, &services, death).start().await.unwrap();
    running.ready().await.unwrap();
    sleep(SETTLED + offset).await;
    let struck: usize = if death == Death::ZoneOutage { 2 } else { 1 };
    let nodes: Vec<NodeStatus> = running.nodes().into_iter().take(struck).collect();
    let old: Vec<String> = nodes.iter().map(|node| node.instance.as_ref().unwrap().id.to_string()).collect();
    let mut log = Log::new(nodes.into_iter().map(|node| node.address), sim.now());
    let mut events = Box::pin(running.events());
    death.strike(&sim, &services, &old);
    let replaced = async {
        while !log.is_complete() {
            log.take(&events.next().await.expect("it runs"));
        }
    };
    assert!(timeout(PATIENCE, replaced).await.is_ok(), "{death:?} at {offset:?}: {log:?}");
    running.terminate().await.unwrap().assert_clean();
    assert!(sim.leaks().is_empty(), "{death:?}: {}", sim.leaks());
    log.measured(death)
}

fn shop(sim: &Sim, services: &Services, death: Death) -> Deployment {
    let nodes = if death == Death::ZoneOutage { 2 } else { 6 };
    let web = Fleet::builder().name("web").nodes(nodes).image(Image::public("debian-12"));
    let web = web.zones(["us-east-1a", "us-east-1b"]);
    let web = match death {
        Death::SpotNotice => web.market(Market::Spot { max_price: None }).build(),
        _ => web.build(),
    };
    let ec2 = Arc::new(Ec2::from_config(&sim.sdk_config()));
    let probe = death.is_probed().then(|| Arc::new(services.clone()) as Arc<dyn Probe>);
    let monitor = HealthMonitor::builder().cloud(ec2.clone()).clock(sim.clock());
    let monitor = monitor.fleet(Name::new("web").unwrap(), Health::default(), probe).build();
    let shop = Deployment::builder().name("shop").mode(Mode::Production).cloud(ec2).clock(sim.clock());
    shop.journal(MemoryStore::new()).monitor(monitor).fleet(web.unwrap()).build().unwrap()
}

/// When what happened to the nodes that were struck.
#[derive(Debug)]
struct Log {
    struck_at: Timestamp,
    waiting: BTreeSet<NodeAddress>,
    replacing: BTreeSet<NodeAddress>,
    noticed: BTreeMap<NodeAddress, Timestamp>,
    left: BTreeMap<NodeAddress, Timestamp>,
    live: BTreeMap<NodeAddress, Timestamp>,
}

impl Log {
    fn new(nodes: impl Iterator<Item = NodeAddress>, struck_at: Timestamp) -> Self {
        let (waiting, replacing) = (nodes.collect(), BTreeSet::new());
        let (noticed, left, live) = Default::default();
        Self { struck_at, waiting, replacing, noticed, left, live }
    }

    fn is_complete(&self) -> bool {
        self.live.len() == self.waiting.len()
    }

    fn take(&mut self, event: &Event) {
        // Whoever asks for events first is told from the start on.
        let mine = |node: &NodeAddress| event.at >= self.struck_at && self.waiting.contains(node);
        let Some(node) = event.node.clone().filter(mine) else { return };
        match &event.kind {
            EventKind::Dead(_) | EventKind::Leaving { .. } => {
                self.noticed.entry(node).or_insert(event.at);
            }
            EventKind::Phase(Phase::Deregistering | Phase::Draining | Phase::Terminating) => {
                self.left.entry(node.clone()).or_insert(event.at);
                self.replacing.insert(node);
            }
            EventKind::Phase(Phase::Resting | Phase::Launching | Phase::Absent) => {
                self.replacing.insert(node);
            }
            EventKind::Phase(Phase::Live) if self.replacing.contains(&node) => {
                self.live.entry(node).or_insert(event.at);
            }
            _ => {}
        }
    }

    fn measured(&self, death: Death) -> Measured {
        let since = |from: Timestamp, to: Timestamp| Duration::try_from(to.duration_since(from)).unwrap();
        let leaves = matches!(death, Death::SpotNotice | Death::Retirement);
        let mut measured = Measured::default();
        for (node, live) in &self.live {
            let noticed = self.noticed.get(node).copied().unwrap_or(self.struck_at);
            let left = if leaves { self.left[node] } else { self.struck_at };
            measured.noticed = measured.noticed.max(since(self.struck_at, noticed));
            measured.replaced = measured.replaced.max(since(self.struck_at, *live));
            measured.away = measured.away.max(since(left, *live));
        }
        measured
    }
}
