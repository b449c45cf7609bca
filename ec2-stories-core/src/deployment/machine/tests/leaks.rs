//! What could not be done is tried again: to terminate, to launch where there was no room, to register what was held.

use super::super::{Action, Event, Outgoing, Phase};
use super::web::{instance, kill, live, phase, scale, until, web};
use super::world::{Luck, World, failure, plan};
use crate::model::{Generation, Replace};
use crate::{ErrorKind, Status};

fn delay(world: &World) -> u64 {
    let [(Action::Delay { by, .. }, _)] = &world.due[..] else { panic!("{:?}", world.due) };
    by.as_secs()
}

#[test]
fn what_is_not_terminated_is_tried_again_and_the_slot_waits_for_it() {
    let mut world = live(|_| {});
    let old = instance(&world, 1);
    kill(&mut world, 1);
    until(&mut world, 1, Phase::Terminating);
    let mut delays = Vec::new();
    for _ in 0..7 {
        world.once(Luck::Throttled);
        assert_eq!(phase(&world, 1), Phase::Failed);
        delays.push(delay(&world));
        world.once(Luck::Good);
        assert_eq!(phase(&world, 1), Phase::Terminating);
    }
    assert_eq!(delays, [60, 120, 240, 480, 900, 900, 900]);
    assert_eq!((world.launch_calls, world.instances[&old].1), (1, true));
    world.settle();
    let node = world.machine.node(&web(1)).unwrap();
    assert_eq!((node.phase, node.generation, node.refused), (Phase::Live, Generation(2), 0));
    assert_eq!(world.living().count(), 3);
}

#[test]
fn one_that_never_ran_is_tried_again_too() {
    let mut world = World::new(vec![plan("web", 1, 1, &[])]);
    world.once(Luck::Good);
    world.once(Luck::Good);
    world.once(Luck::Permanent);
    world.once(Luck::Throttled);
    assert_eq!((phase(&world, 0), delay(&world)), (Phase::Failed, 60));
    world.settle();
    assert_eq!((phase(&world, 0), world.launch_calls), (Phase::Live, 2));
}

#[test]
fn who_wants_it_replaced_need_not_wait_and_a_quarantine_stays_one() {
    for quarantine in [true, false] {
        let mut world = live(|_| {});
        let failure = failure(ErrorKind::Canceled, Status::Permanent);
        world.tell(Event::Quarantine { node: web(1), failure: failure.clone() });
        until(&mut world, 1, Phase::Terminating);
        world.once(Luck::Throttled);
        if !quarantine {
            world.tell(Event::Renew { node: web(1), failure });
            assert_eq!(phase(&world, 1), Phase::Terminating);
        }
        world.settle();
        assert_eq!(phase(&world, 1), if quarantine { Phase::Quarantined } else { Phase::Live });
        assert_eq!(world.living().count(), if quarantine { 2 } else { 3 });
    }
}

#[test]
fn what_a_launch_beside_replaced_is_tried_again() {
    let mut world = live(|plan| plan.health.replace = Replace::LaunchFirst);
    let old = instance(&world, 1);
    kill(&mut world, 1);
    while !matches!(world.due.first(), Some((Action::Replace { .. }, _))) {
        world.once(Luck::Good);
    }
    world.once(Luck::Throttled);
    assert!(matches!(world.machine.node(&web(1)).unwrap().outgoing, Some(Outgoing { leaked: true, .. })));
    world.settle();
    assert!(!world.instances[&old].1);
    assert_eq!(world.machine.node(&web(1)).unwrap().outgoing, None);
}

#[test]
fn a_restart_goes_on_with_what_could_not_be_terminated() {
    let mut world = live(|_| {});
    kill(&mut world, 1);
    until(&mut world, 1, Phase::Terminating);
    world.once(Luck::Throttled);
    world.due.clear();
    world.tell(Event::Start);
    world.settle();
    assert_eq!((phase(&world, 1), world.living().count()), (Phase::Live, 3));
}

#[test]
fn a_fleet_that_grows_waits_for_room_across_a_restart() {
    let mut world = live(|_| {});
    scale(&mut world, 4);
    for _ in 0..2 {
        world.launch_first(Luck::Capacity);
    }
    assert_eq!((phase(&world, 3), delay(&world)), (Phase::Resting, 180));
    assert_eq!(world.machine.failure(), None);
    // As it is recovered from a journal.
    world.due.clear();
    world.machine.fleets[0].raised = false;
    world.tell(Event::Start);
    while phase(&world, 3) != Phase::Launching {
        world.once(Luck::Good);
    }
    for _ in 0..2 {
        world.launch_first(Luck::Capacity);
    }
    assert_eq!(phase(&world, 3), Phase::Resting);
    world.settle();
    assert_eq!((phase(&world, 3), world.living().count()), (Phase::Live, 4));
}

/// A node that died, and was held at the last moment.
fn withdrawn() -> World {
    let mut world = live(|_| {});
    kill(&mut world, 1);
    until(&mut world, 1, Phase::Terminating);
    let Some((Action::Replace { node, instance }, _)) = world.due.pop() else { panic!("{:?}", world.due) };
    let failure = failure(ErrorKind::Canceled, Status::Permanent);
    world.tell(Event::Held { node, instance, failure, lives: false });
    world.settle();
    assert_eq!(phase(&world, 1), Phase::Live);
    world
}

#[test]
fn one_that_is_dead_and_held_is_not_registered_until_it_lives() {
    let mut world = withdrawn();
    assert!(!world.registered.contains_key(&web(1)));
    let instance = instance(&world, 1);
    world.tell(Event::Lives { node: web(1), instance });
    world.settle();
    assert!(world.registered.contains_key(&web(1)));
    assert_eq!(phase(&world, 1), Phase::Live);
}

#[test]
fn one_that_is_dead_still_goes_when_it_is_held_no_more() {
    let mut world = withdrawn();
    kill(&mut world, 1);
    assert_eq!(phase(&world, 1), Phase::Terminating, "there is nothing to deregister");
    world.settle();
    assert!(world.registered.contains_key(&web(1)));
    assert_eq!(world.machine.node(&web(1)).unwrap().generation, Generation(2));
}
