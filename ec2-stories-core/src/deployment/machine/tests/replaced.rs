//! What becomes of nodes that die, and of nodes that are to leave.

use std::time::Duration;

use super::super::{Action, Event, FleetPlan, Phase};
use super::web::{dead, generation, instance, kill, leave, live, phase, web};
use super::world::{Luck, World, plan};
use crate::model::{BackOff, Replace};

/// The phases that a node goes through until nothing is due.
fn way(world: &mut World, slot: u32) -> Vec<Phase> {
    let mut way = vec![phase(world, slot)];
    while !world.due.is_empty() {
        world.once(Luck::Good);
        if *way.last().unwrap() != phase(world, slot) {
            way.push(phase(world, slot));
        }
    }
    way
}

const AND_UP: [Phase; 5] =
    [Phase::Launching, Phase::Pending, Phase::Customizing, Phase::Registering, Phase::Live];

#[test]
fn a_dead_node_is_neither_drained_nor_undone() {
    let mut world = live(|_| {});
    let before = instance(&world, 1);
    kill(&mut world, 1);
    let down = [Phase::Deregistering, Phase::Terminating, Phase::Resting];
    assert_eq!(way(&mut world, 1), [&down[..], &AND_UP[..]].concat());
    assert!(!world.instances[&before].1);
    assert_eq!((generation(&world, 1), generation(&world, 0)), (2, 1));
    assert_eq!(world.living().count(), 3);
}

#[test]
fn a_healthy_one_is_deregistered_drained_and_undone_before() {
    let mut world = live(|_| {});
    leave(&mut world, 1, None);
    let down = [Phase::Deregistering, Phase::Draining, Phase::Undoing, Phase::Terminating];
    assert_eq!(way(&mut world, 1), [&down[..], &AND_UP[..]].concat(), "and does not rest");
    assert!(world.machine.node(&web(1)).unwrap().losses.is_empty());
}

#[test]
fn what_leaves_is_drained_no_longer_than_it_has() {
    let mut world = live(|_| {});
    let by = world.now + Duration::from_secs(12);
    leave(&mut world, 1, Some(by));
    world.once(Luck::Good);
    let [(Action::Delay { by: drained, .. }, _)] = &world.due[..] else { panic!("{:?}", world.due) };
    assert_eq!(*drained, Duration::from_secs(12));
    world.once(Luck::Good);
    assert_eq!(phase(&world, 1), Phase::Terminating, "no time is left to undo anything");
}

#[test]
fn one_that_dies_while_it_is_drained_is_drained_no_more() {
    let mut world = live(|_| {});
    leave(&mut world, 1, None);
    world.once(Luck::Good);
    assert_eq!(phase(&world, 1), Phase::Draining);
    kill(&mut world, 1);
    assert_eq!(phase(&world, 1), Phase::Terminating);
    world.settle();
    assert_eq!((phase(&world, 1), generation(&world, 1)), (Phase::Live, 2));
}

#[test]
fn a_slot_rests_twice_as_long_each_time_and_is_given_up_the_fifth_time_within_an_hour() {
    let mut world = live(|_| {});
    let mut rests = Vec::new();
    while phase(&world, 0) != Phase::Quarantined {
        kill(&mut world, 0);
        while !world.due.is_empty() {
            if let Action::Delay { by, .. } = world.due[0].0 {
                rests.push(by.as_secs());
            }
            world.once(Luck::Good);
        }
    }
    assert_eq!(rests, [30, 60, 120, 240]);
    assert_eq!(world.instances.len(), 3 + 4);
    assert_eq!(world.living().count(), 2, "it has no instance");
    assert!(world.machine.failure().is_some());
    world.tell(Event::Release { node: web(0) });
    world.settle();
    assert_eq!(phase(&world, 0), Phase::Live);
    assert_eq!(world.machine.node(&web(0)).unwrap().losses, []);
}

#[test]
fn losses_are_forgotten_once_it_was_healthy_for_long_enough() {
    let back_off = BackOff { forgotten_after: Duration::from_secs(600), ..BackOff::default() };
    let mut world = live(|plan| plan.health.back_off = back_off);
    for healthy in [0, 599, 600] {
        world.now += Duration::from_secs(healthy);
        kill(&mut world, 0);
        let before = world.now;
        world.settle();
        let rested = world.now.duration_since(before).as_secs();
        assert_eq!(rested, if healthy == 599 { 60 } else { 30 }, "after {healthy} s");
    }
}

#[test]
fn a_restart_goes_on_with_the_rest() {
    let mut world = live(|_| {});
    kill(&mut world, 0);
    while phase(&world, 0) != Phase::Resting {
        world.once(Luck::Good);
    }
    world.due.clear();
    world.now += Duration::from_secs(10);
    let outcome = world.tell(Event::Start);
    let left = outcome.actions.iter().find_map(|action| match action {
        Action::Delay { by, .. } => Some(by.as_secs()),
        _ => None,
    });
    assert_eq!(left, Some(20));
}

#[test]
fn what_dies_on_its_way_up_is_replaced_too() {
    for at in [Phase::Customizing, Phase::Registering] {
        let mut world =
            World::new(vec![FleetPlan { customizes: true, registers: true, ..plan("web", 1, 1, &[]) }]);
        while phase(&world, 0) != at {
            world.once(Luck::Good);
        }
        kill(&mut world, 0);
        world.settle();
        assert_eq!((phase(&world, 0), generation(&world, 0)), (Phase::Live, 2), "{at}");
        assert_eq!(world.living().count(), 1);
        assert_eq!(
            world.machine.node(&web(0)).unwrap().registrations[0].value,
            instance(&world, 0).to_string()
        );
    }
}

#[test]
fn a_held_node_goes_back_as_far_as_something_was_taken_from_it() {
    let mut world = live(|_| {});
    for (healthy, up) in [(false, &AND_UP[3..]), (true, &AND_UP[2..])] {
        let before = super::web::instance(&world, 1);
        if healthy {
            leave(&mut world, 1, None);
        } else {
            kill(&mut world, 1);
        }
        while phase(&world, 1) != Phase::Terminating {
            world.once(Luck::Good);
        }
        let Some((Action::Replace { node, instance }, _)) = world.due.pop() else {
            panic!("{:?}", world.due)
        };
        world.tell(Event::Held { node, instance, failure: dead(), lives: true });
        assert_eq!(way(&mut world, 1), up, "healthy: {healthy}");
        assert_eq!(super::web::instance(&world, 1), before);
        assert_eq!(world.machine.node(&web(1)).unwrap().leaving, None);
    }
    assert_eq!(world.instances.len(), 3);
}

#[test]
fn never_leaves_it_and_says_so() {
    let mut world = live(|plan| plan.health.replace = Replace::Never);
    let instance = instance(&world, 0);
    let outcome = world.tell(Event::Dead { node: web(0), instance, failure: dead() });
    assert_eq!((outcome.actions.len(), outcome.problems.len()), (0, 1));
    assert_eq!(phase(&world, 0), Phase::Live);
}

#[test]
fn a_replacement_that_finds_no_room_tries_again_for_as_long_as_it_takes() {
    let mut world = live(|_| {});
    kill(&mut world, 0);
    for _ in 0..20 {
        world.launch_first(Luck::Capacity);
    }
    assert!(!world.machine.node(&web(0)).unwrap().is_given_up());
    world.settle();
    assert_eq!(phase(&world, 0), Phase::Live);
}

#[test]
fn replacements_are_launched_fifty_at_once_and_then_one_a_second() {
    let mut world = World::new(vec![plan("web", 60, 60, &[])]);
    world.settle();
    for slot in 0..60 {
        kill(&mut world, slot);
    }
    let launched = |world: &World| {
        world.machine.nodes().filter(|(_, node)| node.next.0.0 > 2 || node.phase == Phase::Launching).count()
    };
    while !world.due.iter().any(|(action, _)| matches!(action, Action::Launch { .. })) {
        world.once(Luck::Good);
    }
    assert_eq!(launched(&world), 50);
    let batches = world.launch_calls;
    world.settle();
    assert!(world.machine.is_ready());
    assert_eq!(world.launch_calls - batches, 2, "and the rest later");
}
