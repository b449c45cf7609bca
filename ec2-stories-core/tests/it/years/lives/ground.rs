//! The cloud as nature has it: what there is, and what can befall it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ec2_stories_core::Clock;
use ec2_stories_core::model::{Generation, ImageId, InstanceId, InstanceState, NodeAddress, Ownership, Tags};
use ec2_stories_core::provider::Cloud;

/// What a world stands on. Whatever is done to an instance says whether it was: one that has ended feels nothing.
pub(crate) trait Ground: fmt::Debug + Send + Sync {
    /// The cloud as a controller of its own reaches it.
    fn cloud(&self) -> Arc<dyn Cloud>;
    fn clock(&self) -> Arc<dyn Clock>;
    fn zones(&self) -> [&'static str; 3];
    /// Two that a fleet can be launched from.
    fn images(&self) -> [ImageId; 2];
    /// What is pending or running, as it is.
    fn alive(&self) -> Vec<Seen>;
    fn state(&self, id: &InstanceId) -> Option<InstanceState>;
    fn kill(&self, id: &InstanceId) -> bool;
    fn stop(&self, id: &InstanceId) -> bool;
    fn impair(&self, id: &InstanceId) -> bool;
    /// The spot market takes it, two minutes after a notice.
    fn interrupt(&self, id: &InstanceId) -> bool;
    /// Its hardware is retired, so long after a notice.
    fn retire(&self, id: &InstanceId, notice: Duration) -> bool;
    fn outage(&self, zone: &str, length: Duration);
    /// Whether there is room for more instances in a zone.
    fn room(&self, zone: &str, room: bool);
    /// What is launched next fails to boot.
    fn fail_boot(&self);
    /// Such a share of replies is lost, after the effect.
    fn lose_replies(&self, share: f64);
    /// Such a share of replies comes late.
    fn slow(&self, share: f64, late: Duration);
    /// What is launched is unknown at first.
    fn lag(&self, lag: Duration);
    /// No call goes wrong any more.
    fn heal(&self);
    /// What is left.
    fn leaks(&self) -> Vec<String>;
}

/// An instance that lives.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) id: InstanceId,
    pub(crate) node: NodeAddress,
    pub(crate) generation: Generation,
    pub(crate) zone: String,
    pub(crate) image: ImageId,
}

impl Seen {
    /// `None` for what is no node's.
    pub(crate) fn new(
        id: InstanceId,
        (tags, launch_index): (&Tags, u32),
        zone: &str,
        image: ImageId,
    ) -> Option<Self> {
        let ownership = Ownership::from_tags(tags)?;
        let node = ownership.node(launch_index)?;
        Some(Self { id, node, generation: ownership.generation, zone: zone.to_owned(), image })
    }
}
