//! DescribeNetworkInterfaces.

use crate::ctx::Ctx;
use crate::filter::{Field, Filterable, matching, value, values};
use crate::page;
use crate::state::Cloud;
use crate::state::network;
use crate::wire::ApiError;
use crate::wire::generated::ec2::{
    DescribeNetworkInterfacesRequest, DescribeNetworkInterfacesResponse, GroupIdentifier, NetworkInterface,
    NetworkInterfaceAssociation, NetworkInterfaceAttachment, NetworkInterfacePrivateIpAddress, Tag,
};

pub(crate) fn describe_network_interfaces(
    cloud: &mut Cloud,
    ctx: &Ctx,
    request: DescribeNetworkInterfacesRequest,
) -> Result<DescribeNetworkInterfacesResponse, ApiError> {
    if request.max_results.is_some() && !request.network_interface_ids.is_empty() {
        // Source: DescribeNetworkInterfaces, parameter MaxResults.
        let message = "The parameter networkInterfaceIds cannot be used with the parameter maxResults";
        return Err(ApiError::invalid_combination(message));
    }
    let by_id = |id: &String| {
        cloud.network.interface(id).ok_or_else(|| {
            let message = format!("The networkInterface ID '{id}' does not exist");
            ApiError::new("InvalidNetworkInterfaceID.NotFound", message)
        })
    };
    let found: Vec<&network::Interface> = match request.network_interface_ids.as_slice() {
        [] => cloud.network.interfaces().collect(),
        ids => ids.iter().map(by_id).collect::<Result<_, _>>()?,
    };
    let shown = found.into_iter().map(|interface| show(cloud, ctx, interface));
    let found = matching(shown, &request.filters)?;
    let key = |interface: &NetworkInterface| interface.network_interface_id.clone().unwrap_or_default();
    let (network_interfaces, next_token) =
        page::cut(found, key, request.max_results, request.next_token.as_deref())?;
    Ok(DescribeNetworkInterfacesResponse { network_interfaces, next_token })
}

fn show(cloud: &Cloud, ctx: &Ctx, interface: &network::Interface) -> NetworkInterface {
    let private_ip_address = Some(interface.private_ip.to_string());
    let private_dns_name = Some(cloud.network.private_dns_name(interface.private_ip));
    let association = interface.public_ip.map(|address| NetworkInterfaceAssociation {
        // An address of Amazon's pool, not an Elastic IP.
        ip_owner_id: Some("amazon".to_owned()),
        public_dns_name: Some(cloud.network.public_dns_name(address)),
        public_ip: Some(address.to_string()),
        ..NetworkInterfaceAssociation::default()
    });
    NetworkInterface {
        network_interface_id: Some(interface.id.clone()),
        subnet_id: Some(interface.subnet_id.clone()),
        vpc_id: Some(interface.vpc_id.clone()),
        availability_zone: Some(interface.zone.clone()),
        availability_zone_id: Some(interface.zone_id.clone()),
        association: association.clone(),
        attachment: Some(NetworkInterfaceAttachment {
            attach_time: Some(interface.attached),
            attachment_id: Some(interface.attachment_id.clone()),
            delete_on_termination: Some(true),
            device_index: Some(0),
            instance_id: Some(interface.instance_id.clone()),
            instance_owner_id: Some(ctx.account.clone()),
            network_card_index: Some(0),
            status: Some("attached".to_owned()),
            ..NetworkInterfaceAttachment::default()
        }),
        description: Some(interface.description.clone()),
        groups: cloud.network.group_identifiers(&interface.groups),
        interface_type: Some("interface".to_owned()),
        mac_address: Some(interface.mac.clone()),
        owner_id: Some(ctx.account.clone()),
        private_dns_name: private_dns_name.clone(),
        private_ip_address: private_ip_address.clone(),
        private_ip_addresses: vec![NetworkInterfacePrivateIpAddress {
            association,
            primary: Some(true),
            private_dns_name,
            private_ip_address,
        }],
        requester_managed: Some(false),
        source_dest_check: Some(true),
        status: Some("in-use".to_owned()),
        tag_set: cloud.tags.get(&interface.id),
        ..NetworkInterface::default()
    }
}

fn association(
    interface: &NetworkInterface,
    member: fn(&NetworkInterfaceAssociation) -> &Option<String>,
) -> Vec<String> {
    interface.association.iter().flat_map(|association| value(member(association))).collect()
}

fn attachment<V: ToString>(
    interface: &NetworkInterface,
    member: fn(&NetworkInterfaceAttachment) -> &Option<V>,
) -> Vec<String> {
    interface.attachment.iter().flat_map(|attachment| value(member(attachment))).collect()
}

impl Filterable for NetworkInterface {
    /// Source: DescribeNetworkInterfaces, parameter Filter.N.
    const FIELDS: &'static [Field<Self>] = &[
        ("addresses.association.public-ip", |eni| association(eni, |association| &association.public_ip)),
        ("addresses.primary", |eni| values(&eni.private_ip_addresses, |address| &address.primary)),
        ("addresses.private-ip-address", |eni| {
            values(&eni.private_ip_addresses, |address| &address.private_ip_address)
        }),
        ("association.ip-owner-id", |eni| association(eni, |association| &association.ip_owner_id)),
        ("association.public-dns-name", |eni| association(eni, |association| &association.public_dns_name)),
        ("association.public-ip", |eni| association(eni, |association| &association.public_ip)),
        ("attachment.attachment-id", |eni| attachment(eni, |attachment| &attachment.attachment_id)),
        ("attachment.delete-on-termination", |eni| {
            attachment(eni, |attachment| &attachment.delete_on_termination)
        }),
        ("attachment.device-index", |eni| attachment(eni, |attachment| &attachment.device_index)),
        ("attachment.instance-id", |eni| attachment(eni, |attachment| &attachment.instance_id)),
        ("attachment.instance-owner-id", |eni| attachment(eni, |attachment| &attachment.instance_owner_id)),
        ("attachment.status", |eni| attachment(eni, |attachment| &attachment.status)),
        ("availability-zone", |eni| value(&eni.availability_zone)),
        ("availability-zone-id", |eni| value(&eni.availability_zone_id)),
        ("description", |eni| value(&eni.description)),
        ("group-id", |eni| values(&eni.groups, |group: &GroupIdentifier| &group.group_id)),
        ("group-name", |eni| values(&eni.groups, |group: &GroupIdentifier| &group.group_name)),
        ("interface-type", |eni| value(&eni.interface_type)),
        ("mac-address", |eni| value(&eni.mac_address)),
        ("network-interface-id", |eni| value(&eni.network_interface_id)),
        ("owner-id", |eni| value(&eni.owner_id)),
        ("private-dns-name", |eni| value(&eni.private_dns_name)),
        ("private-ip-address", |eni| value(&eni.private_ip_address)),
        ("requester-managed", |eni| value(&eni.requester_managed)),
        ("source-dest-check", |eni| value(&eni.source_dest_check)),
        ("status", |eni| value(&eni.status)),
        ("subnet-id", |eni| value(&eni.subnet_id)),
        ("vpc-id", |eni| value(&eni.vpc_id)),
    ];

    fn tags(&self) -> Option<&[Tag]> {
        Some(&self.tag_set)
    }
}
