//! What operators want of nodes.

use super::super::{Event, Phase};
use super::web::{dead, generation, instance, kill, live, phase, scale, until, web};
use super::world::{Luck, World, plan};

#[test]
fn an_order_to_replace_begins_anew_what_was_given_up() {
    let mut world = live(|_| {});
    world.tell(Event::Quarantine { node: web(0), failure: dead() });
    world.settle();
    assert_eq!((phase(&world, 0), world.living().count()), (Phase::Quarantined, 2));
    kill_twice_is_nothing(&mut world);
    world.tell(Event::Renew { node: web(0), failure: dead() });
    world.settle();
    assert_eq!((phase(&world, 0), generation(&world, 0)), (Phase::Live, 2));
    world.tell(Event::Renew { node: web(0), failure: dead() });
    world.settle();
    assert_eq!((phase(&world, 0), generation(&world, 0)), (Phase::Live, 3));
}

fn kill_twice_is_nothing(world: &mut World) {
    let outcome = world.tell(Event::Dead { node: web(0), instance: "i-0".into(), failure: dead() });
    assert!(outcome.actions.is_empty(), "{outcome:?}");
}

#[test]
fn what_an_order_puts_into_quarantine_is_no_failure_of_its_fleet() {
    let mut world = live(|_| {});
    for slot in 0..2 {
        world.tell(Event::Quarantine { node: web(slot), failure: dead() });
        world.settle();
        assert_eq!(phase(&world, slot), Phase::Quarantined);
        assert_eq!((world.machine.failure(), world.machine.is_ready()), (None, true));
    }
    while phase(&world, 2) != Phase::Quarantined {
        kill(&mut world, 2);
        world.settle();
    }
    assert!(world.machine.failure().unwrap().message.contains("instances lost"));
    assert!(!world.machine.is_ready());
}

#[test]
fn one_that_is_released_on_its_way_to_quarantine_is_replaced() {
    for at in [Phase::Deregistering, Phase::Draining, Phase::Undoing, Phase::Terminating] {
        let mut world = live(|_| {});
        world.tell(Event::Quarantine { node: web(1), failure: dead() });
        while phase(&world, 1) != at {
            world.once(Luck::Good);
        }
        world.tell(Event::Release { node: web(1) });
        world.settle();
        assert_eq!((phase(&world, 1), generation(&world, 1)), (Phase::Live, 2), "{at}");
    }
    let mut world = World::new(vec![plan("web", 1, 1, &[])]);
    world.once(Luck::Good);
    world.tell(Event::Quarantine { node: web(0), failure: dead() });
    world.tell(Event::Release { node: web(0) });
    world.settle();
    assert_eq!((phase(&world, 0), generation(&world, 0)), (Phase::Live, 1), "nothing was begun");
}

#[test]
fn what_is_wanted_again_before_it_is_undone_stays() {
    for (at, kept) in [
        (Phase::Deregistering, true),
        (Phase::Draining, true),
        (Phase::Undoing, false),
        (Phase::Terminating, false),
    ] {
        let mut world = live(|_| {});
        let before = instance(&world, 1);
        scale(&mut world, 0);
        until(&mut world, 1, at);
        scale(&mut world, 3);
        world.settle();
        assert_eq!(phase(&world, 1), Phase::Live, "{at}");
        assert_eq!(instance(&world, 1) == before, kept, "{at}");
        assert!(world.registered.contains_key(&web(1)), "{at}");
        assert_eq!(world.living().count(), 3, "{at}");
    }
}

#[test]
fn a_quarantine_waits_for_a_launch_that_is_under_way() {
    let mut world = World::new(vec![plan("web", 1, 1, &[])]);
    world.once(Luck::Good);
    world.tell(Event::Quarantine { node: web(0), failure: dead() });
    world.settle();
    assert_eq!((phase(&world, 0), world.living().count()), (Phase::Quarantined, 0));
}
