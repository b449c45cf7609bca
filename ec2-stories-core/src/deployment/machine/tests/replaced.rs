//! What becomes of nodes that die, and of nodes that are to leave.

use std::time::Duration;

use jiff::Timestamp;

use super::super::{Action, Closing, Event, Failure, FleetPlan, Phase};
use super::world::{Luck, World, failure, name, plan};
use crate::model::{BackOff, InstanceId, NodeAddress, Replace, Share};
use crate::{ErrorKind, Status};

fn web(slot: u32) -> NodeAddress {
    NodeAddress::new(name("web"), slot)
}

fn dead() -> Failure {
    failure(ErrorKind::Failed, Status::Permanent)
}

/// Web nodes that live, customized and registered.
fn live(change: impl FnOnce(&mut FleetPlan)) -> World {
    let mut web = FleetPlan { customizes: true, registers: true, ..plan("web", 3, 3, &[]) };
    change(&mut web);
    let mut world = World::new(vec![web]);
    world.settle();
    assert!(world.machine.is_ready());
    world
}

fn instance(world: &World, slot: u32) -> InstanceId {
    world.machine.node(&web(slot)).unwrap().instance.clone().unwrap()
}

fn phase(world: &World, slot: u32) -> Phase {
    world.machine.node(&web(slot)).unwrap().phase
}

fn generation(world: &World, slot: u32) -> u32 {
    world.machine.node(&web(slot)).unwrap().generation.0
}

fn kill(world: &mut World, slot: u32) {
    let instance = instance(world, slot);
    world.tell(Event::Dead { node: web(slot), instance, failure: dead() });
}

fn leave(world: &mut World, slot: u32, by: Option<Timestamp>) {
    let instance = instance(world, slot);
    world.tell(Event::Leaving { node: web(slot), instance, failure: dead(), by });
}

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
        let before = super::replaced::instance(&world, 1);
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
        assert_eq!(super::replaced::instance(&world, 1), before);
        assert_eq!(world.machine.node(&web(1)).unwrap().leaving, None);
    }
    assert_eq!(world.instances.len(), 3);
}

#[test]
fn with_launch_first_the_next_lives_before_the_old_one_goes() {
    for healthy in [true, false] {
        let mut world = live(|plan| plan.health.replace = Replace::LaunchFirst);
        let before = instance(&world, 1);
        if healthy {
            leave(&mut world, 1, None);
        } else {
            kill(&mut world, 1);
        }
        while generation(&world, 1) == 1 || phase(&world, 1) != Phase::Live {
            world.once(Luck::Good);
            assert!(world.instances[&before].1, "it lives until the next does");
            assert!(world.living().filter(|node| **node == web(1)).count() <= 2);
        }
        assert!(world.registered.contains_key(&web(1)));
        world.settle();
        assert!(!world.instances[&before].1);
        assert_eq!((world.living().count(), generation(&world, 1)), (3, 2));
        assert_eq!(world.machine.node(&web(1)).unwrap().outgoing, None);
    }
}

#[test]
fn a_lost_reply_of_a_launch_beside_makes_no_third_instance() {
    for luck in [Luck::LostAfter, Luck::LostBefore, Luck::Throttled, Luck::Capacity] {
        let mut world = live(|plan| plan.health.replace = Replace::LaunchFirst);
        leave(&mut world, 1, None);
        world.launch_first(luck);
        while !world.due.is_empty() {
            world.once(Luck::Good);
            assert!(world.living().filter(|node| **node == web(1)).count() <= 2, "{luck:?}");
        }
        assert_eq!((world.living().count(), phase(&world, 1)), (3, Phase::Live), "{luck:?}");
    }
}

#[test]
fn an_end_in_the_middle_takes_both_down() {
    let mut world = live(|plan| plan.health.replace = Replace::LaunchFirst);
    leave(&mut world, 1, None);
    while generation(&world, 1) == 1 {
        world.once(Luck::Good);
    }
    assert_eq!(world.living().count(), 4);
    world.tell(Event::Terminate { cause: None });
    world.settle();
    assert_eq!(world.living().count(), 0);
    assert!(world.registered.is_empty());
}

#[test]
fn an_end_while_the_next_one_goes_again_takes_the_old_one_down_too() {
    for refused in [None, Some(0), Some(1)] {
        let mut world = live(|plan| plan.health.replace = Replace::LaunchFirst);
        let before = instance(&world, 1);
        leave(&mut world, 1, None);
        while phase(&world, 1) != Phase::Pending {
            world.once(Luck::Good);
        }
        world.once(Luck::Permanent);
        assert_eq!(phase(&world, 1), Phase::Terminating);
        world.tell(Event::Terminate { cause: None });
        while !world.due.is_empty() {
            let (action, batch) = world.due.remove(0);
            let mut events = world.perform(&action, batch.as_ref(), Luck::Good);
            for event in &mut events {
                if let Event::Gone { node, instance } = event.clone()
                    && node == web(1)
                    && refused == Some(usize::from(instance == before))
                {
                    *event = Event::NotGone { node, instance, failure: dead() };
                }
            }
            for event in events {
                world.tell(event);
            }
        }
        assert_eq!(world.machine.closing, Closing::Done, "{refused:?}");
        assert_eq!(world.living().count(), 0, "{refused:?}");
    }
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
        let scale = |wanted| Event::Scale { fleet: name("web"), wanted, at_least: wanted };
        world.tell(scale(0));
        while phase(&world, 1) != at {
            world.once(Luck::Good);
        }
        world.tell(scale(3));
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

#[test]
fn those_that_come_after_a_replaced_node_are_customized_again_a_few_at_a_time() {
    let after = FleetPlan { customizes: true, ..plan("web", 5, 5, &["db"]) };
    let mut world = World::new(vec![plan("db", 1, 1, &[]), after]);
    world.settle();
    let db = NodeAddress::new(name("db"), 0);
    let instance = world.machine.node(&db).unwrap().instance.clone().unwrap();
    world.tell(Event::Dead { node: db, instance, failure: dead() });
    let mut customized = 0;
    while !world.due.is_empty() {
        customized += usize::from(matches!(world.due[0].0, Action::Customize { .. }));
        world.once(Luck::Good);
        let busy = world.machine.nodes().filter(|(_, node)| node.phase == Phase::Customizing).count();
        assert!(busy <= 1, "10% of five is one");
    }
    assert_eq!(customized, 5);
    assert!(world.machine.is_ready());
    assert_eq!(world.instances.len(), 7, "none of them was replaced");
}

#[test]
fn nodes_of_another_revision_are_customized_again_and_a_failure_halts_that() {
    for fails in [false, true] {
        let mut world = live(|plan| {
            plan.revision = "one".to_owned();
            plan.health.max_in_flight = Share::Nodes(2);
        });
        world.machine.revise(&name("web"), "two".to_owned());
        assert_eq!(world.machine.differing(&name("web")).count(), 3);
        assert!(!world.machine.is_ready());
        world.tell(Event::Start);
        while !world.due.iter().any(|(action, _)| matches!(action, Action::Customize { .. })) {
            world.once(Luck::Good);
        }
        if fails {
            let at = world.due.iter().position(|(action, _)| matches!(action, Action::Customize { .. }));
            let due = world.due.remove(at.unwrap());
            world.due.insert(0, due);
            world.once(Luck::Permanent);
        }
        world.settle();
        let at_two = world.machine.nodes().filter(|(_, node)| node.revision == "two").count();
        let failed = world.machine.nodes().filter(|(_, node)| node.phase == Phase::Failed).count();
        assert_eq!(failed, usize::from(fails));
        assert_eq!((at_two == 3, world.machine.is_ready()), (!fails, !fails));
        assert!(fails || world.machine.differing(&name("web")).count() == 0);
    }
}

#[test]
fn with_launch_first_the_steps_of_a_healthy_one_are_taken_back_and_not_those_of_its_successor() {
    for healthy in [true, false] {
        let mut world = live(|plan| plan.health.replace = Replace::LaunchFirst);
        let before = instance(&world, 1);
        if healthy {
            leave(&mut world, 1, None);
        } else {
            kill(&mut world, 1);
        }
        let mut undone = Vec::new();
        while !world.due.is_empty() {
            if let Action::Undo { node, instance } = &world.due[0].0 {
                assert_eq!((node, phase(&world, 1)), (&web(1), Phase::Live));
                undone.push(instance.clone());
            }
            world.once(Luck::Good);
        }
        assert_eq!(undone, if healthy { vec![before] } else { Vec::new() });
        assert!(world.machine.node(&web(1)).unwrap().touched);
    }
}
