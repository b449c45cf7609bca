//! A deployment in its world, as each of its controllers describes it.

use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ec2_stories_core::deployment::machine::Phase;
use ec2_stories_core::deployment::{Event, EventKind};
use ec2_stories_core::memory::{MemoryCustomizer, MemoryRegistrar};
use ec2_stories_core::model::{Health, Image, Limits, Market, Mode, Name};
use ec2_stories_core::monitor::{Canary, HealthMonitor};
use ec2_stories_core::provider::Liveness;
use ec2_stories_core::{Deployment, Fleet, MemoryStore, Running};
use futures::StreamExt;
use tokio::task::AbortHandle;
use tokio::time::sleep;

use super::ground::Ground;
use super::pace::Pace;
use super::probe::Ear;
use super::reach::{Line, Tapped};
use super::truth::{Truth, Watcher};
use super::wishes::Wishes;

/// A supervisor starts a controller that cannot start again after this.
const AGAIN: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct World {
    pub(super) pace: Pace,
    pub(super) ground: Arc<dyn Ground>,
    pub(super) truth: Truth,
    pub(super) journal: MemoryStore,
    pub(super) names: MemoryRegistrar,
    packages: MemoryCustomizer,
}

pub(super) fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

impl World {
    pub(super) fn new(pace: Pace, ground: Arc<dyn Ground>) -> Self {
        let [image, _] = ground.images();
        let wishes = Wishes::new([(name("db"), pace.db), (name("web"), pace.web)], image);
        let truth = Truth::new(&ground, pace, wishes);
        let packages = MemoryCustomizer::new("packages", ["update", "install"]);
        Self { pace, ground, truth, journal: MemoryStore::new(), names: MemoryRegistrar::new(), packages }
    }

    pub(super) fn line(&self) -> Line {
        Line::new(&self.journal, &self.truth)
    }

    pub(super) fn shop(&self, line: &Line) -> Deployment {
        let cloud = Arc::new(Tapped { cloud: self.ground.cloud(), truth: self.truth.clone() });
        let pace = self.pace;
        let health = |fleet: &str| Health { replace: pace.replace_of(&name(fleet)), ..pace.health() };
        let mut monitor = HealthMonitor::builder()
            .cloud(cloud.clone())
            .clock(self.ground.clock())
            .cloud_period(pace.cloud_period());
        for fleet in ["db", "web"] {
            monitor = monitor.fleet(name(fleet), health(fleet), Some(Arc::new(Ear(self.truth.clone()))));
        }
        // What tells a prober that hears nobody from nodes that are silent, wherever they are.
        let watcher = self.truth.clone();
        let gateway = Canary::new("gateway", move || {
            let answer = match watcher.watcher() {
                Watcher::Well => Liveness::Live,
                _ => Liveness::Failing("no route to the gateway".to_owned()),
            };
            ready(answer)
        });
        let image = self.truth.wish(|wishes| wishes.image.clone());
        let fleet = |name: &str, nodes, zones: [&str; 3], market| {
            let fleet = Fleet::builder().name(name).nodes(nodes).image(Image::Id(image.clone()));
            fleet.zones(zones).market(market).health(health(name)).probe(Ear(self.truth.clone()))
        };
        let [a, b, c] = self.ground.zones();
        let db = fleet("db", pace.db, [a, b, c], Market::Spot { max_price: None });
        let web = fleet("web", pace.web, [b, c, a], Market::OnDemand).after("db");
        let web = web.customize(self.packages.clone()).registrar(self.names.clone());
        Deployment::builder()
            .name("shop")
            .mode(Mode::Production)
            .limits(Limits { launches: u32::MAX, ..Limits::default() })
            .lease(pace.lease())
            .cloud(cloud)
            .monitor(monitor.canary(gateway).build())
            .journal(line.clone())
            .clock(self.ground.clock())
            .fleet(db.build().expect("a sound fleet"))
            .fleet(web.build().expect("a sound fleet"))
            .build()
            .expect("a sound deployment")
    }

    /// A controller; one that cannot start is started again, as a supervisor does.
    pub(super) async fn controller(&self, updating: bool) -> Controller {
        loop {
            let line = self.line();
            let shop = self.shop(&line);
            match if updating { shop.start_updating().await } else { shop.start().await } {
                Ok(running) => return Controller::new(running, line, &self.truth),
                Err(error) => self.truth.tell(format!("--- cannot start: {error}")),
            }
            sleep(AGAIN).await;
        }
    }
}

/// A process that controls the deployment, or thinks so.
#[derive(Debug)]
pub(super) struct Controller {
    pub(super) running: Running,
    pub(super) line: Line,
    gone: Arc<AtomicBool>,
    listens: AbortHandle,
}

impl Controller {
    pub(super) fn new(running: Running, line: Line, truth: &Truth) -> Self {
        let (gone, truth) = (Arc::new(AtomicBool::new(false)), truth.clone());
        let (events, ends) = (running.events(), Arc::clone(&gone));
        let listen = async move {
            let mut events = std::pin::pin!(events);
            while let Some(event) = events.next().await {
                truth.tell(event.to_string());
                if let Event { node: Some(node), kind: EventKind::Phase(phase), .. } = &event
                    && matches!(phase, Phase::Quarantined | Phase::Failed)
                {
                    truth.given_up(node);
                }
            }
            ends.store(true, Ordering::Relaxed);
        };
        let listens = tokio::spawn(listen).abort_handle();
        Self { running, line, gone, listens }
    }

    /// Whether it has ended by itself.
    pub(super) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }

    /// Nobody listens to it any more.
    pub(super) fn deaf(self) -> Self {
        self.listens.abort();
        self
    }

    pub(super) async fn die(self) {
        self.listens.abort();
        self.running.kill().await;
    }
}
