//! The single decisions.

use std::time::Duration;

use super::super::{Action, Aim, Closing, Event, Phase, Timer};
use super::world::{Luck, World, failure, name, plan};
use crate::model::NodeAddress;
use crate::{ErrorKind, Status};

fn phases(world: &World) -> Vec<Phase> {
    world.machine.nodes().map(|(_, node)| node.phase).collect()
}

fn launches(world: &World) -> Vec<&super::super::Batch> {
    let launch =
        |(action, batch): &'_ (Action, _)| matches!(action, Action::Launch { .. }) && Option::is_some(batch);
    world.due.iter().filter(|due| launch(due)).filter_map(|(_, batch)| batch.as_ref()).collect()
}

/// A fleet of three that is prepared, its launch due.
fn three() -> World {
    let mut world = World::new(vec![plan("web", 3, 3, &[])]);
    world.once(Luck::Good);
    world
}

#[test]
fn a_fleet_is_one_batch_under_one_token_of_64_characters() {
    let world = three();
    let [(Action::Launch { token, .. }, Some(batch))] = &world.due[..] else { panic!("{:?}", world.due) };
    assert_eq!(batch.slots.len(), 3);
    assert_eq!(token.as_str().len(), 64);
}

#[test]
fn a_throttled_launch_is_repeated_under_its_token_after_a_while() {
    let mut world = three();
    let token = world.machine.batches.keys().next().unwrap().clone();
    world.once(Luck::Throttled);
    let [(Action::Delay { timer: Timer::Launch(delayed), by }, _)] = &world.due[..] else {
        panic!("{:?}", world.due)
    };
    assert_eq!((delayed, *by), (&token, Duration::from_secs(2)));
    world.once(Luck::Good);
    assert!(matches!(&world.due[..], [(Action::Launch { token: again, .. }, _)] if *again == token));
}

#[test]
fn a_lost_reply_is_replayed_in_the_same_place_and_launches_nothing_more() {
    let mut world = three();
    let place = launches(&world)[0].place.clone();
    world.once(Luck::LostAfter);
    world.once(Luck::Good);
    assert_eq!(launches(&world)[0].place, place);
    world.settle();
    assert_eq!(world.instances.len(), 3);
    assert!(world.machine.is_ready());
}

#[test]
fn only_a_definitive_capacity_answer_leads_to_the_next_place() {
    let mut world = three();
    let first = launches(&world)[0].place.clone();
    world.once(Luck::Capacity);
    let next = launches(&world)[0].clone();
    assert_ne!(next.place, first);
    assert_eq!((next.generation.0, next.attempt), (1, 2), "a new attempt at the same generation");
    world.once(Luck::Capacity);
    assert_eq!(phases(&world), [Phase::Failed; 3], "no place is left");
    assert_eq!(world.machine.failure().unwrap().kind, ErrorKind::Capacity);
}

#[test]
fn a_full_place_is_tried_again_after_three_minutes() {
    let mut world = three();
    let first = launches(&world)[0].place.clone();
    world.once(Luck::Capacity);
    world.once(Luck::Good);
    world.now += Duration::from_secs(181);
    world.settle();
    let (lost, node) = world
        .machine
        .nodes()
        .map(|(address, node)| (address, node.instance.clone().unwrap()))
        .next()
        .unwrap();
    // Only a start looks again at what lives.
    world.machine.step(Event::Start, world.now);
    world.tell(Event::NotRan {
        node: lost,
        instance: node,
        failure: failure(ErrorKind::Failed, Status::Permanent),
    });
    while launches(&world).is_empty() {
        world.once(Luck::Good);
    }
    assert_eq!(launches(&world)[0].place, first);
}

#[test]
fn what_a_partial_launch_left_out_is_launched_as_another_attempt() {
    let mut world = three();
    world.once(Luck::Partial);
    let missing = launches(&world)[0];
    assert_eq!((missing.slots.to_string().as_str(), missing.generation.0, missing.attempt), ("2", 1, 2));
    world.settle();
    assert!(world.machine.is_ready());
    assert_eq!(world.instances.len(), 3);
}

#[test]
fn enough_nodes_are_enough() {
    let mut world = World::new(vec![plan("web", 4, 2, &[])]);
    world.once(Luck::Good);
    world.once(Luck::Partial);
    while !world.machine.is_ready() {
        world.launch_first(Luck::Capacity);
    }
    assert!(world.machine.failure().is_none());
    assert_eq!(world.living().count(), 2);
}

#[test]
fn a_late_failure_is_replaced_once_it_is_gone_and_quarantined_the_fifth_time() {
    let mut world = World::new(vec![plan("web", 1, 1, &[])]);
    while phases(&world) != [Phase::Quarantined] {
        let luck = if matches!(world.due[0].0, Action::Await { .. }) { Luck::Permanent } else { Luck::Good };
        world.once(luck);
        assert!(world.living().count() <= 1);
    }
    assert_eq!(world.instances.len(), 5);
    let node = world.machine.node(&NodeAddress::new(name("web"), 0)).unwrap();
    assert_eq!(node.generation.0, 5, "each in a generation of its own");
}

#[test]
fn an_old_intent_is_searched_for_twice_and_not_replayed() {
    let mut world = three();
    let token = world.machine.batches.keys().next().unwrap().clone();
    world.once(Luck::LostBefore);
    world.now += Duration::from_secs(21 * 3600);
    world.once(Luck::Good);
    let mut looks = 0;
    while let Some((Action::Look { .. } | Action::Delay { .. }, _)) = world.due.first() {
        looks += usize::from(matches!(world.due[0].0, Action::Look { .. }));
        world.once(Luck::Good);
    }
    assert_eq!(looks, 2);
    assert!(!world.machine.batches.contains_key(&token));
    assert_eq!(launches(&world)[0].attempt, 2);
}

#[test]
fn a_token_that_was_used_for_another_request_is_searched_for_and_adopted() {
    let mut world = three();
    world.once(Luck::LostAfter);
    world.once(Luck::Good);
    let token = world.machine.batches.keys().next().unwrap().clone();
    world.due.clear();
    world.tell(Event::LaunchFailed {
        token,
        call: 1,
        failure: failure(ErrorKind::Conflict, Status::Permanent),
    });
    world.settle();
    assert!(world.machine.is_ready());
    assert_eq!((world.instances.len(), world.launch_calls), (3, 1));
}

#[test]
fn a_search_that_shows_a_part_is_not_the_whole_launch() {
    let mut world = three();
    let token = world.machine.batches.keys().next().unwrap().clone();
    world.once(Luck::LostAfter);
    world.once(Luck::Good);
    let conflict = failure(ErrorKind::Conflict, Status::Permanent);
    world.tell(Event::LaunchFailed { token: token.clone(), call: 1, failure: conflict });
    let all: Vec<_> = world.instances.iter().map(|(id, (node, _))| (node.slot, id.clone())).collect();
    world.due.clear();
    let outcome = world.tell(Event::Found { token: token.clone(), instances: vec![all[1].clone()] });
    assert!(matches!(outcome.actions[..], [Action::Delay { .. }]), "{:?}", outcome.actions);
    world.now += Duration::from_secs(60);
    world.tell(Event::Found { token: token.clone(), instances: vec![all[0].clone(), all[2].clone()] });
    world.settle();
    assert!(world.machine.is_ready());
    assert_eq!((world.instances.len(), world.launch_calls), (3, 1));
}

#[test]
fn what_two_later_searches_do_not_show_was_not_launched() {
    let mut world = three();
    world.once(Luck::LostBefore);
    world.once(Luck::Good);
    world.due.clear();
    let token = world.machine.batches.keys().next().unwrap().clone();
    let conflict = failure(ErrorKind::Conflict, Status::Permanent);
    world.tell(Event::LaunchFailed { token: token.clone(), call: 1, failure: conflict });
    let found = Event::Found { token: token.clone(), instances: vec![(1, "i-1".into())] };
    for looks in 0..3 {
        assert!(world.machine.batches.contains_key(&token), "after {looks}");
        // News that is told twice is no search of its own.
        world.tell(found.clone());
        world.tell(found.clone());
        world.now += Duration::from_secs(60);
    }
    assert!(!world.machine.batches.contains_key(&token));
    assert_eq!(world.machine.node(&NodeAddress::new(name("web"), 1)).unwrap().phase, Phase::Pending);
    assert_eq!(launches(&world)[0].slots.to_string(), "0,2");
}

#[test]
fn what_is_known_to_be_made_and_never_shown_is_reported_and_not_launched_again() {
    let mut world = three();
    world.once(Luck::LostBefore);
    world.once(Luck::Good);
    world.due.clear();
    let token = world.machine.batches.keys().next().unwrap().clone();
    let conflict = failure(ErrorKind::Conflict, Status::Permanent);
    let began = world.now;
    world.tell(Event::LaunchFailed { token, call: 1, failure: conflict });
    world.settle();
    assert!(world.now.duration_since(began).as_secs() > 300, "it was searched for at length");
    assert_eq!((phases(&world), world.launch_calls), (vec![Phase::Failed; 3], 1));
    assert!(world.machine.nodes().all(|(_, node)| node.leaked));
}

#[test]
fn a_launch_that_waits_to_be_called_again_is_called_no_more_at_the_end() {
    let mut world = three();
    world.once(Luck::Throttled);
    world.tell(Event::Terminate { cause: None });
    assert!(world.machine.batches.is_empty());
    world.settle();
    assert_eq!((world.machine.closing, world.launch_calls), (Closing::Done, 1));
}

#[test]
fn a_token_whose_instances_were_terminated_costs_a_generation() {
    let mut world = three();
    world.once(Luck::LostAfter);
    world.instances.values_mut().for_each(|(_, lives)| *lives = false);
    world.settle();
    assert!(world.machine.is_ready());
    assert!(world.machine.nodes().all(|(_, node)| node.generation.0 == 2));
}

#[test]
fn the_first_cause_is_kept_and_the_end_is_begun_once() {
    let mut world = three();
    world.settle();
    world.tell(Event::Terminate { cause: Some(failure(ErrorKind::Timeout, Status::Permanent)) });
    world.tell(Event::Terminate { cause: Some(failure(ErrorKind::Limit, Status::Permanent)) });
    let ends = |due: &(Action, _)| matches!(due.0, Action::Terminate { .. });
    assert_eq!(world.due.iter().filter(|due| ends(due)).count(), 1);
    world.settle();
    assert_eq!(world.machine.cause.as_ref().unwrap().kind, ErrorKind::Timeout);
    assert_eq!((world.machine.aim, world.machine.closing), (Aim::Terminated, Closing::Done));
}

#[test]
fn a_launch_in_flight_at_the_end_is_reaped() {
    for luck in [Luck::Good, Luck::LostAfter, Luck::LostBefore, Luck::Throttled] {
        let mut world = three();
        world.tell(Event::Terminate { cause: None });
        world.once(luck);
        world.settle();
        assert_eq!(world.machine.closing, Closing::Done, "{luck:?}");
        assert_eq!(world.living().count(), 0, "{luck:?}");
    }
}

#[test]
fn what_cannot_be_terminated_is_a_leak_and_nothing_is_launched_beside_it() {
    let mut world = World::new(vec![plan("web", 1, 1, &[])]);
    world.once(Luck::Good);
    world.once(Luck::Good);
    world.once(Luck::Permanent);
    let Some((Action::Replace { node, instance }, _)) = world.due.pop() else { panic!() };
    world.tell(Event::NotGone { node, instance, failure: failure(ErrorKind::Forbidden, Status::Permanent) });
    assert_eq!(phases(&world), [Phase::Failed]);
    assert_eq!(world.launch_calls, 1);
    world.tell(Event::Terminate { cause: None });
    assert!(matches!(world.due[1].0, Action::Terminate { .. }), "the end tries once more");
    world.settle();
    assert_eq!((world.machine.closing, world.launch_calls), (Closing::Done, 1));
}

#[test]
fn a_sick_watcher_ends_no_instance() {
    let mut world = three();
    world.once(Luck::Good);
    let Some((Action::Await { node, instance, .. }, _)) = world.due.pop() else { panic!() };
    let outcome = world.tell(Event::NotRan {
        node,
        instance,
        failure: failure(ErrorKind::Forbidden, Status::Permanent),
    });
    assert_eq!(outcome.actions, []);
    assert_eq!(world.living().count(), 3);
}
