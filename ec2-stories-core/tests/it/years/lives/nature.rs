//! What goes wrong, when and for how long, as a seed says.

use std::sync::Arc;
use std::time::Duration;

use ec2_stories_core::MemoryStore;
use ec2_stories_core::memory::Fault;
use ec2_stories_core::model::InstanceId;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use tokio::time::{Instant, sleep, sleep_until};

use super::body::Service;
use super::ground::Ground;
use super::truth::{Network, Truth, Watcher};

const MINUTE: Duration = Duration::from_secs(60);

/// What happens to a world.
#[derive(Debug)]
pub(super) struct Nature {
    ground: Arc<dyn Ground>,
    truth: Truth,
    store: MemoryStore,
    random: StdRng,
    pub(super) strikes: u64,
}

/// What can go wrong beside the controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    /// An instance is gone: its host failed.
    Killed,
    /// Its service ends.
    Crash,
    /// Its service hangs.
    Hang,
    /// Its service is away for a few minutes.
    Blip,
    /// Somebody stops it.
    Stopped,
    /// It fails its status checks.
    Impaired,
    /// It is taken away, two minutes after a notice.
    Interrupted,
    /// It is taken away, days after a notice.
    Retired,
    /// A zone fails.
    Outage,
    /// The prober knows that it cannot find out.
    Unable,
    /// The prober hears nobody.
    Deaf,
    /// The prober does not hear a zone.
    CutOff,
    /// The controller does not reach the cloud.
    NetworkDown,
    /// It is asked to slow down, for minutes.
    Throttled,
    /// It does not reach its journal.
    StoreDown,
    /// Replies are lost, after the effect, for a while.
    LostReplies,
    /// The journal's are.
    LostWrites,
    /// Replies come late.
    Slow,
    /// What is launched is unknown at first.
    Lag,
    /// What is launched next fails to boot.
    LateFailure,
    /// There is no more room in a zone.
    NoCapacity,
}

const EVENTS: [Event; 21] = [
    Event::Killed,
    Event::Crash,
    Event::Hang,
    Event::Blip,
    Event::Stopped,
    Event::Impaired,
    Event::Interrupted,
    Event::Retired,
    Event::Outage,
    Event::Unable,
    Event::Deaf,
    Event::CutOff,
    Event::NetworkDown,
    Event::Throttled,
    Event::StoreDown,
    Event::LostReplies,
    Event::LostWrites,
    Event::Slow,
    Event::Lag,
    Event::LateFailure,
    Event::NoCapacity,
];

/// How long it is until the next event: as rare events come, so long apart on average.
pub(super) fn pause(random: &mut StdRng, mean: Duration) -> Duration {
    let unlikely: f64 = random.random_range(f64::EPSILON..1.0);
    mean.mul_f64(-unlikely.ln())
}

impl Nature {
    pub(super) fn new(ground: &Arc<dyn Ground>, truth: &Truth, store: &MemoryStore, seed: u64) -> Self {
        let random = StdRng::seed_from_u64(seed);
        Self { ground: Arc::clone(ground), truth: truth.clone(), store: store.clone(), random, strikes: 0 }
    }

    /// Strikes now and then, and has brought all of it to its end when it returns.
    pub(super) async fn rage(&mut self, mean: Duration, until: Instant) {
        loop {
            let next = Instant::now() + pause(&mut self.random, mean);
            if next > until {
                return;
            }
            sleep_until(next).await;
            self.strike().await;
        }
    }

    /// Lets one thing happen, and what it brings to its end.
    async fn strike(&mut self) {
        let event = *EVENTS.choose(&mut self.random).expect("there are some");
        let running = self.truth.running();
        let Some((id, zone)) = running.choose(&mut self.random).cloned() else { return };
        let while_ = self.random.random_range(MINUTE..40 * MINUTE);
        self.strikes += 1;
        let now = self.ground.clock().now();
        self.truth.tell(format!("{now:.0} --- {event:?} {id} {zone} {while_:.0?}"));
        match event {
            Event::Killed => self.ends(&id, self.ground.kill(&id)),
            Event::Stopped => self.ends(&id, self.ground.stop(&id)),
            Event::Impaired => self.ends(&id, self.ground.impair(&id)),
            Event::Interrupted => self.ends(&id, self.ground.interrupt(&id)),
            Event::Retired => {
                let notice = self.random.random_range(60 * MINUTE..3 * 24 * 60 * MINUTE);
                self.ends(&id, self.ground.retire(&id, notice));
            }
            Event::Crash => self.truth.serve(&id, Service::Crashed),
            Event::Hang => self.truth.serve(&id, Service::Hung),
            Event::Blip => {
                self.truth.serve(&id, Service::Crashed);
                sleep(self.random.random_range(MINUTE / 6..5 * MINUTE)).await;
                self.truth.serve(&id, Service::Up);
            }
            Event::Outage => self.outage(&zone, while_).await,
            Event::Unable => self.sick(Watcher::Unable, while_).await,
            Event::Deaf => self.sick(Watcher::Deaf, while_).await,
            Event::CutOff => {
                self.truth.cut_off(Some(&zone));
                sleep(while_).await;
                self.in_zone(&zone).iter().for_each(|id| self.truth.unheard(id));
                self.truth.cut_off(None);
            }
            Event::NetworkDown => self.network(Network::Down, while_).await,
            Event::Throttled => self.network(Network::Throttled, while_).await,
            Event::StoreDown => self.network(Network::StoreDown, while_ / 5).await,
            Event::LostReplies => self.calls(|ground| ground.lose_replies(0.3), while_).await,
            Event::Slow => self.calls(|ground| ground.slow(0.3, MINUTE / 4), while_).await,
            Event::Lag => self.calls(|ground| ground.lag(MINUTE / 2), while_).await,
            Event::LostWrites => {
                self.store.script().sometimes(0.2, self.random.random(), || Fault::After);
                sleep(while_).await;
                self.store.script().heal();
            }
            Event::LateFailure => self.ground.fail_boot(),
            Event::NoCapacity => {
                self.ground.room(&zone, false);
                sleep(while_).await;
                self.ground.room(&zone, true);
            }
        }
    }

    /// Something was done to an instance, if it was, after which it is to be replaced.
    fn ends(&self, id: &InstanceId, done: bool) {
        if done {
            self.truth.doomed(id);
        }
    }

    fn in_zone(&self, zone: &str) -> Vec<InstanceId> {
        self.truth.running().into_iter().filter(|(_, its)| its == zone).map(|(id, _)| id).collect()
    }

    async fn outage(&self, zone: &str, length: Duration) {
        self.ground.outage(zone, length);
        let struck = self.in_zone(zone);
        struck.iter().for_each(|id| self.truth.serve(id, Service::Hung));
        sleep(length).await;
        struck.iter().for_each(|id| self.truth.serve(id, Service::Up));
        self.ground.heal();
    }

    async fn sick(&self, watcher: Watcher, while_: Duration) {
        self.truth.set_watcher(watcher);
        sleep(while_).await;
        self.truth.set_watcher(Watcher::Well);
    }

    async fn network(&self, network: Network, while_: Duration) {
        self.truth.set_network(network);
        sleep(while_).await;
        self.truth.set_network(Network::Well);
    }

    async fn calls(&self, fault: impl Fn(&dyn Ground), while_: Duration) {
        fault(&*self.ground);
        sleep(while_).await;
        self.ground.heal();
    }
}
