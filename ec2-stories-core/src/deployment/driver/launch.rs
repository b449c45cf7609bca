//! Launching: intent before effect.

use std::collections::BTreeMap;

use super::super::event::EventKind;
use super::super::journal::{InjectedKey, Journal, LaunchOutcome, LaunchRecord};
use super::super::machine::{Batch, Event, Failure};
use super::request::{Composed, Resolved, freeze, user_data};
use super::{Context, call, first_expiry, host_key};
use crate::model::{
    ClientToken, Instance, InstanceId, LaunchRequest, NodeAddress, OwnedBy, Ownership, UserData,
};
use crate::provider::InstanceDeployer;
use crate::{Error, ErrorKind, Result, Status};

/// Writes the intent where there is none, and makes the call that it says.
pub(super) async fn launch(context: &Context, token: ClientToken, number: u32, batch: Batch) -> Event {
    let known = context.known().launches.get(&token).cloned();
    let record = match known {
        Some(record) => Ok(record),
        None => intend(context, &token, &batch).await,
    };
    let request = match record {
        Ok(record) => with_host_key(record).await,
        Err(error) => Err(error),
    };
    let request = match request {
        Ok(request) => request,
        Err(error) => return Event::LaunchFailed { token, call: number, failure: before_the_call(&error) },
    };
    let made = call(context, "launch", &batch.fleet, context.cloud.launch(&request)).await;
    match made.and_then(some) {
        Ok(instances) => {
            let made = seen(context, &request, instances);
            settle(context, &token, &made).await;
            Event::Launched { instances: made.into_iter().collect(), token }
        }
        Err(error) => Event::LaunchFailed { token, call: number, failure: Failure::from(&error) },
    }
}

/// The request as it goes out. The key's file was there before the intent: a replay says the same.
async fn with_host_key(record: LaunchRecord) -> Result<LaunchRequest> {
    let LaunchRecord { mut request, host_key, .. } = record;
    if let (Some(injected), Some(data)) = (host_key, &mut request.user_data) {
        *data = host_key::of_record(&injected).await?.join(data, injected.gzip)?;
    }
    Ok(request)
}

async fn intend(context: &Context, token: &ClientToken, batch: &Batch) -> Result<LaunchRecord> {
    let missing =
        || Error::new(ErrorKind::Unexpected, "the fleet was not prepared").on(batch.fleet.to_string());
    let fleet = context.fleet(&batch.fleet).ok_or_else(missing)?;
    let resolved = context.known().fleets.get(&batch.fleet).map(Resolved::from).ok_or_else(missing)?;
    let made = host_key::of_fleet(&context.spec.name, &fleet.spec).await?;
    let key = made.as_ref().map(|(key, _)| key);
    let Composed { data, switch } = user_data(&context.spec, &fleet.spec, &context.view.attributes(), key)?;
    let user_data = data.map(|data| data.recorded);
    let gzip = fleet.spec.user_data.as_ref().is_some_and(UserData::is_gzip);
    let host_key = made.map(|(key, file)| InjectedKey { file, public: key.public, gzip });
    let ownership = Ownership {
        deployment: context.spec.name.clone(),
        fleet: batch.fleet.clone(),
        slots: batch.slots.clone(),
        generation: batch.generation,
        attempt: batch.attempt,
        expires: first_expiry(&context.spec, &fleet.spec, context.now()),
    };
    let mut request =
        freeze(&context.spec, &fleet.spec, &resolved, ownership, token.clone(), &batch.place, user_data);
    request.metadata.tags |= switch.is_in_guest();
    let record = LaunchRecord {
        written_at: context.now(),
        request,
        host_key,
        outcome: None,
        ended: Default::default(),
    };
    context.reserve(token, &record)?;
    if let Err(error) = write_intent(context, token, &record).await {
        context.known().launches.remove(token);
        return Err(error);
    }
    let count = record.request.count();
    let (fleet, place) = (batch.fleet.to_string(), batch.place.to_string());
    context.tell(None, EventKind::Launching { fleet, count, place });
    Ok(record)
}

/// Writes an intent that a controller which takes over either finds, or keeps from being acted upon.
async fn write_intent(context: &Context, token: &ClientToken, record: &LaunchRecord) -> Result<()> {
    let (journal, name) = (&context.journal, Journal::launch(token));
    journal.check().await?;
    journal.write(&name, record).await?;
    if let Err(error) = journal.check().await {
        // No call was made: this is not for the other to replay.
        journal.remove(&name).await?;
        return Err(error);
    }
    Ok(())
}

/// Nothing was called yet: the launch itself did not fail, and no kind of the error may be taken for a launch's.
fn before_the_call(error: &Error) -> Failure {
    let kind = match error.kind() {
        kind @ (ErrorKind::Limit | ErrorKind::Invalid | ErrorKind::Io | ErrorKind::Corrupt) => kind,
        // A store that may answer the next time.
        _ if !error.is_permanent() => ErrorKind::Unavailable,
        _ => ErrorKind::Unexpected,
    };
    Failure { kind, status: Status::Permanent, message: error.chain() }
}

/// A launch that made nothing is a capacity answer, whatever the cloud calls it.
fn some(launch: crate::model::Launch) -> Result<Vec<Instance>> {
    if launch.instances.is_empty() {
        return Err(Error::new(ErrorKind::Capacity, "the launch was accepted and made no instance"));
    }
    Ok(launch.instances)
}

/// Which slot got which instance.
fn seen(context: &Context, request: &LaunchRequest, instances: Vec<Instance>) -> BTreeMap<u32, InstanceId> {
    let mut made = BTreeMap::new();
    for instance in instances {
        if let Some(NodeAddress { fleet, slot }) = request.ownership.node(instance.launch_index) {
            context.view.saw(&NodeAddress::new(fleet, slot), &instance);
            made.insert(slot, instance.id);
        }
    }
    made
}

/// Writes which slot got which instance. If that cannot be written the intent stays open, and is replayed one day.
pub(super) async fn settle(context: &Context, token: &ClientToken, made: &BTreeMap<u32, InstanceId>) {
    let record = context.known().launches.get_mut(token).map(|record| {
        record.outcome = Some(LaunchOutcome::Launched(made.clone()));
        record.clone()
    });
    let Some(record) = record else { return };
    if let Err(error) = context.journal.write(&Journal::launch(token), &record).await {
        context.unwritten(None, &error);
    }
    let (fleet, asked) = (record.request.ownership.fleet.to_string(), record.request.count());
    let count = u32::try_from(made.len()).unwrap_or(u32::MAX);
    context.tell(None, EventKind::Launched { fleet, count, asked });
}

/// Searches for what was launched under a token. The machine says when that settles it.
pub(super) async fn look(context: &Context, token: ClientToken, batch: Batch) -> Event {
    let owned = OwnedBy::deployment(&context.spec.name).launched_under(&token);
    match call(context, "find", &batch.fleet, InstanceDeployer::find(&*context.cloud, &owned)).await {
        Err(error) => Event::LookFailed { token, failure: Failure::from(&error) },
        Ok(mut instances) => {
            instances.retain(|instance| !instance.state.is_ending());
            let request = context.known().launches.get(&token).map(|record| record.request.clone());
            let made = request.map(|request| seen(context, &request, instances)).unwrap_or_default();
            Event::Found { instances: made.into_iter().collect(), token }
        }
    }
}
