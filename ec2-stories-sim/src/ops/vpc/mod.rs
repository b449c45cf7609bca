//! VPCs, subnets, zones, regions and network interfaces.

mod addresses;
mod interfaces;
mod subnets;
#[cfg(test)]
mod tests;
mod vpcs;
mod zones;

pub(crate) use addresses::describe_addresses;
pub(crate) use interfaces::describe_network_interfaces;
pub(crate) use subnets::describe_subnets;
pub(crate) use vpcs::describe_vpcs;
pub(crate) use zones::{describe_availability_zones, describe_regions};
