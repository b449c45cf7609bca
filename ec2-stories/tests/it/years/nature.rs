//! What goes wrong, when and for how long, as a seed says.

use std::time::Duration;

use ec2_stories::model::InstanceId;
use ec2_stories::sim::{Fault, Sim};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use tokio::time::sleep;

use super::truth::{Network, Service, Truth, Watcher};

const MINUTE: Duration = Duration::from_secs(60);

/// What happens to a world.
#[derive(Debug)]
pub(super) struct Nature {
    pub(super) sim: Sim,
    pub(super) truth: Truth,
    random: StdRng,
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
    /// Replies are lost, after the effect, for a while.
    LostReplies,
    /// What is launched next fails to boot.
    LateFailure,
    /// A type is not to be had in a zone.
    NoCapacity,
}

const EVENTS: [Event; 17] = [
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
    Event::LostReplies,
    Event::LateFailure,
    Event::NoCapacity,
];

impl Nature {
    pub(super) fn new(sim: &Sim, truth: &Truth, seed: u64) -> Self {
        Self { sim: sim.clone(), truth: truth.clone(), random: StdRng::seed_from_u64(seed) }
    }

    /// How long it is until the next event: as rare events come, so long apart on average.
    pub(super) fn pause(&mut self, mean: Duration) -> Duration {
        let unlikely: f64 = self.random.random_range(f64::EPSILON..1.0);
        mean.mul_f64(-unlikely.ln())
    }

    /// Between these, evenly.
    pub(super) fn between(&mut self, least: Duration, most: Duration) -> Duration {
        self.random.random_range(least..most)
    }

    /// Lets one thing happen, and what it brings to its end.
    pub(super) async fn strike(&mut self) {
        let event = *EVENTS.choose(&mut self.random).expect("there are some");
        let running = self.truth.running();
        let Some((id, zone)) = running.choose(&mut self.random).cloned() else { return };
        let while_ = self.between(MINUTE, 40 * MINUTE);
        tracing::info!(?event, %id, %zone, ?while_, "strikes");
        match event {
            Event::Killed => self.ends(&id, self.sim.kill(id.as_str())),
            Event::Stopped => self.ends(&id, self.sim.stop(id.as_str())),
            Event::Impaired => self.ends(&id, self.sim.impair(id.as_str())),
            Event::Interrupted => self.ends(&id, self.sim.interrupt_spot(id.as_str())),
            Event::Retired => {
                let notice = self.between(60 * MINUTE, 3 * 24 * 60 * MINUTE);
                let scheduled = self.sim.schedule_event(id.as_str(), "instance-retirement", notice);
                self.ends(&id, scheduled.is_some());
            }
            Event::Crash => self.truth.serve(&id, Service::Crashed),
            Event::Hang => self.truth.serve(&id, Service::Hung),
            Event::Blip => {
                self.truth.serve(&id, Service::Crashed);
                sleep(self.between(MINUTE / 6, 5 * MINUTE)).await;
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
            Event::LostReplies => {
                self.sim.faults().sometimes("*", 0.3, Fault::ReplyLostAfter);
                sleep(while_).await;
                self.sim.faults().clear();
            }
            Event::LateFailure => {
                let broken = Fault::LateLaunchFailure("Server.InternalError".to_owned());
                self.sim.faults().nth("RunInstances", 1, broken);
            }
            Event::NoCapacity => {
                self.sim.set_capacity("t3.micro", &zone, 0);
                sleep(while_).await;
                self.sim.set_capacity("t3.micro", &zone, 1_000);
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
        self.sim.faults().outage(zone, length);
        let struck = self.in_zone(zone);
        struck.iter().for_each(|id| self.truth.serve(id, Service::Hung));
        sleep(length).await;
        struck.iter().for_each(|id| self.truth.serve(id, Service::Up));
        self.sim.faults().clear();
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
}
