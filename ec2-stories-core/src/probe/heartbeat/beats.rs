//! Who was heard, and when.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::model::InstanceId;
use crate::provider::Liveness;

/// What was not heard for so long is forgotten: no probe waits that long.
const FORGOTTEN: Duration = Duration::from_secs(24 * 3600);

/// When each instance was heard last.
#[derive(Debug)]
pub(super) struct Beats {
    began: Instant,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last: HashMap<InstanceId, Instant>,
    /// With so many instances it is time to forget some.
    crowded: usize,
    /// When a connection could not be taken, and why.
    deaf: Option<(Instant, String)>,
}

impl Beats {
    pub(super) fn new() -> Self {
        Self { began: Instant::now(), state: Mutex::new(State { crowded: 1024, ..State::default() }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn heard(&self, instance: InstanceId) {
        let (now, mut state) = (Instant::now(), self.state());
        state.last.insert(instance, now);
        if state.last.len() > state.crowded {
            state.last.retain(|_, last| now.duration_since(*last) < FORGOTTEN);
            state.crowded = 2 * state.last.len();
        }
    }

    pub(super) fn deaf(&self, why: String) {
        self.state().deaf = Some((Instant::now(), why));
    }

    pub(super) fn judged(&self, instance: &InstanceId, late: Duration) -> Liveness {
        let state = self.state();
        let last = state.last.get(instance).map(Instant::elapsed);
        if last.is_some_and(|silent| silent <= late) {
            return Liveness::Live;
        }
        if let Some((_, why)) = state.deaf.as_ref().filter(|(at, _)| at.elapsed() <= late) {
            return Liveness::Unknown(format!("this machine could not listen: {why}"));
        }
        match (last, self.began.elapsed()) {
            (Some(silent), _) => {
                Liveness::Failing(format!("the last heartbeat is {} s old", silent.as_secs()))
            }
            (None, listened) if listened <= late => {
                Liveness::Unknown(format!("no heartbeat yet, heard for {} s only", listened.as_secs()))
            }
            (None, _) => Liveness::Failing("there was no heartbeat".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATE: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn late_is_failing_and_not_listened_for_long_is_unknown() {
        let (beats, id) = (Beats::new(), InstanceId::from("i-1"));
        assert!(matches!(beats.judged(&id, LATE), Liveness::Unknown(_)));
        tokio::time::advance(LATE + Duration::from_secs(1)).await;
        assert!(matches!(beats.judged(&id, LATE), Liveness::Failing(_)));
        beats.heard(id.clone());
        tokio::time::advance(LATE).await;
        assert_eq!(beats.judged(&id, LATE), Liveness::Live);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(matches!(beats.judged(&id, LATE), Liveness::Failing(_)));
        assert!(matches!(beats.judged(&"i-2".into(), LATE), Liveness::Failing(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_listener_that_could_not_listen_knows_nothing() {
        let (beats, id) = (Beats::new(), InstanceId::from("i-1"));
        beats.heard(id.clone());
        tokio::time::advance(2 * LATE).await;
        beats.deaf("too many open files".to_owned());
        assert!(matches!(beats.judged(&id, LATE), Liveness::Unknown(_)));
        tokio::time::advance(2 * LATE).await;
        assert!(matches!(beats.judged(&id, LATE), Liveness::Failing(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn instances_that_are_gone_are_forgotten() {
        let beats = Beats::new();
        for id in 0..1024 {
            beats.heard(InstanceId::new(format!("i-{id}")));
        }
        tokio::time::advance(FORGOTTEN).await;
        beats.heard("i-new".into());
        assert_eq!(beats.state().last.len(), 1);
    }
}
