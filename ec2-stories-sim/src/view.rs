//! Instances as a test looks at them, without an API call.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;

use crate::sim::Sim;
use crate::state::Cloud;
use crate::state::instance::Instance;
pub use crate::state::timeline::State;

/// An instance as it is now. Unlike what the API shows, it is neither late nor throttled.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct InstanceView {
    /// Its id.
    pub id: String,
    /// Its region.
    pub region: String,
    /// Its zone.
    pub zone: String,
    /// Its state now.
    pub state: State,
    /// When it last changed its state.
    pub since: Timestamp,
    /// When it was launched, or started again.
    pub launched: Timestamp,
    /// Its instance type.
    pub instance_type: &'static str,
    /// Its image.
    pub image_id: String,
    /// The reservation that it came in.
    pub reservation_id: String,
    /// Its place in that reservation.
    pub launch_index: i32,
    /// The token of the call that launched it; empty if that had none.
    pub client_token: String,
    /// Its key pair's name.
    pub key_name: Option<String>,
    /// Its private address, until it is terminated.
    pub private_ip: Option<Ipv4Addr>,
    /// Its public address, if it has one.
    pub public_ip: Option<Ipv4Addr>,
    /// Ids of its security groups.
    pub security_groups: Vec<String>,
    /// Its user data, decoded.
    pub user_data: Vec<u8>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Whether it is a spot instance.
    pub spot: bool,
    /// How often it was rebooted.
    pub reboots: u32,
}

impl Sim {
    /// Every instance of every region that the API would still show, terminated ones too, by id.
    #[must_use]
    pub fn instances(&self) -> Vec<InstanceView> {
        let now = self.now();
        let mut world = self.world();
        let views = world.clouds(now).flat_map(|(region, cloud)| {
            cloud.instances.all().map(|instance| view(cloud, region, instance, now)).collect::<Vec<_>>()
        });
        views.collect()
    }

    /// One instance, while the API would still show it.
    #[must_use]
    pub fn instance(&self, id: &str) -> Option<InstanceView> {
        let now = self.now();
        let mut world = self.world();
        world.clouds(now).find_map(|(region, cloud)| {
            let instance = cloud.instances.get(id)?;
            Some(view(cloud, region, instance, now))
        })
    }

    /// The instances that are pending or running.
    #[must_use]
    pub fn running(&self) -> Vec<InstanceView> {
        let mut instances = self.instances();
        instances.retain(|instance| matches!(instance.state, State::Pending | State::Running));
        instances
    }
}

fn view(cloud: &Cloud, region: &str, instance: &Instance, now: Timestamp) -> InstanceView {
    let change = instance.timeline.current(now);
    let interface = cloud.network.interface(&instance.interface);
    let user_data = instance.user_data.as_deref().map(|text| BASE64_STANDARD.decode(text));
    InstanceView {
        id: instance.id.clone(),
        region: region.to_owned(),
        zone: instance.zone.clone(),
        state: change.state,
        since: change.at,
        launched: instance.launched,
        instance_type: instance.kind.name,
        image_id: instance.image.id.clone(),
        reservation_id: instance.reservation.clone(),
        launch_index: instance.launch_index,
        client_token: instance.client_token.clone(),
        key_name: instance.key_name.clone(),
        private_ip: interface.map(|interface| interface.private_ip),
        public_ip: interface.and_then(|interface| interface.public_ip),
        security_groups: interface.map(|interface| interface.groups.clone()).unwrap_or_default(),
        user_data: user_data.and_then(Result::ok).unwrap_or_default(),
        tags: cloud.tags.pairs(&instance.id),
        spot: instance.spot_request.is_some(),
        reboots: instance.reboots(now),
    }
}
