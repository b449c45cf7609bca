//! A fleet of web nodes, and what befalls it.

use jiff::Timestamp;

use super::super::{Event, Failure, FleetPlan, Phase};
use super::world::{Luck, World, failure, name, plan};
use crate::model::{InstanceId, NodeAddress};
use crate::{ErrorKind, Status};

pub(super) fn web(slot: u32) -> NodeAddress {
    NodeAddress::new(name("web"), slot)
}

pub(super) fn dead() -> Failure {
    failure(ErrorKind::Failed, Status::Permanent)
}

/// Web nodes that live, customized and registered.
pub(super) fn live(change: impl FnOnce(&mut FleetPlan)) -> World {
    lives(FleetPlan { customizes: true, registers: true, ..plan("web", 3, 3, &[]) }, change)
}

/// So many web nodes that live, and have no steps.
pub(super) fn plain(nodes: u32, change: impl FnOnce(&mut FleetPlan)) -> World {
    lives(plan("web", nodes, nodes, &[]), change)
}

fn lives(mut web: FleetPlan, change: impl FnOnce(&mut FleetPlan)) -> World {
    change(&mut web);
    let mut world = World::new(vec![web]);
    world.settle();
    assert!(world.machine.is_ready());
    world
}

pub(super) fn instance(world: &World, slot: u32) -> InstanceId {
    world.machine.node(&web(slot)).unwrap().instance.clone().unwrap()
}

pub(super) fn phase(world: &World, slot: u32) -> Phase {
    world.machine.node(&web(slot)).unwrap().phase
}

pub(super) fn generation(world: &World, slot: u32) -> u32 {
    world.machine.node(&web(slot)).unwrap().generation.0
}

pub(super) fn kill(world: &mut World, slot: u32) {
    let instance = instance(world, slot);
    world.tell(Event::Dead { node: web(slot), instance, failure: dead() });
}

pub(super) fn leave(world: &mut World, slot: u32, by: Option<Timestamp>) {
    let instance = instance(world, slot);
    world.tell(Event::Leaving { node: web(slot), instance, failure: dead(), by });
}

pub(super) fn scale(world: &mut World, wanted: u32) {
    world.tell(Event::Scale { fleet: name("web"), wanted, at_least: wanted });
}

pub(super) fn until(world: &mut World, slot: u32, wanted: Phase) {
    while phase(world, slot) != wanted {
        world.once(Luck::Good);
    }
}
