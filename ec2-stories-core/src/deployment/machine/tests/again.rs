//! What must come to an end all the same: after a restart, after a clock that was set, after an order that was taken back.

use std::time::Duration;

use super::super::{Event, Outgoing, Phase};
use super::web::{instance, kill, phase, plain, scale, until, web};
use super::world::Luck;
use crate::model::Generation;

#[test]
fn a_slot_that_comes_back_begins_with_a_generation_that_it_never_had() {
    let mut world = plain(1, |_| {});
    for nodes in [2, 1] {
        scale(&mut world, nodes);
        world.settle();
    }
    let before = world.now;
    scale(&mut world, 2);
    world.settle();
    let node = world.machine.node(&web(1)).unwrap();
    assert_eq!((node.phase, node.generation), (Phase::Live, Generation(2)));
    assert_eq!((node.losses.len(), world.now), (0, before), "its first launch is no loss");
}

#[test]
fn what_was_to_go_beside_a_node_in_quarantine_goes_after_a_restart() {
    let mut world = plain(2, |_| {});
    kill(&mut world, 1);
    let old = instance(&world, 0);
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
    let mut world = plain(2, |_| {});
    kill(&mut world, 0);
    until(&mut world, 0, Phase::Resting);
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
        let mut world = plain(1, |_| {});
        world.now += Duration::from_secs(48 * 3600);
        kill(&mut world, 0);
        until(&mut world, 0, Phase::Resting);
        world.now -= back;
        world.settle();
        assert_eq!(phase(&world, 0), Phase::Live, "{back:?}");
        let rested = world.machine.node(&web(0)).unwrap().generation;
        assert_eq!(rested, Generation(2));
    }
}
