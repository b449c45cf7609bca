//! Launches that are refused for good.

use super::super::{Event, Machine, Phase, Preparation};
use super::web::{dead, generation, kill, phase, plain, scale, web};
use super::world::{Luck, World, failure, name};
use crate::model::NodeAddress;
use crate::{ErrorKind, Status};

/// Performs what is due until nothing is; every launch is refused, for good.
fn refuse(world: &mut World) {
    for _ in 0..100 {
        if world.due.is_empty() {
            return;
        }
        world.launch_first(Luck::Permanent);
    }
    panic!("it is tried again and again: {:?}", world.due);
}

fn given_up(machine: &Machine) -> Vec<NodeAddress> {
    machine.nodes().filter(|(_, node)| node.is_given_up()).map(|(address, _)| address).collect()
}

#[test]
fn a_fleet_that_may_not_grow_says_so_and_does_not_try_again_unasked() {
    let mut world = plain(2, |_| {});
    scale(&mut world, 4);
    refuse(&mut world);
    assert_eq!(given_up(&world.machine), [web(2), web(3)]);
    assert_eq!(world.machine.failure().unwrap().kind, ErrorKind::Forbidden);
    assert!(!world.machine.is_ready());
    let calls = world.launch_calls;
    world.tell(Event::Holds(Default::default()));
    kill(&mut world, 0);
    world.settle();
    assert_eq!((phase(&world, 0), phase(&world, 2)), (Phase::Live, Phase::Failed));
    assert_eq!(world.launch_calls, calls + 1, "what it has lost it may launch");

    scale(&mut world, 3);
    world.settle();
    assert_eq!((phase(&world, 2), world.machine.is_ready()), (Phase::Live, true), "another order");
    scale(&mut world, 4);
    refuse(&mut world);
    world.tell(Event::Renew { node: web(3), failure: dead() });
    world.settle();
    assert!(world.machine.is_ready() && world.machine.failure().is_none());
}

#[test]
fn what_a_fleet_has_lost_is_asked_for_again_whatever_the_cloud_answers() {
    let mut world = plain(2, |_| {});
    kill(&mut world, 0);
    for _ in 0..20 {
        world.launch_first(Luck::Permanent);
    }
    assert_eq!(given_up(&world.machine), []);
    world.settle();
    assert_eq!((phase(&world, 0), generation(&world, 0)), (Phase::Live, 2));
}

#[test]
fn a_fleet_that_cannot_be_prepared_grows_no_more_until_it_is_asked_to() {
    let mut world = plain(2, |_| {});
    world.machine.fleets[0].preparation = Preparation::Asked;
    scale(&mut world, 3);
    let failure = failure(ErrorKind::Forbidden, Status::Permanent);
    world.tell(Event::PrepareFailed { fleet: name("web"), failure });
    refuse(&mut world);
    assert_eq!(given_up(&world.machine), [web(2)]);
    scale(&mut world, 4);
    world.settle();
    assert!(world.machine.is_ready());
}
