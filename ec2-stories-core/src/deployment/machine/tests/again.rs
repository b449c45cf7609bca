//! What must come to an end all the same: after a restart, after a clock that was set, after an order that was taken back.

use std::time::Duration;

use super::super::{Action, Event, Outgoing, Phase};
use super::world::{Luck, World, failure, name, plan};
use crate::model::{Generation, NodeAddress};
use crate::{ErrorKind, Status};

fn web(slot: u32) -> NodeAddress {
    NodeAddress::new(name("web"), slot)
}

fn live(nodes: u32) -> World {
    let mut world = World::new(vec![plan("web", nodes, nodes, &[])]);
    world.settle();
    assert!(world.machine.is_ready());
    world
}

fn kill(world: &mut World, slot: u32) {
    let instance = world.machine.node(&web(slot)).unwrap().instance.clone().unwrap();
    let failure = failure(ErrorKind::Failed, Status::Permanent);
    world.tell(Event::Dead { node: web(slot), instance, failure });
}

fn phase(world: &World, slot: u32) -> Phase {
    world.machine.node(&web(slot)).unwrap().phase
}

fn scale(world: &mut World, wanted: u32) {
    world.tell(Event::Scale { fleet: name("web"), wanted, at_least: wanted });
    world.settle();
}

#[test]
fn a_slot_that_comes_back_begins_with_a_generation_that_it_never_had() {
    let mut world = live(1);
    scale(&mut world, 2);
    scale(&mut world, 1);
    let before = world.now;
    scale(&mut world, 2);
    let node = world.machine.node(&web(1)).unwrap();
    assert_eq!((node.phase, node.generation), (Phase::Live, Generation(2)));
    assert_eq!((node.losses.len(), world.now), (0, before), "its first launch is no loss");
}

#[test]
fn what_was_to_go_beside_a_node_in_quarantine_goes_after_a_restart() {
    let mut world = live(2);
    kill(&mut world, 1);
    let old = world.machine.node(&web(0)).unwrap().instance.clone().unwrap();
    let node = world.machine.node_or_surplus(&web(0));
    (node.phase, node.instance) = (Phase::Quarantined, None);
    node.outgoing = Some(Outgoing {
        instance: old.clone(),
        healthy: false,
        touched: false,
        by: None,
        leaked: false,
        asked: None,
    });
    world.due.clear();
    world.tell(Event::Start);
    world.settle();
    assert!(!world.instances[&old].1, "nobody asks for it any more");
    assert_eq!(phase(&world, 0), Phase::Quarantined);
}

#[test]
fn a_replacement_that_finds_no_room_tries_again_after_a_restart_too() {
    let mut world = live(2);
    kill(&mut world, 0);
    while phase(&world, 0) != Phase::Resting {
        world.once(Luck::Good);
    }
    world.machine.fleets[0].raised = false;
    world.due.clear();
    world.tell(Event::Start);
    for _ in 0..20 {
        world.launch_first(Luck::Capacity);
    }
    assert!(!world.machine.node(&web(0)).unwrap().is_given_up());
    world.settle();
    assert_eq!(phase(&world, 0), Phase::Live);
}

#[test]
fn a_clock_that_is_set_back_ends_no_rest_too_late() {
    for back in [Duration::from_secs(5), Duration::from_secs(24 * 3600)] {
        let mut world = live(1);
        world.now += Duration::from_secs(48 * 3600);
        kill(&mut world, 0);
        while phase(&world, 0) != Phase::Resting {
            world.once(Luck::Good);
        }
        world.now -= back;
        world.settle();
        assert_eq!(phase(&world, 0), Phase::Live, "{back:?}");
        let rested = world.machine.node(&web(0)).unwrap().generation;
        assert_eq!(rested, Generation(2));
    }
}

#[test]
fn nobody_is_customized_again_during_a_pause() {
    let mut web = plan("web", 2, 2, &[]);
    (web.customizes, web.revision) = (true, "one".to_owned());
    let mut world = World::new(vec![web]);
    world.settle();
    world.tell(Event::Paused(true));
    world.machine.revise(&name("web"), "two".to_owned());
    let outcome = world.tell(Event::Holds(Default::default()));
    assert_eq!(outcome.actions, []);
    let outcome = world.tell(Event::Paused(false));
    assert!(matches!(outcome.actions[..], [Action::Customize { .. }]), "{outcome:?}");
}
