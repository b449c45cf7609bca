//! What becomes of a launch.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{Action, Aim, Batch, BatchState, Failure, Machine, Otherwise, Outcome, Phase, Timer};
use crate::model::{ClientToken, Generation, InstanceId, Name, NodeAddress, Slots};
use crate::{ErrorKind, Status};

/// How long a place is believed to be full. Capacity comes back within minutes where it comes back at all.
pub(super) const FULL: Duration = Duration::from_secs(180);
/// Tokens are good for 24 hours; a replay after this could launch a second time
/// (<https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html>).
const TOKEN_LIFE: Duration = Duration::from_secs(20 * 3600);
/// Calls under one token: about ten minutes of an unreachable or throttling cloud.
const TRIES: u32 = 14;
/// Searches without news that are believed, and the time between them. More where something is known to have been made.
const EMPTY_LOOKS: u32 = 2;
const EMPTY_LOOKS_OF_MADE: u32 = 10;
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// The token of a launch: the same for the same launch whoever computes it, another for every other.
pub(super) fn token(
    deployment: &Name,
    incarnation: &str,
    fleet: &Name,
    slots: &Slots,
    generation: Generation,
    attempt: u32,
) -> ClientToken {
    let text = format!("{deployment}\n{incarnation}\n{fleet}\n{slots}\n{generation}\n{attempt}");
    ClientToken::new(hex::encode(Sha256::digest(text)))
}

/// One second, doubled with each failure, up to one minute.
pub(super) fn back_off(failures: u32) -> Duration {
    Duration::from_secs(1 << failures.min(6)).min(Duration::from_secs(60))
}

impl Machine {
    pub(super) fn launched(&mut self, token: &ClientToken, made: &[(u32, InstanceId)], out: &mut Outcome) {
        let Some(batch) = self.batches.remove(token) else { return };
        let live = self.aim == Aim::Live;
        let Some(fleet) = self.fleet_mut(&batch.fleet) else { return };
        let plan = fleet.plan.clone();
        let mut surplus = Vec::new();
        for slot in batch.slots.iter() {
            let its = made.iter().find(|(filled, _)| *filled == slot).map(|(_, instance)| instance);
            if let Some(instance) = its
                && fleet.nodes.get(&slot).is_none_or(|node| {
                    node.phase != Phase::Launching && node.instance.as_ref() != Some(instance)
                })
            {
                // The slot has another by now.
                surplus.push((NodeAddress::new(batch.fleet.clone(), slot), instance.clone()));
            }
            let Some(node) = fleet.nodes.get_mut(&slot).filter(|node| node.phase == Phase::Launching) else {
                continue;
            };
            let address = NodeAddress::new(batch.fleet.clone(), slot);
            let Some(instance) = its else {
                node.phase = Phase::Absent;
                continue;
            };
            node.received(instance.clone(), batch.generation);
            out.entered.push((address.clone(), Phase::Pending));
            if live {
                let patience = plan.patience;
                out.actions.push(Action::Await { node: address, instance: instance.clone(), patience });
            }
        }
        if !surplus.is_empty() {
            out.actions.push(Action::Terminate { nodes: surplus });
        }
    }

    pub(super) fn launch_failed(
        &mut self,
        token: &ClientToken,
        call: u32,
        failure: Failure,
        now: Timestamp,
        out: &mut Outcome,
    ) {
        let Some(batch) = self.batches.get_mut(token) else { return };
        // A repeated failure of an earlier call says nothing of the one under way.
        if batch.state != BatchState::Calling || batch.tries != call {
            return;
        }
        batch.doubtful |= failure.status == Status::Ambiguous;
        batch.tries += 1;
        let retry = failure.status != Status::Permanent && batch.tries < TRIES;
        if failure.is_capacity() {
            let (place, until) = (batch.place.clone(), now + FULL);
            self.full.push((place, until));
            self.free(token, failure, out);
        } else if failure.kind == ErrorKind::Failed {
            // The token's instances were made, and are terminated: that generation is lost.
            self.lose_generation(token, &failure, now, out);
        } else if failure.kind == ErrorKind::Conflict {
            // Only a launch that made something is remembered with its parameters.
            self.look(token, Otherwise::Report(failure), out);
        } else if failure.status != Status::Permanent && self.aim == Aim::Terminated && !batch.doubtful {
            self.free(token, failure, out);
        } else if retry {
            batch.state = BatchState::Waiting;
            let by = back_off(batch.tries);
            out.actions.push(Action::Delay { timer: Timer::Launch(token.clone()), by });
        } else if batch.doubtful && !failure.settles_earlier_calls() {
            self.look(token, Otherwise::GiveUp(failure), out);
        } else {
            self.give_up(token, &failure, now, out);
        }
    }

    /// Makes the call (again), or searches where the token is too old for that.
    pub(super) fn call(&mut self, token: &ClientToken, now: Timestamp, out: &mut Outcome) {
        let Some(batch) = self.batches.get_mut(token).filter(|batch| batch.state == BatchState::Waiting)
        else {
            return;
        };
        if now.duration_since(batch.since).unsigned_abs() > TOKEN_LIFE {
            self.look(token, Otherwise::Launch, out);
        } else {
            batch.state = BatchState::Calling;
            out.actions.push(Action::Launch { token: token.clone(), call: batch.tries });
        }
    }

    fn look(&mut self, token: &ClientToken, otherwise: Otherwise, out: &mut Outcome) {
        if let Some(batch) = self.batches.get_mut(token) {
            batch.state = BatchState::Looking { found: BTreeMap::new(), empty: 0, counted: None, otherwise };
            batch.tries = 0;
            out.actions.push(Action::Look { token: token.clone() });
        }
    }

    pub(super) fn found(
        &mut self,
        token: &ClientToken,
        instances: &[(u32, InstanceId)],
        now: Timestamp,
        out: &mut Outcome,
    ) {
        let Some(Batch { slots, state: BatchState::Looking { found, empty, counted, otherwise }, .. }) =
            self.batches.get_mut(token)
        else {
            return;
        };
        let before = found.len();
        found.extend(instances.iter().cloned());
        // The time between two searches is jittered.
        let counts = counted.is_none_or(|last| now.duration_since(last).unsigned_abs() >= LOOK_AGAIN / 2);
        if found.len() > before {
            (*empty, *counted) = (0, Some(now));
        } else if counts {
            (*empty, *counted) = (*empty + 1, Some(now));
        }
        let enough = match otherwise {
            Otherwise::Report(_) if found.is_empty() => EMPTY_LOOKS_OF_MADE,
            _ => EMPTY_LOOKS,
        };
        if found.len() < slots.len() && *empty < enough {
            out.actions.push(Action::Delay { timer: Timer::Look(token.clone()), by: LOOK_AGAIN });
            return;
        }
        let (found, otherwise) = (std::mem::take(found), otherwise.clone());
        match otherwise {
            _ if !found.is_empty() => {
                let made: Vec<_> = found.clone().into_iter().collect();
                self.launched(token, &made, out);
                out.found.push((token.clone(), found));
            }
            Otherwise::Launch => {
                self.free(token, Failure::new(ErrorKind::NotFound, "the launch made nothing"), out);
            }
            Otherwise::GiveUp(failure) => self.give_up(token, &failure, now, out),
            Otherwise::Report(failure) => {
                let message = format!("a launch was made, and searches do not show it: {failure}");
                self.unsettled(token, &Failure { message, ..failure }, now, out);
            }
        }
    }

    pub(super) fn look_failed(
        &mut self,
        token: &ClientToken,
        failure: &Failure,
        now: Timestamp,
        out: &mut Outcome,
    ) {
        let Some(batch) = self.batches.get_mut(token) else { return };
        if !matches!(batch.state, BatchState::Looking { .. }) {
            return;
        }
        batch.tries += 1;
        if failure.status != Status::Permanent && batch.tries < TRIES {
            let by = back_off(batch.tries);
            out.actions.push(Action::Delay { timer: Timer::Look(token.clone()), by });
            return;
        }
        let message = format!("a launch may have had an effect, and looking for it failed: {failure}");
        self.unsettled(token, &Failure { message, ..failure.clone() }, now, out);
    }

    /// The slots want a launch again.
    pub(super) fn free(&mut self, token: &ClientToken, failure: Failure, out: &mut Outcome) {
        let Some(batch) = self.batches.remove(token) else { return };
        let Some(fleet) = self.fleet_mut(&batch.fleet) else { return };
        for slot in batch.slots.iter() {
            if let Some(node) = fleet.nodes.get_mut(&slot).filter(|node| node.phase == Phase::Launching) {
                node.phase = Phase::Absent;
                node.failure = Some(failure.clone());
            }
        }
        out.refused.push((token.clone(), failure));
    }

    /// The slots are given up.
    fn give_up(&mut self, token: &ClientToken, failure: &Failure, now: Timestamp, out: &mut Outcome) {
        self.end_launch(token, failure, false, now, out);
    }

    /// The slots are given up, and reported: nobody knows whether they have instances.
    fn unsettled(&mut self, token: &ClientToken, failure: &Failure, now: Timestamp, out: &mut Outcome) {
        self.end_launch(token, failure, true, now, out);
    }

    fn end_launch(
        &mut self,
        token: &ClientToken,
        failure: &Failure,
        leaked: bool,
        now: Timestamp,
        out: &mut Outcome,
    ) {
        let Some(batch) = self.batches.remove(token) else { return };
        if !leaked {
            out.refused.push((token.clone(), failure.clone()));
        }
        for slot in batch.slots.iter() {
            let address = NodeAddress::new(batch.fleet.clone(), slot);
            let Some(node) = self.node_mut(&address).filter(|node| node.phase == Phase::Launching) else {
                continue;
            };
            node.leaked = leaked;
            self.give_up_node(&address, failure, now, out);
        }
    }

    /// Gives up a node that has no instance; one of a fleet that was ready before is tried again after a while, unless it never had one
    /// and it was refused for good: that is tried again when somebody asks for it anew.
    pub(super) fn give_up_node(
        &mut self,
        address: &NodeAddress,
        failure: &Failure,
        now: Timestamp,
        out: &mut Outcome,
    ) {
        let raised = self.fleet(&address.fleet).is_some_and(|fleet| fleet.raised);
        let aim = self.aim;
        let Some(node) = self.node_mut(address) else { return };
        let refused = node.generation.0 == 0 && failure.is_refusal();
        let again = raised && aim == Aim::Live && !node.leaked && !refused;
        if !again || node.failure.as_ref() != Some(failure) {
            out.problems.push((address.clone(), failure.clone()));
        }
        node.failure = Some(failure.clone());
        if again {
            self.rest_for(address, FULL, now, out);
        } else {
            self.enter(address, Phase::Failed, out);
        }
    }

    fn lose_generation(&mut self, token: &ClientToken, failure: &Failure, now: Timestamp, out: &mut Outcome) {
        let Some(batch) = self.batches.remove(token) else { return };
        out.refused.push((token.clone(), failure.clone()));
        for slot in batch.slots.iter() {
            let address = NodeAddress::new(batch.fleet.clone(), slot);
            let Some(node) = self.node_mut(&address).filter(|node| node.phase == Phase::Launching) else {
                continue;
            };
            node.generation = batch.generation;
            node.next = (batch.generation.next(), 1);
            self.rest(&address, failure, now, out);
        }
    }
}
