//! Network interfaces of instances.

use std::net::Ipv4Addr;

use jiff::Timestamp;

use super::{Network, SecurityGroup};
use crate::wire::ApiError;
use crate::wire::generated::ec2::GroupIdentifier;

/// "Amazon VPC quotas": security groups per network interface.
const MAX_GROUPS: usize = 5;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Interface {
    pub(crate) id: String,
    pub(crate) attachment_id: String,
    pub(crate) instance_id: String,
    pub(crate) subnet_id: String,
    pub(crate) vpc_id: String,
    pub(crate) zone: String,
    pub(crate) zone_id: String,
    pub(crate) private_ip: Ipv4Addr,
    pub(crate) public_ip: Option<Ipv4Addr>,
    pub(crate) mac: String,
    /// Ids of security groups.
    pub(crate) groups: Vec<String>,
    pub(crate) description: String,
    pub(crate) attached: Timestamp,
}

/// What the launch of an instance asks for.
#[derive(Clone, Debug)]
pub(crate) struct NewInterface {
    pub(crate) id: String,
    pub(crate) attachment_id: String,
    pub(crate) instance_id: String,
    pub(crate) subnet_id: String,
    /// A wanted address.
    pub(crate) private_ip: Option<Ipv4Addr>,
    /// Whether to have a public address; the subnet decides when nothing is said.
    pub(crate) public_ip: Option<bool>,
    pub(crate) groups: Vec<String>,
    pub(crate) description: String,
    pub(crate) attached: Timestamp,
}

impl Network {
    pub(crate) fn create_interface(&mut self, new: NewInterface) -> Result<Interface, ApiError> {
        let private_ip = self.allocate_private_ip(&new.subnet_id, new.private_ip)?;
        let subnet = self.subnet(&new.subnet_id)?;
        let (vpc_id, zone, zone_id) = (subnet.vpc_id.clone(), subnet.zone.clone(), subnet.zone_id.clone());
        let public = new.public_ip.unwrap_or(subnet.map_public_ip);
        let public_ip = if public { self.take_public_ip(private_ip) } else { None };
        let [_, b, c, d] = private_ip.octets();
        let interface = Interface {
            id: new.id,
            attachment_id: new.attachment_id,
            instance_id: new.instance_id,
            subnet_id: new.subnet_id,
            vpc_id,
            zone,
            zone_id,
            private_ip,
            public_ip,
            mac: format!("02:ec:{:02x}:{b:02x}:{c:02x}:{d:02x}", self.vpcs.len()),
            groups: new.groups,
            description: new.description,
            attached: new.attached,
        };
        self.interfaces.insert(interface.id.clone(), interface.clone());
        Ok(interface)
    }

    /// Takes an address of a subnet: the one wanted, or the next free one.
    pub(crate) fn allocate_private_ip(
        &mut self,
        subnet_id: &str,
        wanted: Option<Ipv4Addr>,
    ) -> Result<Ipv4Addr, ApiError> {
        self.subnet(subnet_id)?;
        let addresses = &mut self.subnets.get_mut(subnet_id).expect("looked up above").addresses;
        match wanted {
            None => addresses.take_any().ok_or_else(|| {
                let message =
                    format!("Not enough free addresses in subnet '{subnet_id}' to satisfy the requested number of instances.");
                ApiError::new("InsufficientFreeAddressesInSubnet", message)
            }),
            Some(address) if !addresses.holds(address) => {
                let message = format!("Address {address} does not fall within the subnet's address range");
                Err(ApiError::invalid_parameter(message))
            }
            Some(address) if !addresses.take(address) => {
                Err(ApiError::new("InvalidIPAddress.InUse", format!("Address {address} is in use.")))
            }
            Some(address) => Ok(address),
        }
    }

    /// Deletes an interface and gives its addresses back.
    pub(crate) fn release_interface(&mut self, id: &str) {
        let Some(interface) = self.interfaces.remove(id) else { return };
        if let Some(subnet) = self.subnets.get_mut(&interface.subnet_id) {
            subnet.addresses.give_back(interface.private_ip);
        }
        if let Some(address) = interface.public_ip {
            self.public.give_back(address);
        }
    }

    /// A stopped instance has no public address; a started one gets another.
    pub(crate) fn set_public_ip(&mut self, id: &str, on: bool) -> Option<Ipv4Addr> {
        let interface = self.interfaces.get_mut(id)?;
        if let Some(address) = interface.public_ip.take() {
            self.public.give_back(address);
        }
        let private_ip = interface.private_ip;
        let public_ip = if on { self.take_public_ip(private_ip) } else { None };
        self.interfaces.get_mut(id)?.public_ip = public_ip;
        public_ip
    }

    fn take_public_ip(&mut self, private_ip: Ipv4Addr) -> Option<Ipv4Addr> {
        if self.hosted { Some(private_ip) } else { self.public.take() }
    }

    pub(crate) fn interfaces(&self) -> impl Iterator<Item = &Interface> {
        self.interfaces.values()
    }

    pub(crate) fn interface(&self, id: &str) -> Option<&Interface> {
        self.interfaces.get(id)
    }

    /// Moves an interface to other security groups, as ModifyInstanceAttribute does.
    pub(crate) fn set_interface_groups(&mut self, id: &str, groups: &[String]) -> Result<(), ApiError> {
        let Some(vpc_id) = self.interfaces.get(id).map(|interface| interface.vpc_id.clone()) else {
            return Err(ApiError::new(
                "InvalidNetworkInterfaceID.NotFound",
                format!("The networkInterface ID '{id}' does not exist"),
            ));
        };
        let groups = self.resolve_groups(groups, &[], &vpc_id)?;
        if let Some(interface) = self.interfaces.get_mut(id) {
            interface.groups = groups;
        }
        Ok(())
    }

    /// The ids of the groups for an interface in a VPC; its default group when none is named.
    ///
    /// Source: RunInstances, parameters SecurityGroupId.N and SecurityGroup.N (names are for the default VPC only).
    pub(crate) fn resolve_groups(
        &self,
        ids: &[String],
        names: &[String],
        vpc_id: &str,
    ) -> Result<Vec<String>, ApiError> {
        let mut groups = Vec::new();
        for id in ids {
            let group = self.security_group(id)?;
            if group.vpc_id != vpc_id {
                let message = format!("Security group {id} and VPC {vpc_id} belong to different networks.");
                return Err(ApiError::new("InvalidParameter", message));
            }
            groups.push(group.id.clone());
        }
        for name in names {
            groups.push(self.security_group_named(name, vpc_id)?.id.clone());
        }
        if groups.is_empty() {
            groups.push(self.security_group_named("default", vpc_id)?.id.clone());
        }
        groups.sort();
        groups.dedup();
        if groups.len() > MAX_GROUPS {
            return Err(ApiError::new(
                "SecurityGroupsPerInterfaceLimitExceeded",
                "The maximum number of security groups per interface has been reached.",
            ));
        }
        Ok(groups)
    }

    /// Groups as an interface or an instance shows them.
    pub(crate) fn group_identifiers(&self, ids: &[String]) -> Vec<GroupIdentifier> {
        let groups = ids.iter().filter_map(|id| self.groups.get(id));
        let shown = |group: &SecurityGroup| GroupIdentifier {
            group_id: Some(group.id.clone()),
            group_name: Some(group.name.clone()),
        };
        groups.map(shown).collect()
    }

    /// Whether an interface has the group. Those of an instance stay until it is terminated.
    pub(crate) fn group_in_use(&self, group_id: &str) -> bool {
        self.interfaces.values().any(|interface| interface.groups.iter().any(|id| id == group_id))
    }

    /// `ip-172-31-0-4.eu-west-1.compute.internal`; in us-east-1 the older `ip-172-31-0-4.ec2.internal`.
    ///
    /// Source: "EC2 instance hostnames and domains", EC2 user guide.
    pub(crate) fn private_dns_name(&self, address: Ipv4Addr) -> String {
        let domain = match self.region.as_str() {
            "us-east-1" => "ec2.internal".to_owned(),
            region => format!("{region}.compute.internal"),
        };
        format!("ip-{}.{domain}", dashed(address))
    }

    /// `ec2-198-18-0-4.eu-west-1.compute.amazonaws.com`. Source: as for private names.
    pub(crate) fn public_dns_name(&self, address: Ipv4Addr) -> String {
        let domain = match self.region.as_str() {
            "us-east-1" => "compute-1.amazonaws.com".to_owned(),
            region => format!("{region}.compute.amazonaws.com"),
        };
        format!("ec2-{}.{domain}", dashed(address))
    }
}

fn dashed(address: Ipv4Addr) -> String {
    address.octets().map(|octet| octet.to_string()).join("-")
}
