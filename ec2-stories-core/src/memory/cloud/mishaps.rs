//! What befalls a cloud, when a test says so.

use std::time::Duration;

use tokio::time::Instant as Moment;

use super::MemoryCloud;
use super::machine::End;
use super::state::Outage;
use crate::Clock;
use crate::model::{InstanceId, Notice, StateReason};

impl MemoryCloud {
    /// Lets the next instance that is launched fail when it should run: it becomes terminated, for this reason.
    pub fn fail_boot(&self, code: &str, message: &str) {
        self.lock().boot_failures.push_back(StateReason { code: code.into(), message: message.into() });
    }

    /// Ends an instance as hardware or a spot notice would.
    pub fn kill(&self, id: &InstanceId, code: &str, message: &str) {
        let reason = StateReason { code: code.into(), message: message.into() };
        self.change(|state| state.end(id, reason));
    }

    /// Stops an instance that runs, as somebody would in the console; nobody starts it again.
    pub fn stop(&self, id: &InstanceId) {
        self.change(|state| {
            let (now, shutdown) = (Moment::now(), state.shutdown_time);
            if let Some(machine) = state.machines.get_mut(id).filter(|machine| machine.booted_at <= now) {
                machine.stop.get_or_insert((now, now + shutdown));
            }
        });
    }

    /// Says what will be done to an instance; nothing comes of it by itself.
    pub fn notify(&self, id: &InstanceId, notice: Notice) {
        self.change(|state| {
            if let Some(machine) = state.machines.get_mut(id) {
                machine.notices.push(notice);
            }
        });
    }

    /// Says that an instance will be taken away, in the cloud's word (`spot-interruption`, `instance-retirement`), and ends it so long
    /// from now.
    pub fn take_away(&self, id: &InstanceId, what: &str, after: Duration) {
        self.change(|state| {
            let (began_at, at) = (Moment::now() + after, state.clock.now() + after);
            let reason =
                StateReason { code: what.to_owned(), message: format!("{what}: as was said before") };
            let fate = End { began_at, ended_at: began_at + state.shutdown_time, reason };
            if let Some(machine) = state.machines.get_mut(id) {
                machine.notices.push(Notice { what: what.to_owned(), ends: true, at });
                machine.fate.get_or_insert(fate);
            }
        });
    }

    /// Lets an instance fail its status checks from now on, or pass them again.
    pub fn impair(&self, id: &InstanceId, impaired: bool) {
        self.change(|state| {
            let since = impaired.then(|| state.clock.now());
            if let Some(machine) = state.machines.get_mut(id) {
                machine.impaired = since;
            }
        });
    }

    /// Fails a zone from now on for a while: there is no room in it, and what runs there fails its status checks.
    pub fn outage(&self, zone: &str, length: Duration) {
        self.change(|state| {
            let (since, from) = (state.clock.now(), Moment::now());
            state.outages.retain(|outage| outage.until > from);
            state.outages.push(Outage { zone: zone.into(), since, from, until: from + length });
        });
    }

    /// Hides an instance from searches by tag, as a listing that lags does, or shows it again. Whoever asks for it by id sees it.
    pub fn hide(&self, id: &InstanceId, hidden: bool) {
        self.change(|state| {
            if let Some(machine) = state.machines.get_mut(id) {
                machine.hidden = hidden;
            }
        });
    }

    /// Sets how far searches by tag lag behind: they show everything as it was so long ago.
    pub fn lag(&self, lag: Duration) {
        self.lock().lag = lag;
    }
}
