//! Launching a batch under one token.

mod network;
mod request;
pub(crate) mod user_data;
mod volumes;

use std::time::Duration;

use ec2_stories_core::model::{Instance, Launch, LaunchRequest};
use ec2_stories_core::{Error, ErrorKind, Result, Status};
use tokio::time::Instant;

pub(crate) use request::run_instances;

use crate::Ec2;
use crate::api::{Attempts, Call, settling};
use crate::convert;

pub(crate) async fn launch(ec2: &Ec2, request: &LaunchRequest) -> Result<Launch> {
    let attempts = Attempts::default();
    let run = run_instances(&ec2.api().client, request)?;
    let sent = ec2.poller().first_sent(&request.token);
    let call = Call::changing("RunInstances").of(request.count() as usize);
    let send = || ec2.api().call(call, run.clone().customize().interceptor(attempts.clone()).send());
    let reply = match settling(send).await {
        Ok(reply) => reply,
        Err(error) => {
            let error = after_attempts(error, &attempts);
            if !error.is_ambiguous() {
                ec2.poller().not_sent(&request.token);
            }
            return Err(error.on(place(request)));
        }
    };
    let reservation = reply.reservation_id().unwrap_or_default();
    let mut instances: Vec<Instance> =
        reply.instances().iter().filter_map(|instance| convert::instance(reservation, instance)).collect();
    instances.sort_by_key(|instance| instance.launch_index);
    let Some(first) = instances.first() else {
        let error =
            Error::new(ErrorKind::Unexpected, "the reply names no instance").status(Status::Ambiguous);
        return Err(error.during("RunInstances").on(place(request)));
    };
    let older = first.launched_at.and_then(|at| ec2.api().age(at)).filter(|age| *age > OLDER);
    let born = older.and_then(|age| Instant::now().checked_sub(age)).map_or(sent, |at| at.min(sent));
    ec2.poller().launched(&instances, born);
    Ok(Launch { reservation: reservation.into(), instances })
}

/// A launch that EC2 says is older than this was another process's: its token was replayed. EC2 tells whole seconds.
const OLDER: Duration = Duration::from_secs(3);

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
