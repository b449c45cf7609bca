//! The turns: whoever is due is probed, within bounds.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::Shared;
use super::probe::Job;
use crate::monitor::machine::Event;

/// The longest sleep; short, as it is also how soon a watcher that was kept from running finds out.
const LONGEST: Duration = Duration::from_secs(5);

pub(super) async fn run(shared: Arc<Shared>) {
    let mut probes = JoinSet::new();
    loop {
        let (due, next) = shared.turn();
        for job in due {
            probes.spawn(job.run(shared.clone()));
        }
        tokio::select! {
            () = sleep_until(next) => {}
            () = shared.hurry.notified() => {}
        }
        // Jobs keep their panics to themselves, so there is nothing to learn here.
        while probes.try_join_next().is_some() {}
    }
}

impl Shared {
    /// Who is due, and when the next turn is.
    fn turn(&self) -> (Vec<Job>, Instant) {
        let now = self.now();
        let mut engine = self.lock();
        self.step_in(&mut engine, Event::Tick, now);
        let mut jobs = Vec::new();
        while engine.running < self.max_probes
            && let Some((due, key, watch)) = engine.agenda.pop(now)
        {
            let rhythm = engine.rhythm(key);
            let Some(probe) = rhythm.probe.filter(|_| engine.machine.listens(key, watch)) else { continue };
            let Some(node) = engine.node(key) else { continue };
            engine.running += 1;
            let (timeout, period) = (rhythm.timeout, rhythm.period);
            jobs.push(Job { key, watch, due, node, probe, timeout, period });
        }
        let due = engine.agenda.next().filter(|_| engine.running < self.max_probes);
        let next = [due, engine.machine.deadline()].into_iter().flatten().min();
        // A deadline that has passed was looked at: what it waits for comes as an event.
        let next = next.unwrap_or(now.plus(LONGEST)).clamp(now, now.plus(LONGEST));
        engine.planned = next;
        engine.machine.expect(next);
        (jobs, self.moment(next))
    }
}
