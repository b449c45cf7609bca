//! The pure machine: it decides and does nothing else.
//!
//! [`Machine::step`] takes an [`Event`] and the time of day, changes the state, and says in an [`Outcome`] what is to
//! be done. There is no I/O, no clock and no spawn in here: the state is plain data, so it can be tested in any order
//! of events, rebuilt from a journal, and run inside another engine.
//!
//! Expected flow of a node: `Absent → Launching → Pending → Running → Customizing → Registering → Live`, and at the
//! end `Deregistering → Undoing → Terminating → Terminated`. One that is replaced goes through
//! `Deregistering → Draining → Undoing → Terminating → Resting` to its next generation (a dead one is neither drained nor undone), and
//! with [`Replace::LaunchFirst`](crate::model::Replace::LaunchFirst) its old instance goes once the new one is live.
//!
//! Guarantees, whatever the order, repetition or loss of events:
//! - A slot has at most one instance of a generation, and a new generation only after the old instance is gone.
//! - A launch whose fate is unknown is replayed under its token, or looked up; it is never replaced by a new one before
//!   it is settled.
//! - Another type or zone is tried only after a definitive capacity answer, as a new attempt.
//! - An instance that is to be replaced is terminated by [`Action::Replace`], which asks once more, at the last moment.
//! - One thing at a time is done about a node.
//! - After [`Event::Terminate`] nothing new is launched, every instance is terminated, and the first cause is kept.
//!
//! Assumptions: each action is answered by an event, however late; an action may be performed twice.

mod action;
mod again;
mod event;
mod failure;
mod launch;
mod lower;
mod node;
mod phase;
mod raise;
mod recover;
mod replace;
mod rest;
mod retry;
mod rollout;
mod scale;
mod state;
#[cfg(test)]
mod tests;
mod whose;

pub use action::{Action, Outcome, Timer};
pub use event::Event;
pub use failure::{Failure, Place};
pub use phase::{Admission, Leaving, Node, Outgoing, Phase};
pub use rollout::Rollout;
pub(crate) use rollout::SUPERSEDED;
pub use state::{Aim, Batch, BatchState, Closing, Fleet, FleetPlan, Machine, Otherwise, Preparation};
pub use whose::{Kin, Whose};

use jiff::Timestamp;

impl Machine {
    /// Takes an event. Events that do not fit the state (late, repeated, of a former instance) change nothing.
    pub fn step(&mut self, event: Event, now: Timestamp) -> Outcome {
        let mut out = Outcome::default();
        self.take(event, now, &mut out);
        match self.aim {
            Aim::Live => {
                self.renew_in_turn(now, &mut out);
                self.trim(now, &mut out);
                self.roll(now, &mut out);
                self.raise(now, &mut out);
            }
            Aim::Terminated => self.lower(&mut out),
        }
        out
    }

    fn take(&mut self, event: Event, now: Timestamp, out: &mut Outcome) {
        match event {
            Event::Start => self.resume(now, out),
            Event::Prepared { fleet } => self.prepared(&fleet, Preparation::Done),
            Event::PrepareFailed { fleet, failure } => self.prepared(&fleet, Preparation::Failed(failure)),
            Event::Launched { token, instances } => self.launched(&token, &instances, out),
            Event::LaunchFailed { token, call, failure } => {
                self.launch_failed(&token, call, failure, now, out);
            }
            Event::Found { token, instances } => self.found(&token, &instances, now, out),
            Event::LookFailed { token, failure } => self.look_failed(&token, &failure, now, out),
            Event::Ran { node, instance } => self.ran(&node, &instance, now, out),
            Event::NotRan { node, instance, failure } => self.lost(&node, &instance, &failure, out),
            Event::Customized { node, instance } => self.customized(&node, &instance, now, out),
            Event::CustomizeFailed { node, instance, failure } => {
                self.step_failed(&node, &instance, Phase::Customizing, failure, now, out);
            }
            Event::Registered { node, instance, registrations } => {
                self.registered(&node, &instance, registrations, now, out);
            }
            Event::RegisterFailed { node, instance, registrations, failure } => {
                self.register_failed(&node, &instance, registrations, failure, now, out);
            }
            Event::Deregistered { node, problem } => self.deregistered(&node, problem, now, out),
            Event::Undone { node, instance, problem } => self.undone(&node, &instance, problem, out),
            Event::Gone { node, instance } => self.gone(&node, &instance, now, out),
            Event::NotGone { node, instance, failure } => self.not_gone(&node, &instance, failure, out),
            Event::Dead { node, instance, failure } => self.dead(&node, &instance, failure, now, out),
            Event::Leaving { node, instance, failure, by } => {
                self.leaving(&node, &instance, failure, by, now, out);
            }
            Event::Admitted { node } => self.admitted(&node),
            Event::Renew { node, failure } => self.renew(&node, failure, now, out),
            Event::Quarantine { node, failure } => self.quarantine(&node, failure, now, out),
            Event::Release { node } => self.release(&node, out),
            Event::Held { node, instance, failure, lives } => {
                self.held(&node, &instance, failure, lives, now, out);
            }
            Event::Lives { node, instance } => self.lives(&node, &instance, now, out),
            Event::Outdated { node } => self.outdated(&node, out),
            Event::Scale { fleet, wanted, at_least } => self.scale(&fleet, wanted, at_least, now, out),
            Event::Paused(paused) => self.pause(paused, now, out),
            Event::Holds(held) => self.held = held,
            Event::Elapsed(timer) => self.elapsed(&timer, now, out),
            Event::Terminate { cause } => self.terminate(cause, out),
            Event::Proven => self.proven(out),
            Event::SharedRemoved => self.shared_removed(),
        }
    }
}
