//! Subnet, security groups and public address.

use aws_sdk_ec2::operation::run_instances::builders::RunInstancesFluentBuilder;
use aws_sdk_ec2::types::InstanceNetworkInterfaceSpecification;
use ec2_stories_core::model::LaunchRequest;

/// A public address can only be asked for on a network interface, and then subnet and groups go there too
/// (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html>).
pub(super) fn attach(run: RunInstancesFluentBuilder, request: &LaunchRequest) -> RunInstancesFluentBuilder {
    let subnet = request.placement.subnet.as_ref().map(ToString::to_string);
    let groups: Vec<String> = request.security_groups.iter().map(ToString::to_string).collect();
    let groups = (!groups.is_empty()).then_some(groups);
    let Some(public) = request.public_ip else {
        return run.set_subnet_id(subnet).set_security_group_ids(groups);
    };
    let interface = InstanceNetworkInterfaceSpecification::builder()
        .device_index(0)
        .associate_public_ip_address(public)
        .delete_on_termination(true)
        .set_subnet_id(subnet)
        .set_groups(groups);
    run.network_interfaces(interface.build())
}
