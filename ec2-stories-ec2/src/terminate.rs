//! Terminating instances.

use std::time::Duration;

use ec2_stories_core::model::InstanceId;
use ec2_stories_core::provider::Termination;
use ec2_stories_core::{Error, ErrorKind, Status};
use futures::future::join_all;
use tokio::time::sleep;

use crate::Ec2;
use crate::api::Call;
use crate::describe::BATCH;
use crate::error::{again, named_in};

/// For how long an instance that this process launched may be unknown before it counts as gone. EC2 speaks of seconds
/// (<https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html>); believing it sooner would leave the
/// instance running.
const VISIBLE_AFTER: Duration = Duration::from_secs(60);

pub(crate) async fn terminate(ec2: &Ec2, ids: &[InstanceId]) -> Vec<Termination> {
    join_all(ids.chunks(BATCH).map(|batch| terminate_batch(ec2, batch.to_vec())))
        .await
        .into_iter()
        .flatten()
        .collect()
}

/// One bad id fails the call for others too, so it is set aside and the rest is terminated without it.
async fn terminate_batch(ec2: &Ec2, ids: Vec<InstanceId>) -> Vec<Termination> {
    let mut outcomes = Vec::new();
    let mut groups = vec![ids];
    while let Some(mut ids) = groups.pop() {
        let Err(error) = send(ec2, &ids).await else {
            outcomes.extend(ids.into_iter().map(|id| Termination { id, outcome: Ok(()) }));
            continue;
        };
        let blamed = match ids.as_slice() {
            [only] => vec![only.clone()],
            many if concerns_instances(&error) => named_in(&error, many),
            _ => ids.clone(),
        };
        if blamed.is_empty() {
            // It is about one of them and does not say which: ask for each half.
            let half = ids.split_off(ids.len() / 2);
            groups.extend([ids, half]);
            continue;
        }
        ids.retain(|id| !blamed.contains(id));
        if error.kind() == ErrorKind::NotFound {
            let (young, gone): (Vec<_>, Vec<_>) = blamed.into_iter().partition(|id| is_young(ec2, id));
            outcomes.extend(gone.into_iter().map(|id| Termination { id, outcome: Ok(()) }));
            if !young.is_empty() {
                if ids.is_empty() {
                    sleep(Duration::from_millis(500)).await;
                }
                groups.insert(0, young);
            }
        } else {
            let told = |id: InstanceId| Termination { outcome: Err(again(&error).on(id.as_str())), id };
            outcomes.extend(blamed.into_iter().map(told));
        }
        if !ids.is_empty() {
            groups.push(ids);
        }
    }
    outcomes
}

async fn send(ec2: &Ec2, ids: &[InstanceId]) -> Result<(), Error> {
    let request = ec2
        .api()
        .client
        .terminate_instances()
        .set_instance_ids(Some(ids.iter().map(ToString::to_string).collect()));
    // Repeating it does no harm, so a lost reply is no mystery, only a reason to repeat.
    let repeatable =
        |error: Error| if error.is_ambiguous() { error.status(Status::Temporary) } else { error };
    let call = Call::changing("TerminateInstances").of(ids.len());
    ec2.api().call(call, request.send()).await.map(drop).map_err(repeatable)
}

fn is_young(ec2: &Ec2, id: &InstanceId) -> bool {
    ec2.poller().age(id).is_some_and(|age| age < VISIBLE_AFTER)
}

/// Whether the error is about single instances rather than about the call.
fn concerns_instances(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotFound | ErrorKind::Invalid | ErrorKind::Unexpected | ErrorKind::InUse
    ) && error.is_permanent()
}
