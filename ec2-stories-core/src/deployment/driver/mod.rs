//! The driver: performs what the machine decides, through the provider traits, and tells it what came of it.
//!
//! One task has the machine, the journal and everything under way; to drop it is what the death of the process is. What
//! a step decides is written before it is done: the order of every step is *journal, then view and events, then
//! actions*.

mod call;
mod context;
mod controller;
mod desk;
mod expiry;
mod hold;
mod host_key;
mod launch;
mod ledger;
mod orphans;
mod perform;
mod prepare;
mod recover;
mod replace;
mod request;
mod steps;
mod terminate;
mod view;
mod wait;
mod watch;
mod words;

pub(super) use call::{On, call, persist};
pub(super) use context::Context;
pub(super) use controller::{Command, Controller};
pub(super) use expiry::{Switch, first as first_expiry, of_fleet as expiry_of};
pub(super) use host_key::{HostKey, injected_file, read_host_key};
pub(super) use recover::{Recovered, Stray, nonce, places, recover, revise};
pub(super) use request::{Composed, Resolved, freeze, user_data};
pub(super) use view::Progress;
