//! Instances in memory.

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::time::{Instant as Moment, sleep_until};

use super::machine::Machine;
use super::preflight::problems;
use super::state::State;
use super::{MemoryCloud, Operation};
use crate::model::{
    Diagnosis, Expires, Instance, InstanceHealth, InstanceId, InstanceState, Launch, LaunchRequest, OwnedBy,
    StateReason,
};
use crate::provider::{Finding, Goal, InstanceDeployer, Severity, Termination};
use crate::{Error, ErrorKind, Result};

#[async_trait]
impl InstanceDeployer for MemoryCloud {
    async fn launch(&self, request: &LaunchRequest) -> Result<Launch> {
        let launch =
            async { self.change(|state| state.launch(request)).map_err(|error| error.during("launch")) };
        self.0.script.perform(Operation::Launch, launch).await
    }

    async fn describe(&self, ids: &[InstanceId]) -> Result<Vec<Instance>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let now = Moment::now;
        let describe =
            async { Ok(ids.iter().filter_map(|id| self.lock().machines.get(id)?.seen(now())).collect()) };
        self.0.script.perform(Operation::Describe, describe).await
    }

    async fn find(&self, owned: &OwnedBy) -> Result<Vec<Instance>> {
        let (key, value) = owned.tag();
        let matches = |instance: &Instance| {
            instance.tags.get(key) == Some(value)
                && owned.token.as_ref().is_none_or(|token| instance.token.as_ref() == Some(token))
        };
        let find = async {
            let state = self.lock();
            let now = Moment::now();
            let listed = now.checked_sub(state.lag).unwrap_or(now);
            let shown = state.machines.values().filter(|machine| !machine.hidden);
            Ok(shown.filter_map(|machine| machine.seen(listed)).filter(matches).collect())
        };
        self.0.script.perform(Operation::Find, find).await
    }

    async fn wait(&self, id: &InstanceId, goal: Goal, deadline: Moment) -> Result<Instance> {
        self.0.script.perform(Operation::Wait, self.wait_for(id, goal, deadline)).await
    }

    async fn terminate(&self, ids: &[InstanceId]) -> Result<Vec<Termination>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let asked = || StateReason {
            code: "Client.UserInitiatedShutdown".to_owned(),
            message: "Client.UserInitiatedShutdown: User initiated shutdown".to_owned(),
        };
        let terminate = async {
            self.change(|state| ids.iter().for_each(|id| state.end(id, asked())));
            Ok(ids.iter().map(|id| Termination { id: id.clone(), outcome: Ok(()) }).collect())
        };
        self.0.script.perform(Operation::Terminate, terminate).await
    }

    async fn preflight(&self, request: &LaunchRequest, field: &str) -> Result<Vec<Finding>> {
        let finding = |(name, error): (&str, Error)| Finding {
            severity: Severity::Error,
            field: format!("{field}.{name}"),
            message: error.to_string(),
        };
        let preflight = async { Ok(problems(&self.lock(), request).into_iter().map(finding).collect()) };
        self.0.script.perform(Operation::Preflight, preflight).await
    }

    async fn diagnose(&self, id: &InstanceId) -> Diagnosis {
        let diagnose = async { Ok(self.diagnosis(id)) };
        self.0.script.perform(Operation::Diagnose, diagnose).await.unwrap_or_default()
    }

    async fn health(&self, ids: &[InstanceId]) -> Result<Vec<InstanceHealth>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let health = async {
            let state = self.lock();
            Ok(ids.iter().filter_map(|id| state.health(id, Moment::now())).collect())
        };
        self.0.script.perform(Operation::Health, health).await
    }

    async fn extend(&self, ids: &[InstanceId], until: Timestamp) -> Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        let (key, value) = Expires::at(until).tag();
        let extend = async {
            self.change(|state| {
                for id in ids {
                    if let Some(machine) = state.machines.get_mut(id) {
                        machine.instance.tags.insert(key, &value);
                    }
                }
            });
            Ok(())
        };
        self.0.script.perform(Operation::Extend, extend).await
    }
}

impl MemoryCloud {
    async fn wait_for(&self, id: &InstanceId, goal: Goal, deadline: Moment) -> Result<Instance> {
        let mut changes = self.0.changes.subscribe();
        loop {
            let now = Moment::now();
            let (outcome, next) = self.judge(id, goal, now);
            if let Some(outcome) = outcome {
                return outcome;
            }
            if now >= deadline {
                return Err(self.give_up(ErrorKind::Timeout, id, goal));
            }
            tokio::select! {
                () = sleep_until(next.map_or(deadline, |next| next.min(deadline))) => {}
                _ = changes.changed() => {}
            }
        }
    }

    /// The wait's outcome where there is one, and when to look again.
    fn judge(&self, id: &InstanceId, goal: Goal, now: Moment) -> (Option<Result<Instance>>, Option<Moment>) {
        let seen = {
            let state: &State = &self.lock();
            let machine = state.machines.get(id);
            let visible = machine.filter(|machine| machine.visible_at <= now);
            (
                visible.map(|machine| machine.at(now)),
                machine.and_then(|machine: &Machine| machine.next_change(now)),
            )
        };
        let outcome = match (seen.0, goal) {
            (Some(instance), Goal::Running) if instance.state == InstanceState::Running => Some(Ok(instance)),
            (Some(instance), Goal::Running) if instance.state.is_ending() || stops(instance.state) => {
                Some(Err(self.give_up(ErrorKind::Failed, id, goal)))
            }
            (Some(instance), Goal::Terminated) if instance.state == InstanceState::Terminated => {
                Some(Ok(instance))
            }
            _ => None,
        };
        (outcome, seen.1)
    }

    fn give_up(&self, kind: ErrorKind, id: &InstanceId, goal: Goal) -> Error {
        let why = format!("not {goal:?}: {}", self.diagnosis(id)).to_lowercase();
        Error::new(kind, why).during("wait").on(id.as_str())
    }

    fn diagnosis(&self, id: &InstanceId) -> Diagnosis {
        let state = self.lock();
        let Some(machine) = state.machines.get(id) else { return Diagnosis::default() };
        let instance = machine.at(Moment::now());
        let groups = state.groups.values().filter(|group| machine.groups.contains(&group.id));
        Diagnosis {
            status_checks: (instance.state == InstanceState::Running)
                .then(|| ("ok".to_owned(), "ok".to_owned())),
            state: Some(instance.state),
            state_reason: instance.state_reason,
            console_tail: None,
            firewall_rules: groups
                .flat_map(|group| group.rules.iter().map(|rule| format!("{rule:?}")))
                .collect(),
        }
    }
}

fn stops(state: InstanceState) -> bool {
    matches!(state, InstanceState::Stopping | InstanceState::Stopped)
}
