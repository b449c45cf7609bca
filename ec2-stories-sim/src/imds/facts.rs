//! What is true of an instance at the moment of a request.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ipnet::Ipv4Net;
use jiff::Timestamp;

use super::role;
use crate::state::Cloud;
use crate::state::events::ScheduledEvent;
use crate::state::instance::{Instance, SPOT_NOTICE};
use crate::state::network::Subnet;
use crate::state::timeline::State;
use crate::world::World;

/// An instance as its metadata shows it.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub(super) now: Timestamp,
    pub(super) state: State,
    pub(super) enabled: bool,
    pub(super) token_required: bool,
    pub(super) hop_limit: i32,
    pub(super) instance_id: String,
    pub(super) instance_type: &'static str,
    pub(super) image: String,
    pub(super) architecture: String,
    pub(super) reservation: String,
    pub(super) launch_index: i32,
    pub(super) launched: Timestamp,
    pub(super) account: String,
    pub(super) region: String,
    pub(super) zone: String,
    pub(super) zone_id: String,
    pub(super) spot: bool,
    /// When a spot instance will end, once the notice is out.
    pub(super) ends: Option<Timestamp>,
    /// What is scheduled for it, and what was.
    pub(super) events: Vec<ScheduledEvent>,
    pub(super) root_device: String,
    /// Devices beside the root, in order.
    pub(super) devices: Vec<String>,
    /// Name and line of its key.
    pub(super) key: Option<(String, String)>,
    pub(super) network: Option<Network>,
    pub(super) profile: Option<Profile>,
    /// Nothing where the options do not show them.
    pub(super) tags: Option<BTreeMap<String, String>>,
    pub(super) user_data: Option<Vec<u8>>,
}

/// Its network interface.
#[derive(Clone, Debug)]
pub(super) struct Network {
    pub(super) interface: String,
    pub(super) mac: String,
    pub(super) private_ip: String,
    pub(super) private_dns: String,
    /// Address and name.
    pub(super) public: Option<(String, String)>,
    /// Id and name of each group.
    pub(super) groups: Vec<(String, String)>,
    pub(super) subnet: String,
    pub(super) subnet_cidr: Option<Ipv4Net>,
    pub(super) vpc: String,
    pub(super) vpc_cidr: Option<Ipv4Net>,
}

/// Its instance profile.
#[derive(Clone, Debug)]
pub(super) struct Profile {
    pub(super) arn: String,
    pub(super) id: String,
    pub(super) role: String,
    /// The document with the role's credentials.
    pub(super) credentials: String,
}

impl Facts {
    pub(super) fn of(world: &mut World, region: &str, id: &str, now: Timestamp) -> Option<Self> {
        let account = world.account().to_owned();
        let cloud = world.cloud(region, now);
        let instance = cloud.instances.get(id)?.clone();
        let key = instance.key_name.as_ref().and_then(|name| cloud.keys.get(name).ok());
        let key = key.map(|pair| (pair.name.clone(), pair.public_key.clone()));
        let network = network(cloud, &instance);
        let tags = cloud.tags.pairs(id);
        let asked = |option: &Option<String>, value: &str| option.as_deref() == Some(value);
        let options = &instance.metadata;
        let others = instance.volumes.iter().map(|volume| volume.device.clone());
        Some(Self {
            now,
            state: instance.state(now),
            enabled: !asked(&options.http_endpoint, "disabled"),
            token_required: asked(&options.http_tokens, "required"),
            hop_limit: options.http_put_response_hop_limit.unwrap_or(1),
            tags: asked(&options.instance_metadata_tags, "enabled").then_some(tags),
            profile: profile(world, &account, &instance, now),
            instance_type: instance.kind.name,
            devices: others.filter(|device| *device != instance.image.root_device).collect(),
            events: instance.events.into_iter().filter(|event| event.is_shown(now)).collect(),
            root_device: instance.image.root_device,
            image: instance.image.id,
            architecture: instance.image.architecture,
            reservation: instance.reservation,
            launch_index: instance.launch_index,
            launched: instance.launched,
            region: region.to_owned(),
            zone: instance.zone,
            zone_id: instance.zone_id,
            spot: instance.spot_request.is_some(),
            ends: instance.spot_notice_at.filter(|notice| *notice <= now).map(|notice| notice + SPOT_NOTICE),
            user_data: instance.user_data.as_deref().and_then(|text| BASE64_STANDARD.decode(text).ok()),
            instance_id: instance.id,
            account,
            key,
            network,
        })
    }
}

fn network(cloud: &Cloud, instance: &Instance) -> Option<Network> {
    let interface = cloud.network.interface(&instance.interface)?;
    let groups = cloud.network.group_identifiers(&interface.groups).into_iter();
    Some(Network {
        interface: interface.id.clone(),
        mac: interface.mac.clone(),
        private_ip: interface.private_ip.to_string(),
        private_dns: cloud.network.private_dns_name(interface.private_ip),
        public: interface.public_ip.map(|ip| (ip.to_string(), cloud.network.public_dns_name(ip))),
        groups: groups.filter_map(|group| Some((group.group_id?, group.group_name?))).collect(),
        subnet: interface.subnet_id.clone(),
        subnet_cidr: cloud.network.subnet(&interface.subnet_id).ok().map(Subnet::cidr),
        vpc: interface.vpc_id.clone(),
        vpc_cidr: cloud.network.vpc(&interface.vpc_id).ok().map(|vpc| vpc.cidr),
    })
}

fn profile(world: &mut World, account: &str, instance: &Instance, now: Timestamp) -> Option<Profile> {
    let profile = instance.profile.as_ref()?;
    let arn = profile.arn.clone()?;
    let role = role::name(&arn).to_owned();
    let credentials = role::credentials(&mut world.access, account, &role, &instance.id, now);
    Some(Profile { id: profile.id.clone().unwrap_or_default(), role, credentials, arn })
}
