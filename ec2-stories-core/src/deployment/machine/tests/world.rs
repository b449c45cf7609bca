//! A world that performs actions, well or badly, as a test chooses.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::super::{Action, Aim, Batch, Event, Failure, FleetPlan, Machine, Outcome, Place};
use crate::model::{ClientToken, Health, InstanceId, Name, NodeAddress, Placement};
use crate::provider::Registration;
use crate::{ErrorKind, Status};

pub(super) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub(super) fn plan(fleet: &str, wanted: u32, at_least: u32, after: &[&str]) -> FleetPlan {
    let place =
        |instance_type: &str| Place { instance_type: instance_type.into(), placement: Placement::default() };
    FleetPlan {
        name: name(fleet),
        wanted,
        exact: false,
        at_least,
        after: after.iter().map(|before| name(before)).collect(),
        places: vec![place("t3.small"), place("t3a.small")],
        customizes: false,
        registers: false,
        patience: Duration::from_secs(600),
        health: Health::default(),
        revision: String::new(),
    }
}

pub(super) fn failure(kind: ErrorKind, status: Status) -> Failure {
    Failure { kind, status, message: format!("{kind:?}") }
}

/// How an action goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Luck {
    Good,
    Throttled,
    Capacity,
    Partial,
    LostBefore,
    LostAfter,
    Permanent,
}

/// What there is, whatever the machine believes.
#[derive(Debug)]
pub(super) struct World {
    pub(super) machine: Machine,
    pub(super) now: Timestamp,
    /// What the machine asked for and nobody has done yet, with the batch where it is about one.
    pub(super) due: Vec<(Action, Option<Batch>)>,
    /// Every instance there ever was, and whether it lives.
    pub(super) instances: BTreeMap<InstanceId, (NodeAddress, bool)>,
    tokens: BTreeMap<ClientToken, Vec<(u32, InstanceId)>>,
    pub(super) launch_calls: usize,
    /// Launches that were asked for after the end began.
    pub(super) late_launches: Vec<Batch>,
    pub(super) registered: BTreeMap<NodeAddress, ()>,
}

impl World {
    pub(super) fn new(plans: Vec<FleetPlan>) -> Self {
        let mut world = Self {
            machine: Machine::new(name("shop"), "life".to_owned(), plans),
            now: Timestamp::UNIX_EPOCH,
            due: Vec::new(),
            instances: BTreeMap::new(),
            tokens: BTreeMap::new(),
            launch_calls: 0,
            late_launches: Vec::new(),
            registered: BTreeMap::new(),
        };
        world.tell(Event::Start);
        world
    }

    pub(super) fn tell(&mut self, event: Event) -> Outcome {
        let outcome = self.machine.step(event, self.now);
        for action in outcome.actions.clone() {
            let batch = match &action {
                Action::Launch { token, .. } | Action::Look { token } => {
                    self.machine.batches.get(token).cloned()
                }
                _ => None,
            };
            if let (Action::Launch { .. }, Aim::Terminated) = (&action, self.machine.aim) {
                self.late_launches.extend(batch.clone());
            }
            self.due.push((action, batch));
        }
        // Nobody counts here.
        for node in outcome.lost.clone() {
            self.tell(Event::Admitted { node });
        }
        outcome
    }

    pub(super) fn living(&self) -> impl Iterator<Item = &NodeAddress> {
        self.instances.values().filter(|(_, lives)| *lives).map(|(node, _)| node)
    }

    /// Performs one action and says what the machine would be told.
    pub(super) fn perform(&mut self, action: &Action, batch: Option<&Batch>, luck: Luck) -> Vec<Event> {
        let lucky = luck == Luck::Good || luck == Luck::Partial;
        let failed = match luck {
            Luck::Permanent => failure(ErrorKind::Failed, Status::Permanent),
            _ => failure(ErrorKind::Unavailable, Status::Temporary),
        };
        let refused = luck == Luck::Throttled && self.machine.aim == Aim::Live;
        let not_gone = |(node, instance)| Event::NotGone {
            node,
            instance,
            failure: failure(ErrorKind::Throttled, Status::Temporary),
        };
        match action.clone() {
            Action::Prepare => {
                let fleets = self.machine.fleets.iter().map(|fleet| fleet.plan.name.clone());
                let answer = |fleet: Name| match luck {
                    Luck::Permanent if fleet == name("web") => {
                        Event::PrepareFailed { fleet, failure: failed.clone() }
                    }
                    _ => Event::Prepared { fleet },
                };
                fleets.map(answer).collect()
            }
            Action::Launch { token, call } => {
                batch.map(|batch| self.launch(token, call, batch, luck)).into_iter().collect()
            }
            Action::Look { token } => {
                let instances = self.tokens.get(&token).cloned().unwrap_or_default();
                let lives = |(_, id): &(u32, InstanceId)| self.instances[id].1;
                vec![Event::Found { token, instances: instances.into_iter().filter(lives).collect() }]
            }
            Action::Await { node, instance, .. } => vec![if lucky && self.instances[&instance].1 {
                Event::Ran { node, instance }
            } else {
                self.instances.get_mut(&instance).unwrap().1 = false;
                Event::NotRan { node, instance, failure: failure(ErrorKind::Failed, Status::Permanent) }
            }],
            Action::Customize { node, instance } => vec![if lucky {
                Event::Customized { node, instance }
            } else {
                Event::CustomizeFailed { node, instance, failure: failed }
            }],
            Action::Register { node, instance } => {
                self.registered.insert(node.clone(), ());
                let registration =
                    Registration { node: node.clone(), name: "n".into(), value: instance.to_string() };
                vec![if lucky {
                    Event::Registered { node, instance, registrations: vec![registration] }
                } else {
                    Event::RegisterFailed { node, instance, registrations: Vec::new(), failure: failed }
                }]
            }
            Action::Deregister { node, .. } => {
                self.registered.remove(&node);
                vec![Event::Deregistered { node, problem: None }]
            }
            Action::Undo { node, instance } => vec![Event::Undone { node, instance, problem: None }],
            Action::Replace { node, instance } if luck == Luck::Permanent && self.instances[&instance].1 => {
                vec![Event::Held { node, instance, failure: failed, lives: false }]
            }
            Action::Replace { node, instance } if refused => vec![not_gone((node, instance))],
            Action::Terminate { nodes } if refused => nodes.into_iter().map(not_gone).collect(),
            Action::Replace { node, instance } => {
                self.instances.get_mut(&instance).unwrap().1 = false;
                vec![Event::Gone { node, instance }]
            }
            Action::Terminate { nodes } => {
                let end = |(node, instance): (NodeAddress, InstanceId)| {
                    self.instances.get_mut(&instance).unwrap().1 = false;
                    Event::Gone { node, instance }
                };
                nodes.into_iter().map(end).collect()
            }
            Action::Delay { timer, by } => {
                self.now += by;
                vec![Event::Elapsed(timer)]
            }
            Action::Prove => vec![Event::Proven],
            Action::RemoveShared => vec![Event::SharedRemoved],
        }
    }

    /// As EC2 does it: the token first, then the room.
    fn launch(&mut self, token: ClientToken, call: u32, batch: &Batch, luck: Luck) -> Event {
        self.launch_calls += 1;
        let fail = |token, kind, status| Event::LaunchFailed { token, call, failure: failure(kind, status) };
        match luck {
            Luck::Throttled => return fail(token, ErrorKind::Throttled, Status::Temporary),
            Luck::LostBefore => return fail(token, ErrorKind::Unavailable, Status::Ambiguous),
            _ => {}
        }
        if let Some(made) = self.tokens.get(&token) {
            if made.iter().all(|(_, id)| !self.instances[id].1) {
                return fail(token, ErrorKind::Failed, Status::Permanent);
            }
            return Event::Launched { token, instances: made.clone() };
        }
        match luck {
            Luck::Capacity => return fail(token, ErrorKind::Capacity, Status::Temporary),
            Luck::Permanent => return fail(token, ErrorKind::Forbidden, Status::Permanent),
            _ => {}
        }
        let count = if luck == Luck::Partial { batch.slots.len().div_ceil(2) } else { batch.slots.len() };
        let mut made = Vec::new();
        for slot in batch.slots.iter().take(count) {
            let id = InstanceId::new(format!("i-{}", self.instances.len()));
            self.instances.insert(id.clone(), (NodeAddress::new(batch.fleet.clone(), slot), true));
            made.push((slot, id));
        }
        self.tokens.insert(token.clone(), made.clone());
        if luck == Luck::LostAfter {
            return fail(token, ErrorKind::Unavailable, Status::Ambiguous);
        }
        Event::Launched { token, instances: made }
    }

    /// Performs everything, with good luck, until nothing is due.
    pub(super) fn settle(&mut self) {
        for _ in 0..10_000 {
            if self.due.is_empty() {
                return;
            }
            self.once(Luck::Good);
        }
        panic!("the machine does not come to rest: {:?}", self.due);
    }

    /// Performs the launch that is due, or what is due first where none is.
    pub(super) fn launch_first(&mut self, luck: Luck) {
        let launch = self.due.iter().position(|(action, _)| matches!(action, Action::Launch { .. }));
        let other = if launch.is_some() { luck } else { Luck::Good };
        let due = self.due.remove(launch.unwrap_or(0));
        self.due.insert(0, due);
        self.once(other);
    }

    /// Performs what is due first.
    pub(super) fn once(&mut self, luck: Luck) {
        let (action, batch) = self.due.remove(0);
        for event in self.perform(&action, batch.as_ref(), luck) {
            self.tell(event);
        }
    }
}
