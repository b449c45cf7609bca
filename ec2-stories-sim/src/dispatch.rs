//! Which handler serves which operation.

use crate::access::Access;
use crate::ctx::Ctx;
use crate::ops;
use crate::request::Call;
use crate::state::Cloud;
use crate::wire::generated::{ec2 as ec2_wire, sts as sts_wire};
use crate::wire::{ApiError, Params, Protocol, Request, Response};

/// The API version of each service that is simulated.
const EC2_VERSION: &str = "2016-11-15";

#[derive(Clone, Copy, Debug)]
pub(crate) enum Operation {
    Ec2(ec2_wire::Operation),
    Sts(sts_wire::Operation),
}

impl Operation {
    pub(crate) fn of(call: &Call) -> Result<Self, ApiError> {
        let name = call.operation();
        let found = match call.protocol {
            Protocol::Ec2 => {
                check_version(call.params.version())?;
                ec2_wire::Operation::from_name(name).map(Self::Ec2)
            }
            Protocol::Sts => sts_wire::Operation::from_name(name).map(Self::Sts),
        };
        found.ok_or_else(|| ApiError::invalid_action(name))
    }
}

fn check_version(version: &str) -> Result<(), ApiError> {
    if version == EC2_VERSION {
        return Ok(());
    }
    let message = format!("The requested version ({version}) of service AmazonEC2 does not exist");
    Err(ApiError::new("NoSuchVersion", message))
}

/// Parses the request, runs the handler, writes the reply.
fn run<S, R: Request>(
    state: &mut S,
    ctx: &Ctx,
    params: &Params,
    request_id: &str,
    handler: fn(&mut S, &Ctx, R) -> Result<R::Response, ApiError>,
) -> Result<String, ApiError> {
    Ok(handler(state, ctx, R::parse(params)?)?.to_xml(request_id))
}

macro_rules! route {
    ($operation:ident in $enum:path; $state:ident, $ctx:ident, $params:ident, $id:ident; $($name:ident => $handler:path,)*) => {{
        use $enum as Wire;
        match $operation {
            $(Wire::$name => run($state, $ctx, $params, $id, $handler),)*
        }
    }};
}

pub(crate) fn sts(
    access: &mut Access,
    ctx: &Ctx,
    operation: sts_wire::Operation,
    params: &Params,
    request_id: &str,
) -> Result<String, ApiError> {
    route! {
        operation in sts_wire::Operation; access, ctx, params, request_id;
        AssumeRole => ops::sts::assume_role,
        GetCallerIdentity => ops::sts::get_caller_identity,
    }
}

pub(crate) fn ec2(
    cloud: &mut Cloud,
    ctx: &Ctx,
    operation: ec2_wire::Operation,
    params: &Params,
    request_id: &str,
) -> Result<String, ApiError> {
    route! {
        operation in ec2_wire::Operation; cloud, ctx, params, request_id;
        AuthorizeSecurityGroupEgress => ops::security_groups::authorize_security_group_egress,
        AuthorizeSecurityGroupIngress => ops::security_groups::authorize_security_group_ingress,
        CancelImportTask => ops::imports::cancel_import_task,
        CancelSpotInstanceRequests => ops::spot::cancel_spot_instance_requests,
        CopyImage => ops::images::copy_image,
        CopySnapshot => ops::snapshots::copy_snapshot,
        CreateFleet => ops::fleet::create_fleet,
        CreateImage => ops::images::create_image,
        CreateKeyPair => ops::keys::create_key_pair,
        CreateLaunchTemplate => ops::templates::create_launch_template,
        CreateSecurityGroup => ops::security_groups::create_security_group,
        CreateSnapshot => ops::snapshots::create_snapshot,
        CreateTags => ops::tags::create_tags,
        DeleteFleets => ops::fleet::delete_fleets,
        DeleteKeyPair => ops::keys::delete_key_pair,
        DeleteLaunchTemplate => ops::templates::delete_launch_template,
        DeleteSecurityGroup => ops::security_groups::delete_security_group,
        DeleteSnapshot => ops::snapshots::delete_snapshot,
        DeleteTags => ops::tags::delete_tags,
        DeleteVolume => ops::volumes::delete_volume,
        DeregisterImage => ops::images::deregister_image,
        DescribeAddresses => ops::vpc::describe_addresses,
        DescribeAvailabilityZones => ops::vpc::describe_availability_zones,
        DescribeFleets => ops::fleet::describe_fleets,
        DescribeImageAttribute => ops::images::describe_image_attribute,
        DescribeImages => ops::images::describe_images,
        DescribeImportSnapshotTasks => ops::imports::describe_import_snapshot_tasks,
        DescribeInstanceAttribute => ops::attributes::describe_instance_attribute,
        DescribeInstanceStatus => ops::status::describe_instance_status,
        DescribeInstanceTypeOfferings => ops::types::describe_instance_type_offerings,
        DescribeInstanceTypes => ops::types::describe_instance_types,
        DescribeInstances => ops::describe::describe_instances,
        DescribeKeyPairs => ops::keys::describe_key_pairs,
        DescribeLaunchTemplateVersions => ops::templates::describe_launch_template_versions,
        DescribeLaunchTemplates => ops::templates::describe_launch_templates,
        DescribeNetworkInterfaces => ops::vpc::describe_network_interfaces,
        DescribeRegions => ops::vpc::describe_regions,
        DescribeSecurityGroupRules => ops::security_groups::describe_security_group_rules,
        DescribeSecurityGroups => ops::security_groups::describe_security_groups,
        DescribeSnapshotAttribute => ops::snapshots::describe_snapshot_attribute,
        DescribeSnapshots => ops::snapshots::describe_snapshots,
        DescribeSpotInstanceRequests => ops::spot::describe_spot_instance_requests,
        DescribeSubnets => ops::vpc::describe_subnets,
        DescribeTags => ops::tags::describe_tags,
        DescribeVolumes => ops::volumes::describe_volumes,
        DescribeVpcs => ops::vpc::describe_vpcs,
        DisableImageDeprecation => ops::images::disable_image_deprecation,
        EnableImageDeprecation => ops::images::enable_image_deprecation,
        GetConsoleOutput => ops::console::get_console_output,
        GetEbsEncryptionByDefault => ops::snapshots::get_ebs_encryption_by_default,
        ImportKeyPair => ops::keys::import_key_pair,
        ImportSnapshot => ops::imports::import_snapshot,
        ModifyImageAttribute => ops::images::modify_image_attribute,
        ModifyInstanceAttribute => ops::attributes::modify_instance_attribute,
        ModifyInstanceMetadataOptions => ops::attributes::modify_instance_metadata_options,
        ModifySnapshotAttribute => ops::snapshots::modify_snapshot_attribute,
        RebootInstances => ops::lifecycle::reboot_instances,
        RegisterImage => ops::images::register_image,
        ResetImageAttribute => ops::images::reset_image_attribute,
        RevokeSecurityGroupEgress => ops::security_groups::revoke_security_group_egress,
        RevokeSecurityGroupIngress => ops::security_groups::revoke_security_group_ingress,
        RunInstances => ops::launch::run_instances,
        StartInstances => ops::lifecycle::start_instances,
        StopInstances => ops::lifecycle::stop_instances,
        TerminateInstances => ops::lifecycle::terminate_instances,
        UpdateSecurityGroupRuleDescriptionsEgress => ops::security_groups::update_security_group_rule_descriptions_egress,
        UpdateSecurityGroupRuleDescriptionsIngress => ops::security_groups::update_security_group_rule_descriptions_ingress,
    }
}
