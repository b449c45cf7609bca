//! RunInstances.

mod disks;
mod perform;
mod plan;
mod template;
mod volume_limits;

use super::show;
use crate::ctx::Ctx;
use crate::state::Cloud;
use crate::state::timeline::State;
use crate::wire::ApiError;
use crate::wire::generated::ec2::{RunInstancesRequest, RunInstancesResponse};

pub(crate) use disks::{Disk, check_mapping};
pub(crate) use plan::Plan;
pub(crate) use template::filled_in;

pub(crate) fn run_instances(
    cloud: &mut Cloud,
    ctx: &Ctx,
    req: RunInstancesRequest,
) -> Result<RunInstancesResponse, ApiError> {
    let req = filled_in(cloud, req)?;
    let token = req.client_token.clone().unwrap_or_default();
    let scope = token_scope(cloud, &req)?;
    if !token.is_empty()
        && let Some(reservation) = cloud.launch_tokens.replay(&scope, &token, &ctx.fingerprint, ctx.now)?
    {
        return replayed(cloud, ctx, &reservation);
    }
    let plan = Plan::of(cloud, ctx, &req)?;
    let reservation = perform::launch(cloud, ctx, &req, &plan)?;
    if !token.is_empty() {
        cloud.launch_tokens.remember(&scope, &token, &ctx.fingerprint, &reservation, ctx.now);
    }
    Ok(answer(cloud, ctx, &reservation))
}

/// The zone where the launch names one or a subnet, else the region.
fn token_scope(cloud: &Cloud, req: &RunInstancesRequest) -> Result<String, ApiError> {
    let zone = plan::named_zone(cloud, req)?;
    Ok(zone.unwrap_or_else(|| "regional".to_owned()))
}

/// The first call's reservation again, in its instances' present states; nothing once they are gone.
///
/// Source: "Error codes for the Amazon EC2 API", IdempotentInstanceTerminated.
fn replayed(cloud: &Cloud, ctx: &Ctx, reservation: &str) -> Result<RunInstancesResponse, ApiError> {
    let alive = cloud
        .instances
        .in_reservation(reservation)
        .any(|instance| instance.state(ctx.now) != State::Terminated);
    if alive {
        return Ok(answer(cloud, ctx, reservation));
    }
    let message = "The request to launch an instance uses the same client token as a previous request for which the \
                   instance has been terminated.";
    Err(ApiError::new("IdempotentInstanceTerminated", message))
}

fn answer(cloud: &Cloud, ctx: &Ctx, reservation: &str) -> RunInstancesResponse {
    let instances = cloud.instances.in_reservation(reservation);
    RunInstancesResponse {
        reservation_id: Some(reservation.to_owned()),
        owner_id: Some(ctx.account.clone()),
        instances: instances.map(|instance| show::instance(cloud, ctx, instance)).collect(),
        ..RunInstancesResponse::default()
    }
}
