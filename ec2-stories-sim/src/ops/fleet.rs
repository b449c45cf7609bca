//! CreateFleet of type `instant`, DescribeFleets, DeleteFleets.

use std::collections::VecDeque;

use crate::ctx::Ctx;
use crate::filter::{Field, Filterable, matching, value};
use crate::ops::launch::run_instances;
use crate::ops::lifecycle::terminate;
use crate::page;
use crate::state::Cloud;
use crate::state::fleets::Fleet;
use crate::state::tags::tags_for;
use crate::wire::ApiError;
use crate::wire::generated::ec2::{
    CreateFleetError, CreateFleetInstance, CreateFleetRequest, CreateFleetResponse, DeleteFleetError,
    DeleteFleetErrorItem, DeleteFleetSuccessItem, DeleteFleetsRequest, DeleteFleetsResponse,
    DescribeFleetsInstances, DescribeFleetsRequest, DescribeFleetsResponse, FleetData,
    FleetLaunchTemplateOverridesRequest, FleetLaunchTemplateSpecificationRequest,
    InstanceMarketOptionsRequest, LaunchTemplateSpecification, Placement, RunInstancesRequest, Tag,
    TargetCapacitySpecification,
};

/// Tries the pools (template and override) in the order given until the target is reached; what could not be launched
/// is in the reply's errors.
///
/// Source: CreateFleet; EC2 user guide, "Configure an EC2 Fleet of type instant".
pub(crate) fn create_fleet(
    cloud: &mut Cloud,
    ctx: &Ctx,
    req: CreateFleetRequest,
) -> Result<CreateFleetResponse, ApiError> {
    if req.r#type.as_deref() != Some("instant") {
        let message = "The simulation creates fleets of type instant only.";
        return Err(ApiError::new("UnsupportedOperation", message));
    }
    if let Some(token) = &req.client_token
        && let Some(id) = cloud.fleet_tokens.replay("regional", token, &ctx.fingerprint, ctx.now)?
    {
        return Ok(cloud.fleets.get(&id)?.reply.clone());
    }
    let target = req.target_capacity_specification.clone().unwrap_or_default();
    let total = target.total_target_capacity.unwrap_or_default();
    if total < 1 {
        return Err(ApiError::invalid_value(&total.to_string(), "TotalTargetCapacity"));
    }
    let spot = target.default_target_capacity_type.as_deref() == Some("spot")
        || target.spot_target_capacity.is_some_and(|spot| spot == total);
    let id = ctx.id("fleet");
    let mut reply = CreateFleetResponse { fleet_id: Some(id.clone()), ..CreateFleetResponse::default() };
    let mut missing = total;
    let mut pools = pools(&req);
    while let (1.., Some((template, overrides))) = (missing, pools.pop_front()) {
        match launch(cloud, ctx, &req, &template, &overrides, spot, missing) {
            Ok(launched) => {
                missing -= i32::try_from(launched.instance_ids.len()).unwrap_or(missing);
                reply.instances.push(launched);
            }
            Err(error) => reply.errors.push(CreateFleetError {
                error_code: Some(error.code.into_owned()),
                error_message: Some(error.message),
                lifecycle: Some(lifecycle(spot).to_owned()),
                ..CreateFleetError::default()
            }),
        }
    }
    cloud.tags.set(&id, &tags_for("fleet", &req.tag_specifications)?)?;
    if let Some(token) = &req.client_token {
        cloud.fleet_tokens.remember("regional", token, &ctx.fingerprint, &id, ctx.now);
    }
    cloud.fleets.insert(Fleet {
        id,
        created: ctx.now,
        client_token: req.client_token,
        target: total,
        deleted: false,
        reply: reply.clone(),
    });
    Ok(reply)
}

type Pool = (FleetLaunchTemplateSpecificationRequest, FleetLaunchTemplateOverridesRequest);

fn pools(req: &CreateFleetRequest) -> VecDeque<Pool> {
    let mut pools = VecDeque::new();
    for config in &req.launch_template_configs {
        let template = config.launch_template_specification.clone().unwrap_or_default();
        let overrides = match &config.overrides[..] {
            [] => vec![FleetLaunchTemplateOverridesRequest::default()],
            overrides => overrides.to_vec(),
        };
        pools.extend(overrides.into_iter().map(|overrides| (template.clone(), overrides)));
    }
    pools
}

fn launch(
    cloud: &mut Cloud,
    ctx: &Ctx,
    req: &CreateFleetRequest,
    template: &FleetLaunchTemplateSpecificationRequest,
    overrides: &FleetLaunchTemplateOverridesRequest,
    spot: bool,
    count: i32,
) -> Result<CreateFleetInstance, ApiError> {
    let market = InstanceMarketOptionsRequest { market_type: Some("spot".to_owned()), ..Default::default() };
    let launched = run_instances(
        cloud,
        ctx,
        RunInstancesRequest {
            min_count: Some(1),
            max_count: Some(count),
            launch_template: Some(LaunchTemplateSpecification {
                launch_template_id: template.launch_template_id.clone(),
                launch_template_name: template.launch_template_name.clone(),
                version: template.version.clone(),
            }),
            instance_type: overrides.instance_type.clone(),
            image_id: overrides.image_id.clone(),
            key_name: overrides.key_name.clone(),
            subnet_id: overrides.subnet_id.clone(),
            placement: overrides.placement.clone().or_else(|| {
                let zone = overrides.availability_zone.clone()?;
                Some(Placement { availability_zone: Some(zone), ..Placement::default() })
            }),
            instance_market_options: spot.then_some(market),
            // An empty list leaves the template's tags in force.
            tag_specifications: req
                .tag_specifications
                .iter()
                .filter(|specification| specification.resource_type.as_deref() != Some("fleet"))
                .cloned()
                .collect(),
            ..RunInstancesRequest::default()
        },
    )?;
    let first = launched.instances.first().cloned().unwrap_or_default();
    Ok(CreateFleetInstance {
        instance_ids: launched.instances.into_iter().filter_map(|instance| instance.instance_id).collect(),
        instance_type: first.instance_type,
        availability_zone: first.placement.and_then(|placement| placement.availability_zone),
        subnet_id: first.subnet_id,
        lifecycle: Some(lifecycle(spot).to_owned()),
        ..CreateFleetInstance::default()
    })
}

fn lifecycle(spot: bool) -> &'static str {
    if spot { "spot" } else { "on-demand" }
}

pub(crate) fn describe_fleets(
    cloud: &mut Cloud,
    _: &Ctx,
    req: DescribeFleetsRequest,
) -> Result<DescribeFleetsResponse, ApiError> {
    for id in &req.fleet_ids {
        cloud.fleets.get(id)?;
    }
    // An instant fleet shows only when it is named (DescribeFleets, Important note).
    let wanted = cloud.fleets.all().filter(|fleet| req.fleet_ids.contains(&fleet.id));
    let found = matching(wanted.map(|fleet| shown(cloud, fleet)), &req.filters)?;
    let key = |fleet: &FleetData| fleet.fleet_id.clone().unwrap_or_default();
    let (fleets, next_token) = page::cut(found, key, req.max_results, req.next_token.as_deref())?;
    Ok(DescribeFleetsResponse { fleets, next_token })
}

/// Source: DeleteFleets: an instant fleet cannot be deleted without its instances.
pub(crate) fn delete_fleets(
    cloud: &mut Cloud,
    ctx: &Ctx,
    req: DeleteFleetsRequest,
) -> Result<DeleteFleetsResponse, ApiError> {
    if req.terminate_instances != Some(true) {
        let message = "NoTerminateInstances option is not supported for instant fleet.";
        return Err(ApiError::new("InvalidParameter", message));
    }
    let mut reply = DeleteFleetsResponse::default();
    for id in req.fleet_ids {
        match cloud.fleets.get_mut(&id) {
            Some(fleet) => {
                fleet.deleted = true;
                for instance in fleet.instance_ids() {
                    terminate(cloud, ctx, &instance);
                }
                reply.successful_fleet_deletions.push(DeleteFleetSuccessItem {
                    fleet_id: Some(id),
                    previous_fleet_state: Some("active".to_owned()),
                    current_fleet_state: Some("deleted_terminating".to_owned()),
                });
            }
            None => reply.unsuccessful_fleet_deletions.push(DeleteFleetErrorItem {
                error: Some(DeleteFleetError {
                    code: Some("fleetIdDoesNotExist".to_owned()),
                    message: Some(format!("The fleet ID '{id}' does not exist")),
                }),
                fleet_id: Some(id),
            }),
        }
    }
    Ok(reply)
}

fn shown(cloud: &Cloud, fleet: &Fleet) -> FleetData {
    let instances = fleet.reply.instances.iter().map(|launched| DescribeFleetsInstances {
        instance_ids: launched.instance_ids.clone(),
        instance_type: launched.instance_type.clone(),
        lifecycle: launched.lifecycle.clone(),
        ..DescribeFleetsInstances::default()
    });
    FleetData {
        fleet_id: Some(fleet.id.clone()),
        fleet_state: Some(if fleet.deleted { "deleted_terminating" } else { "active" }.to_owned()),
        activity_status: Some("fulfilled".to_owned()),
        r#type: Some("instant".to_owned()),
        create_time: Some(fleet.created),
        client_token: fleet.client_token.clone(),
        fulfilled_capacity: u32::try_from(fleet.instance_ids().len()).ok().map(f64::from),
        target_capacity_specification: Some(TargetCapacitySpecification {
            total_target_capacity: Some(fleet.target),
            ..TargetCapacitySpecification::default()
        }),
        instances: instances.collect(),
        tags: cloud.tags.get(&fleet.id),
        ..FleetData::default()
    }
}

/// Source: DescribeFleets, parameter Filter.N.
impl Filterable for FleetData {
    const FIELDS: &'static [Field<Self>] = &[
        ("activity-status", |f| value(&f.activity_status)),
        ("fleet-state", |f| value(&f.fleet_state)),
        ("type", |f| value(&f.r#type)),
    ];

    fn tags(&self) -> Option<&[Tag]> {
        Some(&self.tags)
    }
}
