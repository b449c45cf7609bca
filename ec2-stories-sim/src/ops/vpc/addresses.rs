//! DescribeAddresses: the simulation allocates no Elastic IP addresses, so an account has none.

use crate::ctx::Ctx;
use crate::filter::{Field, Filterable, matching, value};
use crate::state::Cloud;
use crate::wire::ApiError;
use crate::wire::generated::ec2::{Address, DescribeAddressesRequest, DescribeAddressesResponse, Tag};

/// Source: EC2 API reference, "Error codes": InvalidAllocationID.NotFound, InvalidAddress.NotFound.
pub(crate) fn describe_addresses(
    _: &mut Cloud,
    _: &Ctx,
    request: DescribeAddressesRequest,
) -> Result<DescribeAddressesResponse, ApiError> {
    if let Some(id) = request.allocation_ids.first() {
        let message = format!("The allocation ID '{id}' does not exist");
        return Err(ApiError::new("InvalidAllocationID.NotFound", message));
    }
    if let Some(ip) = request.public_ips.first() {
        return Err(ApiError::new("InvalidAddress.NotFound", format!("Address '{ip}' not found.")));
    }
    Ok(DescribeAddressesResponse { addresses: matching([], &request.filters)? })
}

impl Filterable for Address {
    /// Source: DescribeAddresses, parameter Filter.N.
    const FIELDS: &'static [Field<Self>] = &[
        ("allocation-id", |address| value(&address.allocation_id)),
        ("association-id", |address| value(&address.association_id)),
        ("instance-id", |address| value(&address.instance_id)),
        ("network-border-group", |address| value(&address.network_border_group)),
        ("network-interface-id", |address| value(&address.network_interface_id)),
        ("network-interface-owner-id", |address| value(&address.network_interface_owner_id)),
        ("private-ip-address", |address| value(&address.private_ip_address)),
        ("public-ip", |address| value(&address.public_ip)),
    ];

    fn tags(&self) -> Option<&[Tag]> {
        Some(&self.tags)
    }
}
