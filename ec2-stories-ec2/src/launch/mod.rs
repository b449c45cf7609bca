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
    let age = first.launched_at.and_then(|at| ec2.api().age(at));
    let born = age.and_then(|age| born(sent, age, Instant::now())).unwrap_or(sent);
    ec2.poller().launched(&instances, born);
    Ok(Launch { reservation: reservation.into(), instances })
}

/// EC2 tells whole seconds, of its launches as of its own time.
const ROUNDED: Duration = Duration::from_secs(3);

/// When instances of this age were launched. The moment at which their token was first sent tells it more precisely, unless that
/// call had to wait for its turn, or another process launched them and this one replayed the token.
fn born(sent: Instant, age: Duration, now: Instant) -> Option<Instant> {
    let launched = now.checked_sub(age)?;
    if age > ROUNDED { Some(launched.min(sent)) } else { Some(sent.max(launched.checked_sub(ROUNDED)?)) }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_launch_is_as_old_as_its_token_unless_that_waited_or_was_anothers() {
        let seconds = Duration::from_secs;
        tokio::time::advance(seconds(1_000)).await;
        let now = Instant::now();
        let answered_at_once = now - Duration::from_millis(300);
        assert_eq!(born(answered_at_once, seconds(1), now), Some(answered_at_once));
        assert_eq!(
            born(now - seconds(90), seconds(1), now),
            Some(now - seconds(4)),
            "it waited for its turn"
        );
        assert_eq!(born(answered_at_once, seconds(600), now), Some(now - seconds(600)), "another's");
    }
}
