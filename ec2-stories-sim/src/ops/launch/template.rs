//! Launch templates: what a request leaves out, its template fills in.

use crate::state::Cloud;
use crate::wire::ApiError;
use crate::wire::generated::ec2::{
    BlockDeviceMapping, EbsBlockDevice, IamInstanceProfileSpecification, InstanceMarketOptionsRequest,
    InstanceMetadataOptionsRequest, InstanceNetworkInterfaceSpecification,
    LaunchTemplateBlockDeviceMappingRequest, LaunchTemplateInstanceNetworkInterfaceSpecificationRequest,
    Placement, RequestLaunchTemplateData, RunInstancesMonitoringEnabled, RunInstancesRequest,
    SpotMarketOptions, TagSpecification,
};

/// Source: RunInstances, parameter LaunchTemplate: "Any additional parameters that you specify for the new instance
/// overwrite the corresponding parameters included in the launch template."
pub(crate) fn filled_in(cloud: &Cloud, req: RunInstancesRequest) -> Result<RunInstancesRequest, ApiError> {
    let Some(named) = &req.launch_template else { return Ok(req) };
    let (id, name) = (named.launch_template_id.as_deref(), named.launch_template_name.as_deref());
    let data = cloud.templates.version(id, name, named.version.as_deref())?.data.clone();
    refuse_unsimulated(&data)?;
    Ok(merge(req, data))
}

fn merge(req: RunInstancesRequest, data: RequestLaunchTemplateData) -> RunInstancesRequest {
    let groups_named = !req.security_group_ids.is_empty() || !req.security_groups.is_empty();
    RunInstancesRequest {
        image_id: req.image_id.or(data.image_id),
        instance_type: req.instance_type.or(data.instance_type),
        key_name: req.key_name.or(data.key_name),
        user_data: req.user_data.or(data.user_data),
        kernel_id: req.kernel_id.or(data.kernel_id),
        ramdisk_id: req.ramdisk_id.or(data.ram_disk_id),
        ebs_optimized: req.ebs_optimized.or(data.ebs_optimized),
        disable_api_stop: req.disable_api_stop.or(data.disable_api_stop),
        disable_api_termination: req.disable_api_termination.or(data.disable_api_termination),
        instance_initiated_shutdown_behavior: req
            .instance_initiated_shutdown_behavior
            .or(data.instance_initiated_shutdown_behavior),
        security_group_ids: if groups_named { req.security_group_ids } else { data.security_group_ids },
        security_groups: if groups_named { req.security_groups } else { data.security_groups },
        block_device_mappings: or_else(req.block_device_mappings, data.block_device_mappings, disk),
        network_interfaces: or_else(req.network_interfaces, data.network_interfaces, interface),
        tag_specifications: or_else(req.tag_specifications, data.tag_specifications, |tags| {
            TagSpecification { resource_type: tags.resource_type, tags: tags.tags }
        }),
        iam_instance_profile: req.iam_instance_profile.or(data
            .iam_instance_profile
            .map(|profile| IamInstanceProfileSpecification { arn: profile.arn, name: profile.name })),
        monitoring: req.monitoring.or(data.monitoring.map(|monitoring| RunInstancesMonitoringEnabled {
            enabled: monitoring.enabled,
            metric_category_ids: monitoring.metric_category_ids,
        })),
        metadata_options: req.metadata_options.or(data.metadata_options.map(|options| {
            InstanceMetadataOptionsRequest {
                http_endpoint: options.http_endpoint,
                http_protocol_ipv6: options.http_protocol_ipv6,
                http_put_response_hop_limit: options.http_put_response_hop_limit,
                http_tokens: options.http_tokens,
                instance_metadata_tags: options.instance_metadata_tags,
            }
        })),
        placement: req.placement.or(data.placement.map(|placement| Placement {
            availability_zone: placement.availability_zone,
            availability_zone_id: placement.availability_zone_id,
            tenancy: placement.tenancy,
            ..Placement::default()
        })),
        instance_market_options: req.instance_market_options.or(data.instance_market_options.map(|market| {
            InstanceMarketOptionsRequest {
                market_type: market.market_type,
                spot_options: market.spot_options.map(|spot| SpotMarketOptions {
                    block_duration_minutes: spot.block_duration_minutes,
                    instance_interruption_behavior: spot.instance_interruption_behavior,
                    max_price: spot.max_price,
                    spot_instance_type: spot.spot_instance_type,
                    valid_until: spot.valid_until,
                }),
            }
        })),
        ..req
    }
}

/// A list of the request replaces the template's.
fn or_else<T, U>(asked: Vec<T>, template: Vec<U>, convert: impl Fn(U) -> T) -> Vec<T> {
    if asked.is_empty() { template.into_iter().map(convert).collect() } else { asked }
}

fn disk(mapping: LaunchTemplateBlockDeviceMappingRequest) -> BlockDeviceMapping {
    BlockDeviceMapping {
        device_name: mapping.device_name,
        ebs: mapping.ebs.map(|ebs| EbsBlockDevice {
            delete_on_termination: ebs.delete_on_termination,
            encrypted: ebs.encrypted,
            iops: ebs.iops,
            kms_key_id: ebs.kms_key_id,
            snapshot_id: ebs.snapshot_id,
            throughput: ebs.throughput,
            volume_size: ebs.volume_size,
            volume_type: ebs.volume_type,
            ..EbsBlockDevice::default()
        }),
        no_device: mapping.no_device,
        virtual_name: mapping.virtual_name,
    }
}

fn interface(
    asked: LaunchTemplateInstanceNetworkInterfaceSpecificationRequest,
) -> InstanceNetworkInterfaceSpecification {
    InstanceNetworkInterfaceSpecification {
        associate_public_ip_address: asked.associate_public_ip_address,
        delete_on_termination: asked.delete_on_termination,
        description: asked.description,
        device_index: asked.device_index,
        groups: asked.groups,
        network_interface_id: asked.network_interface_id,
        private_ip_address: asked.private_ip_address,
        subnet_id: asked.subnet_id,
        ..InstanceNetworkInterfaceSpecification::default()
    }
}

/// Members of a template that the simulation does not act on are refused at the launch, as they are in a request.
fn refuse_unsimulated(data: &RequestLaunchTemplateData) -> Result<(), ApiError> {
    let hibernates =
        data.hibernation_options.as_ref().is_some_and(|options| options.configured == Some(true));
    let enclave = data.enclave_options.as_ref().is_some_and(|options| options.enabled == Some(true));
    let asked = [
        (data.capacity_reservation_specification.is_some(), "CapacityReservationSpecification"),
        (!data.elastic_gpu_specifications.is_empty(), "ElasticGpuSpecification"),
        (!data.elastic_inference_accelerators.is_empty(), "ElasticInferenceAccelerator"),
        (data.instance_requirements.is_some(), "InstanceRequirements"),
        (!data.license_specifications.is_empty(), "LicenseSpecification"),
        (!data.secondary_interfaces.is_empty(), "SecondaryInterface"),
        (hibernates, "HibernationOptions.Configured"),
        (enclave, "EnclaveOptions.Enabled"),
    ];
    match asked.iter().find(|(asked, _)| *asked) {
        Some((_, name)) => Err(ApiError::unsimulated(&format!("LaunchTemplateData.{name}"))),
        None => Ok(()),
    }
}
