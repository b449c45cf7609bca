//! The cloud in memory as the ground of a life.

use std::sync::Arc;
use std::time::Duration;

use ec2_stories_core::Clock;
use ec2_stories_core::memory::{Fault, MemoryCloud};
use ec2_stories_core::model::{Architecture, Image, ImageId, InstanceId, InstanceState};
use ec2_stories_core::provider::{Cloud, ImageRegistry};

use super::lives::{Ground, Seen};

#[derive(Debug)]
pub(super) struct Memory {
    cloud: MemoryCloud,
    seed: u64,
    images: [ImageId; 2],
}

impl Memory {
    pub(super) async fn of_seed(seed: u64) -> Arc<dyn Ground> {
        let cloud = MemoryCloud::new();
        let image = async |name| {
            let query = Image::public_query(name, Architecture::default()).unwrap();
            cloud.find_image(&query).await.unwrap().unwrap().id
        };
        let images = [image("debian-12").await, image("debian-13").await];
        Arc::new(Self { cloud, seed, images })
    }

    /// Does it to one that has not ended.
    fn befall(&self, id: &InstanceId, what: impl FnOnce(&MemoryCloud)) -> bool {
        let alive = self.cloud.state(id).is_some_and(|state| !state.is_ending());
        if alive {
            what(&self.cloud);
        }
        alive
    }

    fn is_spot(&self, id: &InstanceId) -> bool {
        self.cloud.running().iter().any(|instance| instance.id == *id && instance.spot)
    }
}

impl Ground for Memory {
    fn cloud(&self) -> Arc<dyn Cloud> {
        Arc::new(self.cloud.clone())
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(self.cloud.clock())
    }

    fn zones(&self) -> [&'static str; 3] {
        ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
    }

    fn images(&self) -> [ImageId; 2] {
        self.images.clone()
    }

    fn alive(&self) -> Vec<Seen> {
        let seen = |instance: ec2_stories_core::model::Instance| {
            let of = (&instance.tags, instance.launch_index);
            Seen::new(instance.id.clone(), of, instance.zone.as_str(), instance.image.clone())
        };
        self.cloud.running().into_iter().filter_map(seen).collect()
    }

    fn state(&self, id: &InstanceId) -> Option<InstanceState> {
        self.cloud.state(id)
    }

    fn kill(&self, id: &InstanceId) -> bool {
        self.befall(id, |cloud| cloud.kill(id, "Server.InternalError", "its host failed"))
    }

    fn stop(&self, id: &InstanceId) -> bool {
        self.befall(id, |cloud| cloud.stop(id))
    }

    fn impair(&self, id: &InstanceId) -> bool {
        self.befall(id, |cloud| cloud.impair(id, true))
    }

    fn interrupt(&self, id: &InstanceId) -> bool {
        let notice = Duration::from_secs(120);
        self.is_spot(id) && self.befall(id, |cloud| cloud.take_away(id, "spot-interruption", notice))
    }

    fn retire(&self, id: &InstanceId, notice: Duration) -> bool {
        self.befall(id, |cloud| cloud.take_away(id, "instance-retirement", notice))
    }

    fn outage(&self, zone: &str, length: Duration) {
        self.cloud.outage(zone, length);
    }

    fn room(&self, zone: &str, room: bool) {
        self.cloud.capacity("t3.micro", zone, if room { 1_000 } else { 0 });
    }

    fn fail_boot(&self) {
        self.cloud.fail_boot("Server.InternalError", "Internal error on launch");
    }

    fn lose_replies(&self, share: f64) {
        self.cloud.script().sometimes(share, self.seed, || Fault::After);
    }

    fn slow(&self, share: f64, late: Duration) {
        self.cloud.script().sometimes(share, self.seed, move || Fault::Slow(late));
    }

    fn lag(&self, lag: Duration) {
        self.cloud.settle_time(lag);
        self.cloud.lag(2 * lag);
    }

    fn heal(&self) {
        self.cloud.script().heal();
        self.cloud.settle_time(Duration::ZERO);
        self.cloud.lag(Duration::ZERO);
    }

    fn leaks(&self) -> Vec<String> {
        self.cloud.leaks()
    }
}
