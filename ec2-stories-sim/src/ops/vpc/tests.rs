use super::*;
use crate::ops::testing::Bench;

#[test]
fn a_region_has_a_default_vpc_with_a_default_subnet_in_each_of_three_zones() {
    let mut bench = Bench::new();
    let vpcs = bench.call(describe_vpcs, "Filter.1.Name=is-default&Filter.1.Value.1=true").unwrap().vpcs;
    assert_eq!(vpcs.len(), 1);
    assert_eq!(vpcs[0].cidr_block.as_deref(), Some("172.31.0.0/16"));
    let subnets =
        bench.call(describe_subnets, "Filter.1.Name=default-for-az&Filter.1.Value.1=true").unwrap().subnets;
    let mut zones: Vec<_> =
        subnets.iter().map(|subnet| subnet.availability_zone.as_deref().unwrap()).collect();
    zones.sort_unstable();
    assert_eq!(zones, ["eu-west-1a", "eu-west-1b", "eu-west-1c"]);
    assert!(subnets.iter().all(|subnet| subnet.available_ip_address_count == Some(4091)));
    assert!(subnets.iter().all(|subnet| subnet.map_public_ip_on_launch == Some(true)));
}

#[test]
fn ids_that_are_not_there_are_refused() {
    let mut bench = Bench::new();
    assert_eq!(bench.refusal(describe_vpcs, "VpcId.1=vpc-1"), "InvalidVpcID.NotFound");
    assert_eq!(bench.refusal(describe_subnets, "SubnetId.1=subnet-1"), "InvalidSubnetID.NotFound");
    assert_eq!(
        bench.refusal(describe_network_interfaces, "NetworkInterfaceId.1=eni-1"),
        "InvalidNetworkInterfaceID.NotFound"
    );
    assert_eq!(
        bench.refusal(describe_addresses, "AllocationId.1=eipalloc-1"),
        "InvalidAllocationID.NotFound"
    );
    assert_eq!(bench.call(describe_addresses, "").unwrap().addresses, []);
    let both = "NetworkInterfaceId.1=eni-1&MaxResults=5";
    assert_eq!(bench.refusal(describe_network_interfaces, both), "InvalidParameterCombination");
    assert_eq!(bench.refusal(describe_availability_zones, "ZoneName.1=mars-1a"), "InvalidParameterValue");
    assert_eq!(
        bench.refusal(describe_subnets, "Filter.1.Name=color&Filter.1.Value.1=red"),
        "InvalidParameterValue"
    );
}

#[test]
fn zones_are_found_by_name_id_and_filter() {
    let mut bench = Bench::new();
    let one = bench.call(describe_availability_zones, "ZoneId.1=euw1-az2").unwrap().availability_zones;
    assert_eq!(one[0].zone_name.as_deref(), Some("eu-west-1b"));
    let all =
        bench.call(describe_availability_zones, "Filter.1.Name=state&Filter.1.Value.1=available").unwrap();
    assert_eq!(all.availability_zones.len(), 3);
    // Zones have no tags.
    let form = "Filter.1.Name=tag-key&Filter.1.Value.1=x";
    assert_eq!(bench.refusal(describe_availability_zones, form), "InvalidParameterValue");
}

#[test]
fn regions_not_opted_in_to_are_shown_on_demand() {
    let mut bench = Bench::new();
    assert_eq!(bench.call(describe_regions, "").unwrap().regions.len(), 17);
    assert!(bench.call(describe_regions, "AllRegions=true").unwrap().regions.len() > 17);
    let one = bench.call(describe_regions, "RegionName.1=us-east-1").unwrap().regions;
    assert_eq!(one[0].endpoint.as_deref(), Some("ec2.us-east-1.amazonaws.com"));
    assert_eq!(bench.refusal(describe_regions, "RegionName.1=mars-1"), "InvalidParameterValue");
}
