//! DescribeAvailabilityZones and DescribeRegions.

use crate::ctx::Ctx;
use crate::filter::{Field, Filterable, matching, value};
use crate::state::Cloud;
use crate::state::network::zones::{ENABLED, OPT_IN, Zone};
use crate::wire::ApiError;
use crate::wire::generated::ec2::{
    AvailabilityZone, DescribeAvailabilityZonesRequest, DescribeAvailabilityZonesResponse,
    DescribeRegionsRequest, DescribeRegionsResponse, Region, Tag,
};

pub(crate) fn describe_availability_zones(
    cloud: &mut Cloud,
    ctx: &Ctx,
    request: DescribeAvailabilityZonesRequest,
) -> Result<DescribeAvailabilityZonesResponse, ApiError> {
    let zones = cloud.network.zones();
    for name in &request.zone_names {
        cloud.network.zone(name)?;
    }
    if let Some(id) = request.zone_ids.iter().find(|id| !zones.iter().any(|zone| zone.id == **id)) {
        return Err(ApiError::invalid_parameter(format!("Invalid availability zone-id: [{id}]")));
    }
    let asked = |zone: &&Zone| {
        let named = request.zone_names.contains(&zone.name) || request.zone_ids.contains(&zone.id);
        named || (request.zone_names.is_empty() && request.zone_ids.is_empty())
    };
    let shown = zones.iter().filter(asked).map(|zone| show_zone(&ctx.region, zone));
    Ok(DescribeAvailabilityZonesResponse { availability_zones: matching(shown, &request.filters)? })
}

fn show_zone(region: &str, zone: &Zone) -> AvailabilityZone {
    AvailabilityZone {
        zone_name: Some(zone.name.clone()),
        zone_id: Some(zone.id.clone()),
        zone_type: Some("availability-zone".to_owned()),
        region_name: Some(region.to_owned()),
        group_name: Some(format!("{region}-zg-1")),
        network_border_group: Some(region.to_owned()),
        opt_in_status: Some("opt-in-not-required".to_owned()),
        state: Some("available".to_owned()),
        ..AvailabilityZone::default()
    }
}

impl Filterable for AvailabilityZone {
    /// Source: DescribeAvailabilityZones, parameter Filter.N.
    const FIELDS: &'static [Field<Self>] = &[
        ("group-long-name", |zone| value(&zone.group_long_name)),
        ("group-name", |zone| value(&zone.group_name)),
        ("message", |_| Vec::new()),
        ("opt-in-status", |zone| value(&zone.opt_in_status)),
        ("parent-zone-id", |zone| value(&zone.parent_zone_id)),
        ("parent-zone-name", |zone| value(&zone.parent_zone_name)),
        ("region-name", |zone| value(&zone.region_name)),
        ("state", |zone| value(&zone.state)),
        ("zone-id", |zone| value(&zone.zone_id)),
        ("zone-name", |zone| value(&zone.zone_name)),
        ("zone-type", |zone| value(&zone.zone_type)),
    ];
    const TAGGED: bool = false;

    fn tags(&self) -> Option<&[Tag]> {
        None
    }
}

/// Regions that are not opted in to are shown on demand only. Source: DescribeRegions, parameter AllRegions.
pub(crate) fn describe_regions(
    _: &mut Cloud,
    _: &Ctx,
    request: DescribeRegionsRequest,
) -> Result<DescribeRegionsResponse, ApiError> {
    let names = &request.region_names;
    if let Some(name) = names.iter().find(|name| !ENABLED.iter().chain(&OPT_IN).any(|known| known == name)) {
        return Err(ApiError::invalid_parameter(format!("Invalid region provided: [{name}]")));
    }
    let enabled = ENABLED.iter().map(|name| show_region(name, "opt-in-not-required"));
    let others = OPT_IN.iter().map(|name| show_region(name, "not-opted-in"));
    let all = request.all_regions == Some(true);
    let shown = enabled.chain(others.filter(|_| all)).filter(|region| {
        names.is_empty() || region.region_name.as_ref().is_some_and(|name| names.contains(name))
    });
    Ok(DescribeRegionsResponse { regions: matching(shown, &request.filters)? })
}

fn show_region(name: &str, opt_in_status: &str) -> Region {
    Region {
        region_name: Some(name.to_owned()),
        endpoint: Some(format!("ec2.{name}.amazonaws.com")),
        opt_in_status: Some(opt_in_status.to_owned()),
        ..Region::default()
    }
}

impl Filterable for Region {
    /// Source: DescribeRegions, parameter Filter.N.
    const FIELDS: &'static [Field<Self>] = &[
        ("endpoint", |region| value(&region.endpoint)),
        ("opt-in-status", |region| value(&region.opt_in_status)),
        ("region-name", |region| value(&region.region_name)),
    ];
    const TAGGED: bool = false;

    fn tags(&self) -> Option<&[Tag]> {
        None
    }
}
