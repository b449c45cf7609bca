//! Nodes that ended while nobody watched them, and wait for the monitor's leave.

use super::super::{Admission, Event, Phase};
use super::web::{dead, generation, instance, kill, live, phase, scale, until, web};
use super::world::{Luck, World};

/// The monitor was asked about the node, and has said nothing.
fn asked(world: &mut World, slot: u32) {
    world.machine.fleets[0].nodes.get_mut(&slot).unwrap().admission = Admission::Asked;
}

/// A node whose instance was found not to run, and that is being terminated while the monitor is asked.
fn stopped() -> World {
    let mut world = live(|_| {});
    let (instance, now) = (instance(&world, 1), world.now);
    let node = world.machine.fleets[0].nodes.get_mut(&1).unwrap();
    (node.adopted, node.phase) = (Some(now), Phase::Pending);
    node.registrations.clear();
    world.tell(Event::NotRan { node: web(1), instance, failure: dead() });
    asked(&mut world, 1);
    assert_eq!(phase(&world, 1), Phase::Terminating);
    world
}

#[test]
fn one_that_runs_after_all_is_replaced_when_it_dies() {
    let mut world = stopped();
    // Somebody holds it, and starts it.
    world.once(Luck::Permanent);
    assert_eq!(phase(&world, 1), Phase::Pending);
    world.settle();
    assert_eq!((phase(&world, 1), generation(&world, 1)), (Phase::Live, 1));
    assert_eq!(world.machine.node(&web(1)).unwrap().admission, Admission::Given, "what was asked is void");
    kill(&mut world, 1);
    world.settle();
    assert_eq!((phase(&world, 1), generation(&world, 1)), (Phase::Live, 2));
}

#[test]
fn one_that_cannot_be_terminated_waits_no_more_for_a_monitor_that_has_forgotten_it() {
    let mut world = stopped();
    world.once(Luck::Throttled);
    assert_eq!(phase(&world, 1), Phase::Failed);
    world.settle();
    assert_eq!((phase(&world, 1), generation(&world, 1)), (Phase::Live, 2));
}

#[test]
fn one_that_is_wanted_again_while_it_is_taken_out_comes_back() {
    for admission in [Admission::Asked, Admission::Given] {
        let mut world = live(|_| {});
        let gone = instance(&world, 1);
        world.instances.get_mut(&gone).unwrap().1 = false;
        world.machine.recover_ended(&web(1));
        world.machine.fleets[0].nodes.get_mut(&1).unwrap().admission = admission;
        scale(&mut world, 1);
        until(&mut world, 1, Phase::Deregistering);
        scale(&mut world, 3);
        world.settle();
        assert_eq!((phase(&world, 1), generation(&world, 1)), (Phase::Live, 2), "{admission:?}");
        assert!(world.registered.contains_key(&web(1)) && world.machine.is_ready());
    }
}
