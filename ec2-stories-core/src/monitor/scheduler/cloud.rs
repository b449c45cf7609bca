//! Asking the cloud: one call for many, now and then, and soon about those that somebody worries about.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::Shared;
use super::probe::message;
use crate::model::{InstanceHealth, InstanceId};
use crate::monitor::machine::{Event, Key};
use crate::provider::InstanceDeployer;
use crate::{Error, ErrorKind, Result};

/// So many worries are gathered before the cloud is asked before its time.
const GATHERS: Duration = Duration::from_secs(1);

/// A call that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// Ids in one call; a page of EC2's answers holds as many.
const AT_ONCE: usize = 1000;

/// After a failed call, and twice as long after each that follows, up to the period.
const FIRST_PAUSE: Duration = Duration::from_secs(2);

pub(super) async fn run(shared: Arc<Shared>, cloud: Arc<dyn InstanceDeployer>) {
    let mut round = Instant::now() + shared.cloud_period;
    let mut trials: Option<Instant> = None;
    let mut pause = FIRST_PAUSE;
    loop {
        let everybody = tokio::select! {
            () = sleep_until(round) => true,
            () = sleep_until(trials.unwrap_or(round)), if trials.is_some() => false,
            () = shared.ask.notified() => {
                sleep(GATHERS).await;
                false
            }
        };
        let keys: Vec<Key> = {
            let engine = shared.lock();
            if everybody { engine.watched().collect() } else { engine.asked.iter().copied().collect() }
        };
        if everybody {
            round = Instant::now() + shared.cloud_period;
        }
        let mut answered = true;
        for keys in keys.chunks(AT_ONCE) {
            answered &= ask(&shared, &*cloud, keys).await;
        }
        trials = shared.lock().trials().map(|period| Instant::now() + period);
        if answered {
            pause = FIRST_PAUSE;
        } else {
            sleep(pause).await;
            pause = (pause * 2).min(shared.cloud_period);
            // Those that were asked about still are.
            shared.ask.notify_one();
        }
    }
}

/// Asks about these; whether there was an answer.
async fn ask(shared: &Shared, cloud: &dyn InstanceDeployer, keys: &[Key]) -> bool {
    let asked: Vec<(Key, u32, InstanceId)> = {
        let engine = shared.lock();
        let listens = |key: &Key| {
            let watch = engine.machine.watch_of(*key)?;
            engine.machine.listens(*key, watch).then_some(watch)
        };
        keys.iter().filter_map(|key| Some((*key, listens(key)?, engine.instance(*key)?))).collect()
    };
    let ids: Vec<InstanceId> = asked.iter().map(|(.., id)| id.clone()).collect();
    let answer = if ids.is_empty() { Ok(Vec::new()) } else { health(cloud, &ids).await };
    let now = shared.now();
    let mut engine = shared.lock();
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            shared.step_in(&mut engine, Event::CloudSilent { why: &error.chain() }, now);
            return false;
        }
    };
    shared.step_in(&mut engine, Event::CloudAnswers, now);
    for key in keys {
        engine.asked.remove(key);
    }
    let answer: HashMap<&InstanceId, &InstanceHealth> = answer.iter().map(|one| (&one.id, one)).collect();
    for (key, watch, id) in &asked {
        let (key, watch, health) = (*key, *watch, answer.get(id).copied());
        shared.step_in(&mut engine, Event::Cloud { key, watch, health }, now);
    }
    for key in keys {
        engine.ask_again(*key);
    }
    true
}

/// The cloud's word, within bounds.
pub(in crate::monitor) async fn health(
    cloud: &dyn InstanceDeployer,
    ids: &[InstanceId],
) -> Result<Vec<InstanceHealth>> {
    let failed = |why: String| Error::new(ErrorKind::Unavailable, why).during("health");
    let call = AssertUnwindSafe(async { timeout(PATIENCE, cloud.health(ids)).await });
    match call.catch_unwind().await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(failed(format!("no answer within {PATIENCE:?}"))),
        Err(panic) => Err(failed(format!("the call panicked: {}", message(&*panic)))),
    }
}
