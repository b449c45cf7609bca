//! Launching a batch under one token.

mod network;
mod request;
pub(crate) mod user_data;
mod volumes;

use ec2_stories_core::model::{Instance, InstanceState, Launch, LaunchRequest};
use ec2_stories_core::{Error, ErrorKind, Result, Status};
use tokio::time::Instant;

pub(crate) use request::run_instances;

use crate::Ec2;
use crate::api::{Attempts, Call, settling};
use crate::convert;

pub(crate) async fn launch(ec2: &Ec2, request: &LaunchRequest) -> Result<Launch> {
    let attempts = Attempts::default();
    let first_sent = ec2.poller().first_sent(&request.token, Instant::now());
    let call = Call::changing("RunInstances").of(request.count() as usize);
    let run = run_instances(&ec2.api().client, request)?;
    let send = || ec2.api().call(call, run.clone().customize().interceptor(attempts.clone()).send());
    let reply = match settling(send).await {
        Ok(reply) => reply,
        Err(error) => return Err(after_attempts(error, &attempts).on(place(request))),
    };
    let reservation = reply.reservation_id().unwrap_or_default();
    let mut instances: Vec<Instance> =
        reply.instances().iter().filter_map(|instance| convert::instance(reservation, instance)).collect();
    instances.sort_by_key(|instance| instance.launch_index);
    if instances.is_empty() {
        let error =
            Error::new(ErrorKind::Unexpected, "the reply names no instance").status(Status::Ambiguous);
        return Err(error.during("RunInstances").on(place(request)));
    }
    if let Some(sent) = first_sent
        && instances.iter().all(|instance| instance.state == InstanceState::Pending)
    {
        ec2.poller().launched(&instances, sent);
    }
    Ok(Launch { reservation: reservation.into(), instances })
}

/// A last answer that says "not done" is about the last attempt only. Those that say something definite about the
/// token or the place hold for all of them.
fn after_attempts(error: Error, attempts: &Attempts) -> Error {
    let about_this_attempt = matches!(error.kind(), ErrorKind::Throttled | ErrorKind::Unavailable);
    if attempts.any_unknown() && about_this_attempt { error.status(Status::Ambiguous) } else { error }
}

fn place(request: &LaunchRequest) -> String {
    let place = request.placement.subnet.as_ref().map(ToString::to_string);
    let place = place.or_else(|| request.placement.zone.as_ref().map(ToString::to_string));
    match place {
        Some(place) => format!("{} × {} in {place}", request.count(), request.instance_type),
        None => format!("{} × {}", request.count(), request.instance_type),
    }
}
