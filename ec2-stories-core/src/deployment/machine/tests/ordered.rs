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

/// How many nodes are out of service.
fn out(world: &World) -> usize {
    world.machine.nodes().filter(|(_, node)| node.phase != Phase::Live).count()
}

#[test]
fn an_order_for_one_node_goes_at_once_and_others_wait_for_the_budget() {
    let mut world = live(|plan| (plan.wanted, plan.at_least) = (6, 6));
    kill(&mut world, 0);
    for slot in 1..5 {
        world.tell(Event::Renew { node: web(slot), failure: dead() });
    }
    assert_eq!((out(&world), phase(&world, 1)), (2, Phase::Deregistering), "the first goes beside a death");
    // One that is dead waits for nobody.
    kill(&mut world, 5);
    let mut most = 0;
    while !world.due.is_empty() {
        world.once(Luck::Good);
        if phase(&world, 5) == Phase::Live && phase(&world, 0) == Phase::Live {
            most = most.max(out(&world));
        }
    }
    assert_eq!(most, 1);
    assert_eq!((0..6).map(|slot| generation(&world, slot)).collect::<Vec<_>>(), [2; 6]);
    assert!(world.machine.is_ready());
}

#[test]
fn an_order_that_waits_is_no_more_once_its_node_goes_otherwise() {
    let mut world = live(|_| {});
    for slot in 0..3 {
        world.tell(Event::Renew { node: web(slot), failure: dead() });
    }
    kill(&mut world, 1);
    world.tell(Event::Quarantine { node: web(2), failure: dead() });
    world.settle();
    let seen = |slot| (phase(&world, slot), generation(&world, slot));
    assert_eq!([seen(0), seen(1), seen(2)], [(Phase::Live, 2), (Phase::Live, 2), (Phase::Quarantined, 1)]);
}

#[test]
fn orders_wait_for_the_end_of_a_pause() {
    let mut world = live(|_| {});
    world.tell(Event::Paused(true));
    for slot in 0..3 {
        world.tell(Event::Renew { node: web(slot), failure: dead() });
    }
    assert_eq!((out(&world), world.due.len()), (0, 0));
    world.tell(Event::Paused(false));
    let mut most = 0;
    while !world.due.is_empty() {
        most = most.max(out(&world));
        world.once(Luck::Good);
    }
    assert_eq!((most, world.machine.is_ready()), (1, true));
    assert_eq!((0..3).map(|slot| generation(&world, slot)).collect::<Vec<_>>(), [2; 3]);
}
