//! DescribeInstances.

use crate::ctx::Ctx;
use crate::filter::{Field, Filterable, matching, value, values};
use crate::ops::show;
use crate::page;
use crate::state::Cloud;
use crate::wire::ApiError;
use crate::wire::generated::ec2::{
    DescribeInstancesRequest, DescribeInstancesResponse, EbsInstanceBlockDevice, Filter, Instance,
    InstanceNetworkInterface, Reservation, Tag,
};

pub(crate) fn describe_instances(
    cloud: &mut Cloud,
    ctx: &Ctx,
    req: DescribeInstancesRequest,
) -> Result<DescribeInstancesResponse, ApiError> {
    if !req.instance_ids.is_empty() && req.max_results.is_some() {
        let message = "The parameter instancesSet cannot be used with the parameter maxResults";
        return Err(ApiError::invalid_combination(message));
    }
    page::check_size(req.max_results, 5, 1000)?;
    cloud.instances.known(&req.instance_ids, ctx.now)?;
    let by_index = req.filters.iter().any(lags);
    let shown = cloud.instances.named_or_all(&req.instance_ids).filter(|instance| {
        let from = if by_index { instance.indexed_at } else { instance.visible_at };
        from <= ctx.now
    });
    let described = shown.map(|instance| Described {
        reservation: instance.reservation.clone(),
        owner: ctx.account.clone(),
        instance: show::instance(cloud, ctx, instance),
    });
    let found = matching(described, &req.filters)?;
    let key = |found: &Described| {
        format!("{} {:08}", found.reservation, found.instance.ami_launch_index.unwrap_or_default())
    };
    let (page, next_token) = page::cut(found, key, req.max_results, req.next_token.as_deref())?;
    Ok(DescribeInstancesResponse { reservations: by_reservation(page), next_token })
}

/// Filters that look into an index which lags behind the instances themselves.
pub(super) fn lags(filter: &Filter) -> bool {
    let name = filter.name.as_deref().unwrap_or_default();
    name.starts_with("tag") || name == "client-token"
}

/// Instances in the order of their reservations.
fn by_reservation(found: Vec<Described>) -> Vec<Reservation> {
    let mut reservations: Vec<Reservation> = Vec::new();
    for described in found {
        match reservations
            .last_mut()
            .filter(|last| last.reservation_id.as_ref() == Some(&described.reservation))
        {
            Some(reservation) => reservation.instances.push(described.instance),
            None => reservations.push(Reservation {
                reservation_id: Some(described.reservation),
                owner_id: Some(described.owner),
                instances: vec![described.instance],
                ..Reservation::default()
            }),
        }
    }
    reservations
}

#[derive(Debug)]
pub(super) struct Described {
    reservation: String,
    owner: String,
    instance: Instance,
}

impl Described {
    fn disks(&self, member: impl Fn(&EbsInstanceBlockDevice) -> Vec<String>) -> Vec<String> {
        self.instance.block_device_mappings.iter().filter_map(|m| m.ebs.as_ref()).flat_map(member).collect()
    }

    fn interfaces(&self, member: impl Fn(&InstanceNetworkInterface) -> Vec<String>) -> Vec<String> {
        self.instance.network_interfaces.iter().flat_map(member).collect()
    }
}

/// Source: DescribeInstances, parameter Filter.N.
impl Filterable for Described {
    const FIELDS: &'static [Field<Self>] = &[
        ("architecture", |d| value(&d.instance.architecture)),
        ("availability-zone", |d| {
            d.instance.placement.iter().flat_map(|p| value(&p.availability_zone)).collect()
        }),
        ("availability-zone-id", |d| {
            d.instance.placement.iter().flat_map(|p| value(&p.availability_zone_id)).collect()
        }),
        ("block-device-mapping.attach-time", |d| d.disks(|ebs| value(&ebs.attach_time))),
        ("block-device-mapping.delete-on-termination", |d| d.disks(|ebs| value(&ebs.delete_on_termination))),
        ("block-device-mapping.device-name", |d| {
            values(&d.instance.block_device_mappings, |mapping| &mapping.device_name)
        }),
        ("block-device-mapping.status", |d| d.disks(|ebs| value(&ebs.status))),
        ("block-device-mapping.volume-id", |d| d.disks(|ebs| value(&ebs.volume_id))),
        ("boot-mode", |d| value(&d.instance.boot_mode)),
        ("client-token", |d| value(&d.instance.client_token)),
        ("current-instance-boot-mode", |d| value(&d.instance.current_instance_boot_mode)),
        ("dns-name", |d| value(&d.instance.public_dns_name)),
        ("ebs-optimized", |d| value(&d.instance.ebs_optimized)),
        ("ena-support", |d| value(&d.instance.ena_support)),
        ("hypervisor", |d| value(&d.instance.hypervisor)),
        ("iam-instance-profile.arn", |d| {
            d.instance.iam_instance_profile.iter().flat_map(|p| value(&p.arn)).collect()
        }),
        ("iam-instance-profile.id", |d| {
            d.instance.iam_instance_profile.iter().flat_map(|p| value(&p.id)).collect()
        }),
        ("image-id", |d| value(&d.instance.image_id)),
        ("instance-id", |d| value(&d.instance.instance_id)),
        ("instance-lifecycle", |d| value(&d.instance.instance_lifecycle)),
        ("instance-state-code", |d| d.instance.state.iter().flat_map(|s| value(&s.code)).collect()),
        ("instance-state-name", |d| d.instance.state.iter().flat_map(|s| value(&s.name)).collect()),
        ("instance-type", |d| value(&d.instance.instance_type)),
        ("instance.group-id", |d| values(&d.instance.security_groups, |group| &group.group_id)),
        ("instance.group-name", |d| values(&d.instance.security_groups, |group| &group.group_name)),
        ("ip-address", |d| value(&d.instance.public_ip_address)),
        ("kernel-id", |d| value(&d.instance.kernel_id)),
        ("key-name", |d| value(&d.instance.key_name)),
        ("launch-index", |d| value(&d.instance.ami_launch_index)),
        ("launch-time", |d| value(&d.instance.launch_time)),
        ("metadata-options.http-endpoint", |d| {
            d.instance.metadata_options.iter().flat_map(|o| value(&o.http_endpoint)).collect()
        }),
        ("metadata-options.http-put-response-hop-limit", |d| {
            d.instance.metadata_options.iter().flat_map(|o| value(&o.http_put_response_hop_limit)).collect()
        }),
        ("metadata-options.http-tokens", |d| {
            d.instance.metadata_options.iter().flat_map(|o| value(&o.http_tokens)).collect()
        }),
        ("metadata-options.instance-metadata-tags", |d| {
            d.instance.metadata_options.iter().flat_map(|o| value(&o.instance_metadata_tags)).collect()
        }),
        ("monitoring-state", |d| d.instance.monitoring.iter().flat_map(|m| value(&m.state)).collect()),
        ("network-interface.addresses.association.public-ip", |d| value(&d.instance.public_ip_address)),
        ("network-interface.addresses.private-ip-address", |d| value(&d.instance.private_ip_address)),
        ("network-interface.association.public-ip", |d| value(&d.instance.public_ip_address)),
        ("network-interface.group-id", |d| d.interfaces(|i| values(&i.groups, |group| &group.group_id))),
        ("network-interface.group-name", |d| d.interfaces(|i| values(&i.groups, |group| &group.group_name))),
        ("network-interface.mac-address", |d| d.interfaces(|i| value(&i.mac_address))),
        ("network-interface.network-interface-id", |d| d.interfaces(|i| value(&i.network_interface_id))),
        ("network-interface.private-dns-name", |d| d.interfaces(|i| value(&i.private_dns_name))),
        ("network-interface.status", |d| d.interfaces(|i| value(&i.status))),
        ("network-interface.subnet-id", |d| d.interfaces(|i| value(&i.subnet_id))),
        ("network-interface.vpc-id", |d| d.interfaces(|i| value(&i.vpc_id))),
        ("owner-id", |d| vec![d.owner.clone()]),
        ("platform", |d| value(&d.instance.platform)),
        ("platform-details", |d| value(&d.instance.platform_details)),
        ("private-dns-name", |d| value(&d.instance.private_dns_name)),
        ("private-ip-address", |d| value(&d.instance.private_ip_address)),
        ("reason", |d| value(&d.instance.state_transition_reason)),
        ("reservation-id", |d| vec![d.reservation.clone()]),
        ("root-device-name", |d| value(&d.instance.root_device_name)),
        ("root-device-type", |d| value(&d.instance.root_device_type)),
        ("source-dest-check", |d| value(&d.instance.source_dest_check)),
        ("spot-instance-request-id", |d| value(&d.instance.spot_instance_request_id)),
        ("state-reason-code", |d| d.instance.state_reason.iter().flat_map(|r| value(&r.code)).collect()),
        ("state-reason-message", |d| {
            d.instance.state_reason.iter().flat_map(|r| value(&r.message)).collect()
        }),
        ("subnet-id", |d| value(&d.instance.subnet_id)),
        ("tenancy", |d| d.instance.placement.iter().flat_map(|p| value(&p.tenancy)).collect()),
        ("usage-operation", |d| value(&d.instance.usage_operation)),
        ("virtualization-type", |d| value(&d.instance.virtualization_type)),
        ("vpc-id", |d| value(&d.instance.vpc_id)),
    ];

    fn tags(&self) -> Option<&[Tag]> {
        Some(&self.instance.tags)
    }
}
