//! A region's network: zones, VPCs, subnets, security groups, network interfaces.

mod addresses;
mod groups;
mod interfaces;
mod permission;
mod rule;
pub(crate) mod zones;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use sha2::{Digest, Sha256};

use crate::wire::ApiError;
use addresses::{AddressPool, Addresses};
use zones::Zone;

pub(crate) use groups::{SecurityGroup, permission_not_found, rule_not_found};
pub(crate) use interfaces::{Interface, NewInterface};
pub(crate) use rule::{Peer, Rule, permissions};

/// "Default VPC components", VPC user guide: 172.31.0.0/16, a /20 in each zone, public addresses on launch.
const DEFAULT_VPC: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(172, 31, 0, 0), 16);
const DEFAULT_SUBNET_PREFIX: u8 = 20;

#[derive(Clone, Debug)]
pub(crate) struct Network {
    pub(crate) region: String,
    zones: Vec<Zone>,
    vpcs: BTreeMap<String, Vpc>,
    subnets: BTreeMap<String, Subnet>,
    groups: BTreeMap<String, SecurityGroup>,
    interfaces: BTreeMap<String, Interface>,
    public: AddressPool,
    /// Whether instances are backed by hosts: then a public address is the private one, which can be reached.
    hosted: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Vpc {
    pub(crate) id: String,
    pub(crate) cidr: Ipv4Net,
    pub(crate) is_default: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Subnet {
    pub(crate) id: String,
    pub(crate) vpc_id: String,
    pub(crate) zone: String,
    pub(crate) zone_id: String,
    pub(crate) default_for_zone: bool,
    pub(crate) map_public_ip: bool,
    addresses: Addresses,
}

impl Subnet {
    pub(crate) fn cidr(&self) -> Ipv4Net {
        self.addresses.network()
    }

    pub(crate) fn available_addresses(&self) -> usize {
        self.addresses.available()
    }
}

impl Network {
    /// A region with its default VPC: a default subnet in each of three zones and the default security group. With
    /// hosts the VPC is the block of addresses that they can have.
    pub(crate) fn new(region: &str, hosts: Option<Ipv4Net>) -> Self {
        let mut network = Self {
            region: region.to_owned(),
            zones: zones::of(region),
            vpcs: BTreeMap::new(),
            subnets: BTreeMap::new(),
            groups: BTreeMap::new(),
            interfaces: BTreeMap::new(),
            public: AddressPool::default(),
            hosted: hosts.is_some(),
        };
        let block = hosts.unwrap_or(DEFAULT_VPC);
        let vpc = network.insert_vpc(block, true);
        let blocks = block.subnets(DEFAULT_SUBNET_PREFIX).expect("a /20 is smaller than a /16");
        for (zone, block) in network.zones.clone().iter().zip(blocks) {
            network.insert_subnet(&vpc, zone, block, true);
        }
        network
    }

    /// Whether instances are backed by hosts.
    pub(crate) fn hosted(&self) -> bool {
        self.hosted
    }

    /// Adds a VPC without subnets that is not the default one; returns its id.
    pub(crate) fn add_vpc(&mut self, cidr: Ipv4Net) -> String {
        self.insert_vpc(cidr, false)
    }

    /// Adds a subnet to a VPC; returns its id.
    pub(crate) fn add_subnet(&mut self, vpc_id: &str, zone: &str, cidr: Ipv4Net) -> Result<String, ApiError> {
        let vpc = self.vpc(vpc_id)?.id.clone();
        let zone = self.zone(zone)?.clone();
        Ok(self.insert_subnet(&vpc, &zone, cidr, false))
    }

    fn insert_vpc(&mut self, cidr: Ipv4Net, is_default: bool) -> String {
        let id = self.stable_id("vpc", &format!("{} {cidr}", self.vpcs.len()));
        let group = SecurityGroup::default_of(self.stable_id("sg", &id), &id);
        self.groups.insert(group.id.clone(), group);
        self.vpcs.insert(id.clone(), Vpc { id: id.clone(), cidr, is_default });
        id
    }

    fn insert_subnet(&mut self, vpc_id: &str, zone: &Zone, cidr: Ipv4Net, default: bool) -> String {
        let id = self.stable_id("subnet", &format!("{vpc_id} {} {cidr}", zone.name));
        let subnet = Subnet {
            id: id.clone(),
            vpc_id: vpc_id.to_owned(),
            zone: zone.name.clone(),
            zone_id: zone.id.clone(),
            default_for_zone: default,
            map_public_ip: default,
            addresses: Addresses::new(cidr),
        };
        self.subnets.insert(id.clone(), subnet);
        id
    }

    pub(crate) fn zones(&self) -> &[Zone] {
        &self.zones
    }

    /// A zone by its name. Message and code as EC2 answers an instance placed into a zone that is not there.
    pub(crate) fn zone(&self, name: &str) -> Result<&Zone, ApiError> {
        self.zones.iter().find(|zone| zone.name == name).ok_or_else(|| {
            let known: Vec<_> = self.zones.iter().map(|zone| zone.name.as_str()).collect();
            ApiError::invalid_parameter(format!(
                "Invalid availability zone: [{name}]. The zones of this region are {}.",
                known.join(", ")
            ))
        })
    }

    pub(crate) fn vpcs(&self) -> impl Iterator<Item = &Vpc> {
        self.vpcs.values()
    }

    pub(crate) fn vpc(&self, id: &str) -> Result<&Vpc, ApiError> {
        self.vpcs.get(id).ok_or_else(|| {
            ApiError::new("InvalidVpcID.NotFound", format!("The vpc ID '{id}' does not exist"))
        })
    }

    pub(crate) fn default_vpc(&self) -> Result<&Vpc, ApiError> {
        self.vpcs
            .values()
            .find(|vpc| vpc.is_default)
            .ok_or_else(|| ApiError::new("VPCIdNotSpecified", "No default VPC for this user."))
    }

    pub(crate) fn subnets(&self) -> impl Iterator<Item = &Subnet> {
        self.subnets.values()
    }

    pub(crate) fn subnet(&self, id: &str) -> Result<&Subnet, ApiError> {
        self.subnets.get(id).ok_or_else(|| {
            ApiError::new("InvalidSubnetID.NotFound", format!("The subnet ID '{id}' does not exist"))
        })
    }

    /// The subnet that a launch into a zone uses when it names none.
    pub(crate) fn default_subnet(&self, zone: &str) -> Result<&Subnet, ApiError> {
        let zone = &self.zone(zone)?.name;
        self.subnets.values().find(|subnet| subnet.default_for_zone && subnet.zone == *zone).ok_or_else(
            || {
                let message = format!("No default subnet for availability zone: '{zone}'.");
                ApiError::new("MissingInput", message)
            },
        )
    }

    /// An id that is the same in every simulation: tests can name what was there from the start.
    fn stable_id(&self, prefix: &str, what: &str) -> String {
        stable_id(prefix, &format!("{} {what}", self.region))
    }
}

/// `prefix-` and 17 hexadecimal digits that depend on `what` only.
pub(crate) fn stable_id(prefix: &str, what: &str) -> String {
    let digest = Sha256::digest(format!("{prefix} {what}"));
    let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{prefix}-0{}", &digits[..16])
}
