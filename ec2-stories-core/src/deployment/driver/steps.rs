//! A node's steps: waiting, customizing, registering, and the way back.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::super::event::EventKind;
use super::super::machine::{Event, Failure};
use super::call::{back_off, jittered, persist};
use super::wait::reach;
use super::watch::ended;
use super::{Context, call};
use crate::model::{InstanceId, NodeAddress};
use crate::provider::{Goal, Registrar, Registration, StepOutcome, StepReport};
use crate::{Error, ErrorKind, Result};

/// How long taking a node's steps back may hold up its termination.
const UNDO: Duration = Duration::from_secs(60);

pub(super) async fn wait(
    context: &Context,
    node: NodeAddress,
    instance: InstanceId,
    patience: Duration,
) -> Event {
    match reach(context, &node, &instance, Goal::Running, Instant::now() + patience).await {
        Ok(()) => Event::Ran { node, instance },
        Err(error) => Event::NotRan { failure: Failure::from(&error), node, instance },
    }
}

pub(super) async fn customize(context: &Context, node: NodeAddress, instance: InstanceId) -> Event {
    match run_customizers(context, &node).await {
        Ok(()) => Event::Customized { node, instance },
        Err(error) => match ended(context, &instance).await {
            // That is a loss, and says nothing of the steps.
            Some(failure) => Event::Dead { node, instance, failure },
            None => Event::CustomizeFailed { failure: Failure::from(&error), node, instance },
        },
    }
}

/// Runs each customizer until it succeeds or fails for good. A node that runs may take a while to be reached: that is
/// tried again for as long as a launch may take, and whoever watches is told what it waits for.
async fn run_customizers(context: &Context, address: &NodeAddress) -> Result<()> {
    let Some(fleet) = context.fleet(&address.fleet) else { return Ok(()) };
    let deadline = Instant::now() + fleet.spec.launch_timeout;
    for customizer in &fleet.customizers {
        let (mut tries, mut told) = (0, String::new());
        let reports = loop {
            let node = context.node(address)?;
            let error = match call(context, "customize", address, customizer.customize(&node)).await {
                Ok(reports) => break reports,
                Err(error) => error,
            };
            let pause = jittered(back_off(tries));
            if error.is_permanent() || Instant::now() + pause >= deadline {
                return Err(error);
            }
            let why = error.chain();
            if why != told {
                context.tell(Some(address), EventKind::Problem(format!("{why}; it is tried again")));
                told = why;
            }
            tries += 1;
            sleep(pause).await;
        };
        show(context, address, &reports);
        if let Some((step, why)) = failed(&reports).next() {
            return Err(Error::new(ErrorKind::Failed, why).during(customizer.name()).on(step));
        }
    }
    Ok(())
}

fn show(context: &Context, address: &NodeAddress, reports: &[StepReport]) {
    for StepReport { step, outcome } in reports {
        context.tell(Some(address), EventKind::Step { step: step.clone(), outcome: outcome.clone() });
    }
}

fn failed(reports: &[StepReport]) -> impl Iterator<Item = (&str, &str)> {
    reports.iter().filter_map(|StepReport { step, outcome }| match outcome {
        StepOutcome::Failed(why) => Some((step.as_str(), why.as_str())),
        _ => None,
    })
}

pub(super) async fn register(
    context: &Context,
    node: NodeAddress,
    instance: InstanceId,
    tell: &(impl Fn(Event) + Sync),
) {
    let (registrations, error) = register_everywhere(context, &node).await;
    let Some(error) = error else { return tell(Event::Registered { node, instance, registrations }) };
    if let Some(failure) = ended(context, &instance).await {
        // A loss; what was registered is told after it, and taken back.
        tell(Event::Dead { node: node.clone(), instance: instance.clone(), failure });
    }
    tell(Event::RegisterFailed { failure: Failure::from(&error), node, instance, registrations });
}

async fn register_everywhere(context: &Context, address: &NodeAddress) -> (Vec<Registration>, Option<Error>) {
    let mut made = Vec::new();
    let Some(fleet) = context.fleet(&address.fleet) else { return (made, None) };
    for registrar in &fleet.registrars {
        let outcome = match context.node(address) {
            Ok(node) => persist(context, "register", address, || registrar.register(&node)).await,
            Err(error) => Err(error),
        };
        match outcome {
            Ok(registration) => made.push(registration),
            Err(error) => return (made, Some(error)),
        }
    }
    (made, None)
}

/// Ends the registrations. A registration whose outcome nobody saw is made again first: that is how its name and value
/// become known.
pub(super) async fn deregister(context: &Context, address: NodeAddress, known: &[Registration]) -> Event {
    let registrars = context.fleet(&address.fleet).map_or(&[][..], |fleet| &fleet.registrars);
    let left = known.iter().skip(registrars.len());
    let mut problems: Vec<String> = left
        .map(|Registration { name, value, .. }| {
            format!("{name} = {value} stays registered: the description has no registrar for it any more")
        })
        .collect();
    for (index, registrar) in registrars.iter().enumerate().rev() {
        if let Err(error) = deregister_at(context, &address, &**registrar, known.get(index)).await {
            problems.push(format!("{}: {}", registrar.name(), error.chain()));
        }
    }
    Event::Deregistered { problem: problem(&problems), node: address }
}

async fn deregister_at(
    context: &Context,
    address: &NodeAddress,
    registrar: &dyn Registrar,
    known: Option<&Registration>,
) -> Result<()> {
    let registration = match known {
        Some(registration) => registration.clone(),
        None => {
            let node = context.node(address)?;
            persist(context, "register", address, || registrar.register(&node)).await?
        }
    };
    persist(context, "deregister", address, || registrar.deregister(&registration)).await
}

/// Takes the customizers' steps back, the last one first; one try, and not for long.
pub(super) async fn undo(context: &Context, address: NodeAddress, instance: InstanceId) -> Event {
    let mut problems = Vec::new();
    if let (Some(fleet), Ok(node)) = (context.fleet(&address.fleet), context.node_of(&address, &instance)) {
        for customizer in fleet.customizers.iter().rev() {
            let name = customizer.name();
            match timeout(UNDO, call(context, "undo", &address, customizer.undo(&node))).await {
                Err(_) => problems.push(format!("{name}: no end within {} s", UNDO.as_secs())),
                Ok(Err(error)) => problems.push(format!("{name}: {}", error.chain())),
                Ok(Ok(reports)) => {
                    show(context, &address, &reports);
                    problems.extend(failed(&reports).map(|(step, why)| format!("{name}: {step}: {why}")));
                }
            }
        }
    }
    Event::Undone { problem: problem(&problems), node: address, instance }
}

fn problem(problems: &[String]) -> Option<Failure> {
    (!problems.is_empty()).then(|| Failure::new(ErrorKind::Failed, problems.join("; ")))
}
