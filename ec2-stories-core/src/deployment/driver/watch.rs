//! What a monitor is told, and what it says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use super::super::event::EventKind;
use super::super::machine::{self, Admission, Aim, Event, Failure, Machine, Outcome, Phase};
use super::Context;
use super::call::{On, call};
use super::controller::Events;
use super::words::{Word, pass_on};
use crate::ErrorKind;
use crate::model::{Generation, InstanceId, InstanceState, NodeAddress};
use crate::provider::{Monitor, Verdict};

/// How soon a monitor that failed is asked again.
const AGAIN: Duration = Duration::from_secs(5);
/// How long the cloud may take to say whether an instance has ended.
const LOOK: Duration = Duration::from_secs(30);

/// Why a node is dead of which a new controller found nothing else.
const ENDED_UNSEEN: &str = "its instance had ended when the controller began";

/// What is known of a node that is watched.
#[derive(Clone, Copy, Debug)]
struct Told {
    /// How it was found again after a restart, where nothing was done on it since.
    found: Option<Found>,
    /// Whether the monitor was told that it leaves, as somebody ordered. What it decided itself it knows.
    leaves: bool,
}

/// How a node is that was found again.
#[derive(Clone, Copy, Debug)]
enum Found {
    /// It lived before.
    Lived,
    /// Nobody knows, and it is so young that it may still be starting.
    Young(Duration),
}

/// A deployment's monitor, in the hands of its controller.
#[derive(Debug)]
pub(super) struct Watch {
    monitor: Option<Arc<dyn Monitor>>,
    words: mpsc::UnboundedSender<Word>,
    /// Nodes that go back to live from a replacement that was called off: what is known of them holds.
    spared: BTreeSet<NodeAddress>,
    told: BTreeMap<NodeAddress, Told>,
    asked_again: Instant,
    failed: bool,
}

impl Watch {
    /// With the future that passes on what the monitor is told.
    pub(super) fn new(
        context: &Arc<Context>,
        events: Events,
    ) -> (Self, impl Future<Output = ()> + Send + use<>) {
        let (words, queue) = mpsc::unbounded_channel();
        let monitor = context.monitor.clone();
        let watch = Self {
            monitor: monitor.clone(),
            words,
            spared: BTreeSet::new(),
            told: BTreeMap::new(),
            asked_again: Instant::now(),
            failed: false,
        };
        let pass_on = pass_on(Arc::clone(context), queue, events);
        (watch, pass_on)
    }

    fn tell(&self, word: Word) {
        // Nobody listens where there is no monitor.
        let _ = self.words.send(word);
    }

    /// The next verdict; never, where there is no monitor. Cancel-safe.
    pub(super) async fn next(&mut self, context: &Context) -> (NodeAddress, Generation, Verdict) {
        let Some(monitor) = self.monitor.clone() else { return std::future::pending().await };
        loop {
            sleep_until(self.asked_again).await;
            match monitor.changed().await {
                Ok(change) => {
                    self.failed = false;
                    return change;
                }
                Err(error) => {
                    self.asked_again = Instant::now() + AGAIN;
                    if !std::mem::replace(&mut self.failed, true) {
                        context.problem(None, format!("the monitor: {}", error.chain()));
                    }
                }
            }
        }
    }

    /// Watches what runs, and forgets what is given up. What is being replaced stays known until its next generation.
    pub(super) fn follow(&mut self, context: &Context, machine: &Machine, outcome: &Outcome) {
        if self.monitor.is_none() {
            return;
        }
        for (address, phase) in &outcome.entered {
            match phase {
                Phase::Running if machine.aim == Aim::Live => {
                    self.spared.remove(address);
                    self.begin(context, machine, address, *phase);
                }
                Phase::Live if self.is_settled(context, address) => {}
                Phase::Live => self.begin(context, machine, address, *phase),
                Phase::Customizing | Phase::Registering => {
                    if let Some(told) = self.told.get_mut(address) {
                        told.found = None;
                    }
                }
                Phase::Absent | Phase::Resting => {
                    let is_described = context.fleet(&address.fleet).is_some();
                    let counts = |node: &&machine::Node| {
                        is_described && node.generation.0 > 0 && node.admission == Admission::Given
                    };
                    let replaced = machine.node(address).filter(counts);
                    if let Some(node) = replaced {
                        self.told.entry(address.clone()).or_insert(Told { found: None, leaves: false });
                        self.tell(Word::Replacing(address.clone(), node.generation));
                    }
                }
                phase if phase.is_leaving() && machine.aim == Aim::Live => {
                    self.leaves(context, machine, address);
                }
                Phase::Quarantined => {
                    self.told.remove(address);
                    let why = machine.node(address).and_then(|node| node.failure.as_ref());
                    let why = why.map(ToString::to_string).unwrap_or_default();
                    self.tell(Word::Quarantine(address.clone(), why));
                }
                Phase::Terminated | Phase::Failed => self.forget(address),
                _ => {}
            }
        }
        for address in &outcome.asks {
            if let Some(instance) = machine.node(address).and_then(|node| node.instance.clone()) {
                self.tell(Word::Condemn(address.clone(), instance));
            }
        }
        let mut lost = Vec::new();
        for address in &outcome.lost {
            let Some(node) = machine.node(address) else { continue };
            self.told.insert(address.clone(), Told { found: None, leaves: false });
            let why = node.failure.as_ref().map_or(ENDED_UNSEEN.to_owned(), ToString::to_string);
            lost.push((address.clone(), node.generation, why));
        }
        if !lost.is_empty() {
            self.tell(Word::Lost(lost));
        }
        for address in &outcome.stays {
            if let (Some(node), Ok(seen)) = (machine.node(address), context.node(address)) {
                // What was asked of it is void then.
                self.tell(Word::Resume(Box::new(seen), node.generation));
            }
        }
        for address in &outcome.removed {
            // Known still where it was being replaced, or in quarantine.
            self.told.remove(address);
            self.tell(Word::Forget(address.clone()));
        }
    }

    /// What an earlier controller began counts against the budgets before anything else does.
    pub(super) fn take_up(&mut self, context: &Context, machine: &Machine) {
        for (address, generation) in machine.being_replaced() {
            if context.fleet(&address.fleet).is_some() {
                self.told.entry(address.clone()).or_insert(Told { found: None, leaves: false });
                self.tell(Word::Replacing(address, generation));
            }
        }
    }

    /// A node's instance is on its way out, whoever decided it: from now on that counts against the budgets. Of a node that is one too
    /// many nothing is expected any more.
    fn leaves(&mut self, context: &Context, machine: &Machine, address: &NodeAddress) {
        let (Some(node), Some(fleet)) = (machine.node(address), machine.fleet(&address.fleet)) else {
            return;
        };
        if address.slot >= fleet.plan.wanted || context.fleet(&address.fleet).is_none() {
            return self.forget(address);
        }
        if node.admission != Admission::Given {
            // It counts once it is let in.
            return;
        }
        let ordered = node.leaving.as_ref().is_some_and(|leaving| leaving.asked);
        self.told.insert(address.clone(), Told { found: None, leaves: ordered });
        let works = matches!(node.phase, Phase::Deregistering | Phase::Draining);
        self.tell(match node.leaving.as_ref().filter(|leaving| works && leaving.healthy) {
            Some(leaving) => Word::Leaves(address.clone(), node.generation, leaving.failure.to_string()),
            None => Word::Replacing(address.clone(), node.generation),
        });
    }

    /// Whether a node that is live again needs no new watch. A monitor that wanted it replaced, or was told that it is, has done
    /// with that instance, and is to look at it anew.
    fn is_settled(&mut self, context: &Context, address: &NodeAddress) -> bool {
        let known = context.known();
        let condemned =
            matches!(known.verdicts.get(address), Some(Verdict::Replace(_) | Verdict::Leaving { .. }));
        // One that was one too many was forgotten.
        let leaves = self.told.get(address).is_none_or(|told| told.leaves);
        self.spared.remove(address) && !self.revive(address, condemned || leaves)
    }

    /// Notes that the node lived before; whether it is to be watched anew.
    fn revive(&mut self, address: &NodeAddress, condemned: bool) -> bool {
        if condemned {
            self.told.insert(address.clone(), Told { found: Some(Found::Lived), leaves: false });
        }
        condemned
    }

    /// `phase` is what it enters; one step may have led it further.
    fn begin(&mut self, context: &Context, machine: &Machine, address: &NodeAddress, phase: Phase) {
        let (Some(node), Ok(seen)) = (machine.node(address), context.node(address)) else { return };
        if node.instance.as_ref() != Some(&seen.instance.id) || context.fleet(&address.fleet).is_none() {
            return;
        }
        if node.phase.is_leaving() {
            // The same step has led it on, and out.
            return;
        }
        let (seen, generation) = (Box::new(seen), node.generation);
        context.known().verdicts.remove(address);
        context.view.judge(address, None);
        let found = (phase == Phase::Running).then(|| found(context, machine, address)).flatten();
        let before = self.told.insert(address.clone(), Told { found, leaves: false });
        self.tell(match before.and_then(|told| told.found).filter(|_| phase == Phase::Live) {
            Some(Found::Lived) => Word::Resume(seen, generation),
            Some(Found::Young(age)) => Word::Adopt(seen, generation, age),
            None => Word::Watch(seen, generation),
        });
    }

    pub(super) fn spare(&mut self, address: &NodeAddress) {
        self.spared.insert(address.clone());
    }

    fn forget(&mut self, address: &NodeAddress) {
        if self.told.remove(address).is_some() {
            self.tell(Word::Forget(address.clone()));
        }
    }

    /// The deployment ends.
    pub(super) fn forget_all(&mut self) {
        for address in std::mem::take(&mut self.told).into_keys() {
            self.tell(Word::Forget(address));
        }
    }

    /// The controller goes, and nobody passes anything on any more.
    pub(super) async fn part(&mut self) {
        let Some(monitor) = self.monitor.take() else { return };
        let forget = async {
            for address in std::mem::take(&mut self.told).into_keys() {
                // It goes on to watch what nobody asks about.
                let _ = monitor.forget(&address).await;
            }
        };
        let _ = timeout(AGAIN, forget).await;
    }

    /// Gives a node that does not live yet its start-up time anew, once the cloud says that its instance has not ended.
    pub(super) fn unless_ended(
        &self,
        context: &Arc<Context>,
        node: NodeAddress,
        (instance, generation): (InstanceId, Generation),
        events: Events,
    ) -> impl Future<Output = ()> + Send + use<> {
        let (context, words) = (Arc::clone(context), self.words.clone());
        async move {
            // Nobody listens any more only when the controller is gone.
            if let Some(failure) = ended(&context, &instance).await {
                context.tell(Some(&node), EventKind::Dead(failure.to_string()));
                drop(events.send(Event::Dead { node, instance, failure }));
            } else if let Ok(seen) = context.node(&node)
                && matches!(context.known().verdicts.get(&node), Some(Verdict::Replace(_)))
            {
                // Where it lives by now it is watched anew already, and may have been asked for since.
                drop(words.send(Word::Watch(Box::new(seen), generation)));
            }
        }
    }
}

/// How a node is that was found again, unless a step on it is still to be done. Where there are no steps nothing was written of
/// whether it lived before, and its age says it.
fn found(context: &Context, machine: &Machine, address: &NodeAddress) -> Option<Found> {
    let launched = machine.node(address)?.adopted?;
    let plan = &machine.fleet(&address.fleet)?.plan;
    let age = Duration::try_from(context.now().duration_since(launched)).unwrap_or_default();
    let lived = plan.customizes || plan.registers || age >= plan.health.startup_timeout;
    Some(if lived { Found::Lived } else { Found::Young(age) })
}

/// What a verdict asks of the machine.
#[derive(Debug)]
pub(super) enum Asks {
    Nothing,
    Step(Event),
    /// The node does not live yet: only the cloud's word counts.
    TheCloud(InstanceId),
}

/// Tells of a verdict, and says what follows from it.
pub(super) fn hear(
    context: &Context,
    machine: &Machine,
    (address, generation, verdict): &(NodeAddress, Generation, Verdict),
) -> Asks {
    let Some(node) = machine.node(address).filter(|node| node.generation == *generation) else {
        return Asks::Nothing;
    };
    if let (Admission::Asked, Verdict::Replace(why)) = (node.admission, verdict) {
        context.tell(Some(address), EventKind::Dead(why.clone()));
        return Asks::Step(Event::Admitted { node: address.clone() });
    }
    if node.phase == Phase::Terminating && matches!(verdict, Verdict::Suspect(_) | Verdict::Replace(_)) {
        // It ends because it is to end.
        return Asks::Nothing;
    }
    let before = context.known().verdicts.insert(address.clone(), verdict.clone());
    context.view.judge(address, Some(verdict.clone()));
    let Some(instance) = node.instance.clone() else { return Asks::Nothing };
    let tell = |kind| context.tell(Some(address), kind);
    match verdict.clone() {
        Verdict::Live => {
            if before.is_some_and(|before| before != Verdict::Live) {
                tell(EventKind::Recovered);
            }
            match node.withdrawn {
                true => Asks::Step(Event::Lives { node: address.clone(), instance }),
                false => Asks::Nothing,
            }
        }
        Verdict::Suspect(why) => {
            tell(EventKind::Suspect(why));
            Asks::Nothing
        }
        Verdict::Leaving { why, by } => {
            tell(EventKind::Leaving { why: why.clone(), by });
            let failure = Failure::new(ErrorKind::Failed, why);
            // What is past is no deadline.
            let by = Some(by).filter(|by| *by > context.now());
            Asks::Step(Event::Leaving { node: address.clone(), instance, failure, by })
        }
        Verdict::Replace(why) if node.live_since.is_some() && node.phase != Phase::Customizing => {
            tell(EventKind::Dead(why.clone()));
            let failure = Failure::new(ErrorKind::Failed, why);
            Asks::Step(Event::Dead { node: address.clone(), instance, failure })
        }
        Verdict::Replace(_) => Asks::TheCloud(instance),
    }
}

/// How an instance ended, or is about to: in the cloud's own words. `None` where it lives, or nobody can say.
pub(super) async fn ended(context: &Context, instance: &InstanceId) -> Option<Failure> {
    let ids = std::slice::from_ref(instance);
    let look = call(context, "describe", On::Instances(1), context.cloud.describe(ids));
    let seen = timeout(LOOK, look).await.ok()?.ok()?;
    let seen = seen.into_iter().find(|seen| seen.id == *instance)?;
    let ends =
        seen.state.is_ending() || matches!(seen.state, InstanceState::Stopping | InstanceState::Stopped);
    let reason = seen.state_reason.map(|reason| format!(": {}", reason.message)).unwrap_or_default();
    ends.then(|| Failure::new(ErrorKind::Failed, format!("{instance} is {}{reason}", seen.state)))
}
