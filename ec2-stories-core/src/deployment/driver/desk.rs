//! Where a controller reads what operators want.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;

use super::super::event::EventKind;
use super::super::journal::{Journal, LaunchOutcome, NodeRecord};
use super::super::machine::{Aim, Event, Failure, Machine, Phase};
use super::super::orders::{Orders, Request};
use super::{Context, Controller};
use crate::model::{Name, NodeAddress};
use crate::provider::{Hold, Verdict};
use crate::{Error, ErrorKind, Result};

/// How often the orders are read; whoever orders by the handle has them read at once.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Looks at orders that cannot be read, for whoever waits: about a minute.
const TRIES: u32 = 12;

/// The orders as they were read, and whoever waits until they are taken up.
type News = (Orders, Option<oneshot::Sender<Result<()>>>);

/// A controller's end of the orders.
#[derive(Debug)]
pub(super) struct Desk {
    news: mpsc::UnboundedReceiver<News>,
    sender: mpsc::UnboundedSender<News>,
    /// Holds that the monitor knows.
    holds: BTreeMap<NodeAddress, Hold>,
    /// Replacements that were taken up, as they were asked for.
    begun: BTreeMap<NodeAddress, Request>,
}

impl Desk {
    /// With the future that reads the orders again and again.
    pub(super) fn new(context: &Arc<Context>) -> (Self, impl Future<Output = ()> + Send + use<>) {
        let (sender, news) = mpsc::unbounded_channel();
        let (context, to) = (Arc::clone(context), sender.clone());
        let read_on = async move {
            let mut failed = false;
            loop {
                match context.orders.read().await {
                    // Nobody listens any more only when the controller is gone.
                    Ok(orders) => {
                        failed = false;
                        drop(to.send((orders, None)));
                    }
                    Err(error) if !std::mem::replace(&mut failed, true) => {
                        context.problem(None, error.chain());
                    }
                    Err(_) => {}
                }
                sleep(LOOK_EVERY).await;
            }
        };
        (Self { news, sender, holds: BTreeMap::new(), begun: BTreeMap::new() }, read_on)
    }

    /// What was read next. Cancel-safe.
    pub(super) async fn next(&mut self) -> News {
        match self.news.recv().await {
            Some(news) => news,
            // The desk has a sender itself.
            None => std::future::pending().await,
        }
    }

    /// Reads the orders now, or as soon as they can be read again. Whoever waits is told why they cannot be.
    pub(super) fn look(
        &self,
        context: &Arc<Context>,
        done: oneshot::Sender<Result<()>>,
    ) -> impl Future<Output = ()> + Send + use<> {
        let (context, to) = (Arc::clone(context), self.sender.clone());
        async move {
            let mut tries = 0;
            let error = loop {
                tries += 1;
                match context.orders.read().await {
                    Ok(orders) => return drop(to.send((orders, Some(done)))),
                    Err(error) if error.is_permanent() || tries == TRIES => break error,
                    Err(_) => sleep(LOOK_EVERY).await,
                }
            };
            answer(Some(done), Err(error));
        }
    }
}

impl Controller {
    /// Takes up what operators want; `false` when the deployment is another controller's by now.
    pub(super) async fn attend(&mut self, (orders, done): News) -> bool {
        if self.machine.aim == Aim::Terminated {
            answer(done, Err(Error::new(ErrorKind::Canceled, "the deployment is being terminated")));
            return true;
        }
        self.hold(&orders).await;
        for event in wanted(&self.context, &self.machine, &orders, &self.desk.begun) {
            if !self.take(event).await {
                return false;
            }
        }
        self.context.known().pause = orders.pause.clone();
        self.desk.begun = orders.replace.clone();
        let done_with = self.done_with(&orders);
        if done_with != Orders::default() {
            strike_out(&self.context, &done_with).await;
        }
        answer(done, Ok(()));
        true
    }

    /// What need not be read again: what the journal knows to have been begun, and what was wanted of nodes that are gone.
    fn done_with(&self, orders: &Orders) -> Orders {
        let is_written = |node: &NodeAddress| {
            let Some(known) = self.machine.node(node) else { return true };
            let record = NodeRecord::of(known);
            known.renewal.is_none()
                && self.written.get(node).map_or(record.is_plain(), |seen| *seen == record)
        };
        let is_gone = |node: &NodeAddress| {
            let fleet = self.context.spec.fleets.iter().find(|fleet| fleet.name == node.fleet);
            fleet.is_some_and(|fleet| node.slot >= orders.nodes(fleet)) && self.machine.node(node).is_none()
        };
        let mut done_with = Orders { release: orders.release.clone(), ..Orders::default() };
        done_with.replace.extend(orders.replace.clone().into_iter().filter(|(node, _)| is_written(node)));
        done_with.quarantine.extend(orders.quarantine.clone().into_iter().filter(|(node, _)| is_gone(node)));
        done_with
    }

    /// Holds and releases what the orders say, here and at the monitor. One that it does not watch yet it is told of again.
    async fn hold(&mut self, orders: &Orders) {
        let now = self.context.now();
        let mut holds = orders.holds.clone();
        holds.retain(|_, hold| hold.until > now);
        for (node, hold) in &holds {
            if self.desk.holds.get(node) != Some(hold) {
                let (owner, until) = (hold.owner.clone(), hold.until);
                self.context.tell(Some(node), EventKind::Held { owner, until });
            }
            self.context.hold(node, hold.clone()).await;
        }
        for node in self.desk.holds.keys().filter(|node| !holds.contains_key(*node)) {
            self.context.unhold(node).await;
        }
        self.desk.holds = holds;
    }

    /// Forgets a node that the fleet has no more: its launch says that the instance has ended.
    pub(super) async fn forget(&mut self, address: &NodeAddress) {
        let context = &self.context;
        context.view.forget(address);
        if self.written.remove(address).is_some()
            && let Err(error) = context.journal.remove(&Journal::node(address)).await
        {
            context.unwritten(Some(address), &error);
        }
        let ended: Vec<_> = {
            let mut known = context.known();
            let its = known.launches.iter_mut().filter(|(_, record)| {
                let made = matches!(&record.outcome, Some(LaunchOutcome::Launched(made)) if made.contains_key(&address.slot));
                made && record.request.ownership.fleet == address.fleet && !record.ended.contains(&address.slot)
            });
            its.map(|(token, record)| {
                record.ended.insert(address.slot);
                (token.clone(), record.clone())
            })
            .collect()
        };
        for (token, record) in ended {
            if let Err(error) = context.journal.write(&Journal::launch(&token), &record).await {
                context.unwritten(Some(address), &error);
            }
        }
    }
}

fn answer(waits: Option<oneshot::Sender<Result<()>>>, taken_up: Result<()>) {
    if let Some(waits) = waits {
        // Whoever waited may have given up.
        let _ = waits.send(taken_up);
    }
}

/// Tells how rollouts go, and remembers it.
pub(super) async fn tell_rollouts(context: &Context, rollouts: &[(Name, Option<Failure>)]) {
    for (name, halted) in rollouts {
        let fleet = name.to_string();
        context.tell(
            None,
            match halted {
                Some(why) => EventKind::RolloutHalted { fleet, why: why.to_string() },
                None => EventKind::RolledOut { fleet },
            },
        );
        let record = context.known().fleets.get_mut(name).map(|record| {
            (record.rolls, record.halted) = (halted.is_some(), halted.clone());
            record.clone()
        });
        let Some(record) = record else { continue };
        if let Err(error) = context.journal.write(&Journal::fleet(name), &record).await {
            context.unwritten(None, &error);
        }
    }
}

/// What was begun is not to be begun once more.
async fn strike_out(context: &Context, seen: &Orders) {
    let strike = |now: &mut BTreeMap<NodeAddress, Request>, seen: &BTreeMap<NodeAddress, Request>| {
        now.retain(|node, request| seen.get(node) != Some(request));
    };
    let struck = context.orders.change(|orders| {
        strike(&mut orders.replace, &seen.replace);
        strike(&mut orders.release, &seen.release);
        strike(&mut orders.quarantine, &seen.quarantine);
        Ok(())
    });
    if let Err(error) = struck.await {
        context.problem(None, error.chain());
    }
}

/// What the orders want of the machine that it does not do already, and has not begun.
fn wanted(
    context: &Context,
    machine: &Machine,
    orders: &Orders,
    begun: &BTreeMap<NodeAddress, Request>,
) -> Vec<Event> {
    let mut events = Vec::new();
    if machine.paused != orders.pause.is_some() {
        context.tell(
            None,
            match &orders.pause {
                Some(pause) => EventKind::Paused { owner: pause.owner.clone(), reason: pause.reason.clone() },
                None => EventKind::Resumed,
            },
        );
        events.push(Event::Paused(orders.pause.is_some()));
    }
    let held: BTreeSet<NodeAddress> =
        orders.holds.keys().filter(|node| context.hold_of(node).is_some()).cloned().collect();
    // Whose death was not acted upon, as it was held: where the monitor does not say so again, it lives.
    for (node, known) in machine.nodes().filter(|(node, known)| known.withdrawn && !held.contains(node)) {
        let said = context.known().verdicts.get(&node).cloned();
        if let (None | Some(Verdict::Live), Some(instance)) = (said, known.instance.clone()) {
            events.push(Event::Lives { node, instance });
        }
    }
    if machine.held != held {
        events.push(Event::Holds(held));
    }
    for spec in &context.spec.fleets {
        let Some(fleet) = machine.fleet(&spec.name) else { continue };
        let (now, wanted) = (fleet.plan.wanted, orders.nodes(spec));
        if now != wanted {
            context.tell(None, EventKind::Scaled { fleet: spec.name.to_string(), from: now, to: wanted });
            let at_least = spec.at_least.map_or(wanted, |least| least.min(wanted));
            events.push(Event::Scale { fleet: spec.name.clone(), wanted, at_least });
        }
    }
    let asked = |request: &Request| Failure::new(ErrorKind::Canceled, request.reason.clone());
    for node in orders.release.keys() {
        events.push(Event::Release { node: node.clone() });
    }
    for (node, request) in &orders.quarantine {
        let is_there = machine.node(node).is_some_and(|known| {
            known.phase == Phase::Quarantined
                || known.leaving.as_ref().is_some_and(|leaving| leaving.quarantine)
        });
        if !is_there {
            events.push(Event::Quarantine { node: node.clone(), failure: asked(request) });
        }
    }
    for (node, request) in orders.replace.iter().filter(|(node, request)| begun.get(*node) != Some(*request))
    {
        events.push(Event::Renew { node: node.clone(), failure: asked(request) });
    }
    events
}
