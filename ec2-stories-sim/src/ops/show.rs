//! An instance as EC2 shows it.

use crate::ctx::Ctx;
use crate::state::Cloud;
use crate::state::instance::Instance;
use crate::state::network;
use crate::state::timeline::State;
use crate::wire::generated::ec2::{
    self as wire, CpuOptions, EbsInstanceBlockDevice, GroupIdentifier, InstanceBlockDeviceMapping,
    InstanceMaintenanceOptions, InstanceNetworkInterface, InstanceNetworkInterfaceAssociation,
    InstanceNetworkInterfaceAttachment, InstancePrivateIpAddress, InstanceState, Monitoring, Placement,
    StateReason,
};

pub(crate) fn instance(cloud: &Cloud, ctx: &Ctx, instance: &Instance) -> wire::Instance {
    let change = instance.timeline.current(ctx.now);
    let gone = change.state == State::Terminated;
    let fixed = fixed(instance);
    wire::Instance {
        state: Some(state(change.state)),
        state_reason: (!change.reason.code.is_empty()).then(|| StateReason {
            code: Some(change.reason.code.clone()),
            message: Some(change.reason.message.clone()),
        }),
        state_transition_reason: Some(change.reason.transition.clone()),
        tags: cloud.tags.get(&instance.id),
        // A terminated instance has neither volumes nor a network any more.
        block_device_mappings: if gone { Vec::new() } else { disks(ctx, instance) },
        ..match cloud.network.interface(&instance.interface).filter(|_| !gone) {
            Some(found) => with_network(cloud, ctx, instance, found, fixed),
            None => fixed,
        }
    }
}

pub(crate) fn state(state: State) -> InstanceState {
    InstanceState { code: Some(state.code()), name: Some(state.name().to_owned()) }
}

fn fixed(instance: &Instance) -> wire::Instance {
    let threads = instance.kind.threads_per_core();
    let monitoring = if instance.monitored { "enabled" } else { "disabled" };
    wire::Instance {
        instance_id: Some(instance.id.clone()),
        image_id: Some(instance.image.id.clone()),
        instance_type: Some(instance.kind.name.to_owned()),
        architecture: Some(instance.image.architecture.clone()),
        ami_launch_index: Some(instance.launch_index),
        launch_time: Some(instance.launched),
        client_token: Some(instance.client_token.clone()),
        key_name: instance.key_name.clone(),
        boot_mode: instance.image.boot_mode.clone(),
        current_instance_boot_mode: Some(boot_mode(instance).to_owned()),
        platform_details: Some(instance.image.platform_details.clone()),
        usage_operation: Some(instance.image.usage_operation.clone()),
        usage_operation_update_time: Some(instance.launched),
        cpu_options: Some(CpuOptions {
            core_count: Some(instance.kind.vcpus / threads),
            threads_per_core: Some(threads),
            ..CpuOptions::default()
        }),
        placement: Some(Placement {
            availability_zone: Some(instance.zone.clone()),
            availability_zone_id: Some(instance.zone_id.clone()),
            group_name: Some(String::new()),
            tenancy: Some(instance.tenancy.clone()),
            ..Placement::default()
        }),
        monitoring: Some(Monitoring { state: Some(monitoring.to_owned()), ..Monitoring::default() }),
        maintenance_options: Some(InstanceMaintenanceOptions {
            auto_recovery: Some("default".to_owned()),
            ..InstanceMaintenanceOptions::default()
        }),
        iam_instance_profile: instance.profile.clone(),
        metadata_options: Some(instance.metadata.clone()),
        instance_lifecycle: instance.spot_request.as_ref().map(|_| "spot".to_owned()),
        spot_instance_request_id: instance.spot_request.clone(),
        root_device_name: Some(instance.image.root_device.clone()),
        root_device_type: Some("ebs".to_owned()),
        ebs_optimized: Some(instance.ebs_optimized),
        ena_support: Some(true),
        hypervisor: Some("xen".to_owned()),
        virtualization_type: Some("hvm".to_owned()),
        private_dns_name: Some(String::new()),
        public_dns_name: Some(String::new()),
        ..wire::Instance::default()
    }
}

fn boot_mode(instance: &Instance) -> &'static str {
    match instance.image.boot_mode.as_deref() {
        Some("uefi" | "uefi-preferred") => "uefi",
        _ => "legacy-bios",
    }
}

fn disks(ctx: &Ctx, instance: &Instance) -> Vec<InstanceBlockDeviceMapping> {
    let pending = instance.state(ctx.now) == State::Pending;
    let status = if pending { "attaching" } else { "attached" };
    let shown = instance.volumes.iter().map(|attached| InstanceBlockDeviceMapping {
        device_name: Some(attached.device.clone()),
        ebs: Some(EbsInstanceBlockDevice {
            volume_id: Some(attached.volume.clone()),
            status: Some(status.to_owned()),
            attach_time: Some(instance.launched),
            delete_on_termination: Some(attached.delete_on_termination),
            ..EbsInstanceBlockDevice::default()
        }),
    });
    shown.collect()
}

pub(crate) fn groups(cloud: &Cloud, ids: &[String]) -> Vec<GroupIdentifier> {
    let name = |id: &String| cloud.network.security_group(id).map(|group| group.name.clone()).ok();
    ids.iter().map(|id| GroupIdentifier { group_id: Some(id.clone()), group_name: name(id) }).collect()
}

fn with_network(
    cloud: &Cloud,
    ctx: &Ctx,
    instance: &Instance,
    interface: &network::Interface,
    fixed: wire::Instance,
) -> wire::Instance {
    let private_dns = cloud.network.private_dns_name(interface.private_ip);
    let public = interface.public_ip.map(|ip| (ip.to_string(), cloud.network.public_dns_name(ip)));
    let groups = groups(cloud, &interface.groups);
    let association = public.as_ref().map(|(ip, dns)| InstanceNetworkInterfaceAssociation {
        public_ip: Some(ip.clone()),
        public_dns_name: Some(dns.clone()),
        ip_owner_id: Some("amazon".to_owned()),
        ..InstanceNetworkInterfaceAssociation::default()
    });
    wire::Instance {
        vpc_id: Some(interface.vpc_id.clone()),
        subnet_id: Some(interface.subnet_id.clone()),
        private_ip_address: Some(interface.private_ip.to_string()),
        private_dns_name: Some(private_dns.clone()),
        public_ip_address: public.as_ref().map(|(ip, _)| ip.clone()),
        public_dns_name: Some(public.map(|(_, dns)| dns).unwrap_or_default()),
        security_groups: groups.clone(),
        source_dest_check: Some(instance.source_dest_check),
        network_interfaces: vec![InstanceNetworkInterface {
            network_interface_id: Some(interface.id.clone()),
            owner_id: Some(ctx.account.clone()),
            status: Some("in-use".to_owned()),
            mac_address: Some(interface.mac.clone()),
            vpc_id: Some(interface.vpc_id.clone()),
            subnet_id: Some(interface.subnet_id.clone()),
            private_ip_address: Some(interface.private_ip.to_string()),
            private_dns_name: Some(private_dns.clone()),
            private_ip_addresses: vec![InstancePrivateIpAddress {
                primary: Some(true),
                private_ip_address: Some(interface.private_ip.to_string()),
                private_dns_name: Some(private_dns),
                association: association.clone(),
            }],
            association,
            groups,
            interface_type: Some("interface".to_owned()),
            description: Some(interface.description.clone()),
            source_dest_check: Some(instance.source_dest_check),
            attachment: Some(InstanceNetworkInterfaceAttachment {
                attachment_id: Some(interface.attachment_id.clone()),
                attach_time: Some(interface.attached),
                delete_on_termination: Some(true),
                device_index: Some(0),
                network_card_index: Some(0),
                status: Some("attached".to_owned()),
                ..InstanceNetworkInterfaceAttachment::default()
            }),
            ..InstanceNetworkInterface::default()
        }],
        ..fixed
    }
}
