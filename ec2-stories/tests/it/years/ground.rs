//! The simulated cloud as the ground of a life: the real library talks to it through the AWS SDK.

use std::sync::Arc;
use std::time::Duration;

use ec2_stories::model::{ImageId, InstanceId, InstanceState, Tags};
use ec2_stories::prelude::*;
use ec2_stories::provider::Cloud;
use ec2_stories::sim::{Fault, ImageSeed, State};
use ec2_stories_core::Clock;

use super::lives::{Ground, Seen};

#[derive(Debug)]
pub(super) struct Simulated {
    sim: Sim,
    images: [ImageId; 2],
}

impl Simulated {
    pub(super) fn of_seed(seed: u64) -> Arc<dyn Ground> {
        let sim = Sim::builder().seed(seed).build();
        let image = |name: &str| ImageId::new(sim.add_image(ImageSeed::builder().name(name).build()));
        let images = [image("web-7"), image("web-8")];
        Arc::new(Self { sim, images })
    }
}

impl Ground for Simulated {
    fn cloud(&self) -> Arc<dyn Cloud> {
        Arc::new(Ec2::from_config(&self.sim.sdk_config()))
    }

    fn clock(&self) -> Arc<dyn Clock> {
        self.sim.clock()
    }

    fn zones(&self) -> [&'static str; 3] {
        ["us-east-1a", "us-east-1b", "us-east-1c"]
    }

    fn images(&self) -> [ImageId; 2] {
        self.images.clone()
    }

    fn alive(&self) -> Vec<Seen> {
        let running = self.sim.running().into_iter();
        let seen = running.filter_map(|seen| {
            let tags = seen.tags.iter().fold(Tags::new(), |all, (key, value)| all.with(key, value));
            let index = u32::try_from(seen.launch_index).ok()?;
            Seen::new(seen.id.into(), (&tags, index), &seen.zone, seen.image_id.into())
        });
        seen.collect()
    }

    fn state(&self, id: &InstanceId) -> Option<InstanceState> {
        self.sim.instance(id.as_str()).map(|seen| match seen.state {
            State::Pending => InstanceState::Pending,
            State::Running => InstanceState::Running,
            State::ShuttingDown => InstanceState::ShuttingDown,
            State::Terminated => InstanceState::Terminated,
            State::Stopping => InstanceState::Stopping,
            State::Stopped => InstanceState::Stopped,
            other => unreachable!("an instance that is {other:?}"),
        })
    }

    fn kill(&self, id: &InstanceId) -> bool {
        self.sim.kill(id.as_str())
    }

    fn stop(&self, id: &InstanceId) -> bool {
        self.sim.stop(id.as_str())
    }

    fn impair(&self, id: &InstanceId) -> bool {
        self.sim.impair(id.as_str())
    }

    fn interrupt(&self, id: &InstanceId) -> bool {
        self.sim.interrupt_spot(id.as_str())
    }

    fn retire(&self, id: &InstanceId, notice: Duration) -> bool {
        self.sim.schedule_event(id.as_str(), "instance-retirement", notice).is_some()
    }

    fn outage(&self, zone: &str, length: Duration) {
        self.sim.faults().outage(zone, length);
    }

    fn room(&self, zone: &str, room: bool) {
        self.sim.set_capacity("t3.micro", zone, if room { 1_000 } else { 0 });
    }

    fn fail_boot(&self) {
        let broken = Fault::LateLaunchFailure("Server.InternalError".to_owned());
        self.sim.faults().nth("RunInstances", 1, broken);
    }

    fn lose_replies(&self, share: f64) {
        self.sim.faults().sometimes("*", share, Fault::ReplyLostAfter);
    }

    fn slow(&self, share: f64, late: Duration) {
        self.sim.faults().sometimes("*", share, Fault::Slow(late));
    }

    fn lag(&self, lag: Duration) {
        self.sim.faults().always("RunInstances", Fault::UnknownIdFor(lag));
    }

    fn heal(&self) {
        self.sim.faults().clear();
    }

    fn leaks(&self) -> Vec<String> {
        let leaks = self.sim.leaks();
        leaks.iter().map(|leak| format!("{} {} ({})", leak.kind, leak.id, leak.detail)).collect()
    }
}
