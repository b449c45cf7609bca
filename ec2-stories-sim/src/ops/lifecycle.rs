//! StartInstances, StopInstances, RebootInstances, TerminateInstances.

use crate::ctx::Ctx;
use crate::ops::show;
use crate::state::Cloud;
use crate::state::capacity::insufficient;
use crate::state::timeline::{Reason, State};
use crate::wire::ApiError;
use crate::wire::generated::ec2::{
    InstanceStateChange, RebootInstancesRequest, RebootInstancesResponse, StartInstancesRequest,
    StartInstancesResponse, StopInstancesRequest, StopInstancesResponse, TerminateInstancesRequest,
    TerminateInstancesResponse,
};

/// Idempotent for instances that end or have ended; one protected instance fails the call for its whole zone, which is
/// all of it here.
///
/// Source: TerminateInstances; "Error codes for the Amazon EC2 API", OperationNotPermitted.
pub(crate) fn terminate_instances(
    cloud: &mut Cloud,
    ctx: &Ctx,
    req: TerminateInstancesRequest,
) -> Result<TerminateInstancesResponse, ApiError> {
    cloud.instances.known(&req.instance_ids, ctx.now)?;
    let protected = |id: &&String| cloud.instances.get(id).is_some_and(|instance| instance.protected);
    if let Some(id) = req.instance_ids.iter().find(protected) {
        return Err(ApiError::new(
            "OperationNotPermitted",
            format!(
                "The instance '{id}' may not be terminated. Modify its 'disableApiTermination' instance attribute and \
                 try again."
            ),
        ));
    }
    let terminating_instances = changes(cloud, ctx, &req.instance_ids, |cloud, id| terminate(cloud, ctx, id));
    Ok(TerminateInstancesResponse { terminating_instances })
}

/// Starts the end of an instance at the user's wish.
pub(crate) fn terminate(cloud: &mut Cloud, ctx: &Ctx, id: &str) {
    let Some(instance) = cloud.instances.get_mut(id) else { return };
    if !instance.state(ctx.now).is_ending() {
        instance.terminate(ctx, ctx.now, &Reason::user(ctx.now));
        let interface = instance.interface.clone();
        cloud.network.set_public_ip(&interface, false);
    }
}

/// Source: StopInstances; "Error codes for the Amazon EC2 API", IncorrectInstanceState, UnsupportedOperation.
pub(crate) fn stop_instances(
    cloud: &mut Cloud,
    ctx: &Ctx,
    req: StopInstancesRequest,
) -> Result<StopInstancesResponse, ApiError> {
    if req.hibernate == Some(true) {
        let message = "The instances were not launched with hibernation enabled and cannot be hibernated.";
        return Err(ApiError::new("UnsupportedHibernationConfiguration", message));
    }
    cloud.instances.known(&req.instance_ids, ctx.now)?;
    for id in &req.instance_ids {
        let Some(instance) = cloud.instances.get(id) else { continue };
        match instance.state(ctx.now) {
            _ if instance.stop_protected => {
                let message = format!(
                    "The instance '{id}' may not be stopped. Modify its 'disableApiStop' instance attribute and try again."
                );
                return Err(ApiError::new("OperationNotPermitted", message));
            }
            _ if instance.spot_request.is_some() => {
                let message = format!(
                    "You can't stop the Spot Instance '{id}' because it is associated with a one-time Spot Instance request."
                );
                return Err(ApiError::new("UnsupportedOperation", message));
            }
            State::Pending if !instance.timeline.ever(State::Running, ctx.now) => {
                let message =
                    format!("Instance '{id}' cannot be stopped as it has never reached the 'running' state.");
                return Err(ApiError::new("IncorrectInstanceState", message));
            }
            State::ShuttingDown | State::Terminated => return Err(wrong_state(id, "stopped")),
            _ => {}
        }
    }
    let stopping_instances = changes(cloud, ctx, &req.instance_ids, |cloud, id| {
        let Some(instance) = cloud.instances.get_mut(id) else { return };
        if matches!(instance.state(ctx.now), State::Running | State::Pending) {
            instance.stop(ctx, &Reason::user(ctx.now));
            let interface = instance.interface.clone();
            cloud.network.set_public_ip(&interface, false);
        }
    });
    Ok(StopInstancesResponse { stopping_instances })
}

/// Source: StartInstances.
pub(crate) fn start_instances(
    cloud: &mut Cloud,
    ctx: &Ctx,
    req: StartInstancesRequest,
) -> Result<StartInstancesResponse, ApiError> {
    cloud.instances.known(&req.instance_ids, ctx.now)?;
    for id in &req.instance_ids {
        let Some(instance) = cloud.instances.get(id) else { continue };
        match instance.state(ctx.now) {
            State::Stopped if cloud.capacity.outage(&instance.zone, ctx.now).is_some() => {
                return Err(insufficient(instance.kind.name, &instance.zone, &[]));
            }
            State::Stopping | State::ShuttingDown | State::Terminated => {
                return Err(wrong_state(id, "started"));
            }
            _ => {}
        }
    }
    let starting_instances = changes(cloud, ctx, &req.instance_ids, |cloud, id| {
        let Some(instance) = cloud.instances.get_mut(id) else { return };
        if instance.state(ctx.now) == State::Stopped {
            instance.start(ctx);
            let (interface, public) = (instance.interface.clone(), instance.wants_public_ip);
            cloud.network.set_public_ip(&interface, public);
        }
    });
    Ok(StartInstancesResponse { starting_instances })
}

/// Source: RebootInstances: asynchronous, ignored for terminated instances; the state stays `running`.
pub(crate) fn reboot_instances(
    cloud: &mut Cloud,
    ctx: &Ctx,
    req: RebootInstancesRequest,
) -> Result<RebootInstancesResponse, ApiError> {
    cloud.instances.known(&req.instance_ids, ctx.now)?;
    for id in &req.instance_ids {
        let Some(instance) = cloud.instances.get_mut(id) else { continue };
        match instance.state(ctx.now) {
            State::Running | State::Pending => instance.reboot(),
            State::Terminated => {}
            _ => return Err(wrong_state(id, "rebooted")),
        }
    }
    Ok(RebootInstancesResponse::default())
}

fn changes(
    cloud: &mut Cloud,
    ctx: &Ctx,
    ids: &[String],
    mut act: impl FnMut(&mut Cloud, &str),
) -> Vec<InstanceStateChange> {
    let state = |cloud: &Cloud, id: &str| {
        cloud.instances.get(id).map(|instance| show::state(instance.state(ctx.now)))
    };
    ids.iter()
        .map(|id| {
            let previous_state = state(cloud, id);
            act(cloud, id);
            InstanceStateChange {
                instance_id: Some(id.clone()),
                previous_state,
                current_state: state(cloud, id),
            }
        })
        .collect()
}

fn wrong_state(id: &str, done: &str) -> ApiError {
    let message = format!("The instance '{id}' is not in a state from which it can be {done}.");
    ApiError::new("IncorrectInstanceState", message)
}
