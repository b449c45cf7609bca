//! Rollouts: who is asked to leave, and what comes of it.

use super::super::{Event, FleetPlan, Phase};
use super::web::{dead, generation, instance, kill, leave, phase, plain, until, web};
use super::world::{Luck, World, failure, name};
use crate::model::{NodeAddress, Replace, Share};
use crate::{ErrorKind, Status};

/// Four nodes, of which two may be replaced at a time.
fn lives(change: impl FnOnce(&mut FleetPlan)) -> World {
    plain(4, |plan| {
        plan.health.max_in_flight = Share::Nodes(2);
        change(plan);
    })
}

/// They have another image than their fleet.
fn superseded(change: impl FnOnce(&mut FleetPlan)) -> World {
    let mut world = lives(change);
    world.machine.roll_out(&name("web"));
    (0..4).for_each(|slot| world.machine.supersede(&web(slot)));
    world
}

/// The monitor lets it go.
fn grant(world: &mut World, slot: u32) {
    leave(world, slot, None);
}

/// Anything; every step looks at rollouts.
fn look(world: &mut World) -> Vec<NodeAddress> {
    world.tell(Event::Prepared { fleet: name("web") }).asks
}

#[test]
fn what_an_earlier_controller_replaced_has_to_prove_itself_before_others_are_asked_for() {
    let mut world = lives(|_| {});
    world.machine.roll_out(&name("web"));
    (2..4).for_each(|slot| world.machine.supersede(&web(slot)));
    assert_eq!(look(&mut world), [], "two have not proven themselves");
    world.settle();
    let rollout = world.machine.fleet(&name("web")).unwrap().rollout.clone().unwrap();
    assert_eq!(Vec::from_iter(rollout.asked), [2, 3]);
}

#[test]
fn as_many_are_asked_for_as_there_is_room_for_and_none_leaves_unasked() {
    let mut world = superseded(|_| {});
    assert_eq!(look(&mut world), [web(0), web(1)]);
    assert_eq!(look(&mut world), [], "once");
    assert!((0..4).all(|slot| phase(&world, slot) == Phase::Live));
    grant(&mut world, 1);
    assert_eq!(phase(&world, 1), Phase::Draining);
    assert_eq!(look(&mut world), [], "two are on their way, or will be");
    world.settle();
    assert_eq!(world.machine.node(&web(1)).unwrap().generation.0, 2);
}

#[test]
fn whoever_is_held_is_passed_over_and_asked_for_again_later() {
    let mut world = superseded(|_| {});
    look(&mut world);
    world.tell(Event::Holds([web(0)].into()));
    assert_eq!(world.machine.fleet(&name("web")).unwrap().rollout.as_ref().unwrap().asked, [1, 2].into());
    grant(&mut world, 1);
    grant(&mut world, 2);
    world.settle();
    assert!(!world.machine.is_ready());
    let outcome = world.tell(Event::Holds([].into()));
    assert!(
        outcome.asks.contains(&web(0))
            || world.machine.fleet(&name("web")).unwrap().rollout.as_ref().unwrap().asked.contains(&0)
    );
}

#[test]
fn a_grant_that_comes_after_the_halt_is_too_late_and_a_notice_is_not() {
    let mut world = superseded(|_| {});
    look(&mut world);
    grant(&mut world, 0);
    // Its successor dies before it lives.
    until(&mut world, 0, Phase::Pending);
    let lost = Event::NotRan { node: web(0), instance: instance(&world, 0), failure: dead() };
    world.tell(lost);
    let mut stays = Vec::new();
    while phase(&world, 0) != Phase::Resting {
        let (action, batch) = world.due.remove(0);
        for event in world.perform(&action, batch.as_ref(), Luck::Good) {
            stays.extend(world.tell(event).stays);
        }
    }
    assert!(world.machine.failure().unwrap().to_string().contains("halts"));
    assert_eq!(stays, [web(1)]);
    grant(&mut world, 1);
    assert_eq!(phase(&world, 1), Phase::Live);
    let by = Some(world.now + std::time::Duration::from_secs(120));
    leave(&mut world, 1, by);
    assert_eq!(phase(&world, 1), Phase::Draining);
}

#[test]
fn whoever_is_dead_and_left_so_goes_without_being_asked_for() {
    let mut world = superseded(|plan| plan.health.replace = Replace::Never);
    world.machine.fleets[0].rollout = None;
    kill(&mut world, 2);
    assert_eq!(phase(&world, 2), Phase::Live);
    world.machine.roll_out(&name("web"));
    world.tell(Event::Holds([web(0), web(1)].into()));
    assert_eq!(phase(&world, 2), Phase::Terminating);
}

#[test]
fn whoever_is_set_aside_keeps_no_rollout_from_its_end() {
    let mut world = superseded(|plan| {
        (plan.health.max_in_flight, plan.health.max_unhealthy) = (Share::Nodes(1), Share::Nodes(4));
    });
    assert_eq!(look(&mut world), [web(0)]);
    grant(&mut world, 0);
    until(&mut world, 0, Phase::Live);
    // One that the rollout replaced, and one that it has not come to.
    for slot in [0, 3] {
        let failure = failure(ErrorKind::Canceled, Status::Permanent);
        world.tell(Event::Quarantine { node: web(slot), failure });
    }
    world.settle();
    for slot in [1, 2] {
        let rollout = world.machine.fleet(&name("web")).unwrap().rollout.clone().unwrap();
        assert_eq!((rollout.halted, rollout.asked), (None, [slot].into()));
        grant(&mut world, slot);
        world.settle();
    }
    assert_eq!((phase(&world, 0), phase(&world, 3)), (Phase::Quarantined, Phase::Quarantined));
    assert!(world.machine.fleet(&name("web")).unwrap().rollout.is_none());
}

#[test]
fn one_that_failed_is_replaced_first_and_within_the_budget() {
    let mut world = plain(4, |plan| {
        plan.customizes = true;
        (plan.health.max_in_flight, plan.health.max_unhealthy) = (Share::Nodes(1), Share::Nodes(2));
    });
    // Too many for the breaker, which is not to keep what does not work.
    for slot in 1..4 {
        world.tell(Event::Outdated { node: web(slot) });
        until(&mut world, slot, Phase::Customizing);
        let (instance, failure) = (instance(&world, slot), dead());
        world.tell(Event::CustomizeFailed { node: web(slot), instance, failure });
        assert_eq!(phase(&world, slot), Phase::Failed);
        world.machine.fleets[0].nodes.get_mut(&slot).unwrap().outdated = false;
    }
    world.due.clear();
    world.machine.roll_out(&name("web"));
    (0..4).for_each(|slot| world.machine.supersede(&web(slot)));
    assert_eq!(look(&mut world), [], "nobody waits for one that does not work");
    assert_eq!(phase(&world, 1), Phase::Terminating);
    let mut at_once = 0;
    while !world.due.is_empty() {
        let busy = |slot: &u32| !matches!(phase(&world, *slot), Phase::Live | Phase::Failed);
        at_once = at_once.max((0..4).filter(busy).count());
        world.once(Luck::Good);
    }
    assert_eq!(at_once, 1);
    assert_eq!((1..4).map(|slot| generation(&world, slot)).collect::<Vec<_>>(), [2, 2, 2]);
    assert!(world.machine.nodes().all(|(_, node)| node.losses.is_empty()), "an order is no loss");
    let rollout = world.machine.fleet(&name("web")).unwrap().rollout.clone().unwrap();
    assert_eq!((rollout.halted, rollout.asked), (None, [0].into()));
    grant(&mut world, 0);
    world.settle();
    assert!(world.machine.is_ready());
    assert_eq!((world.living().count(), generation(&world, 0)), (4, 2));
}

#[test]
fn one_that_died_too_often_keeps_no_rollout_from_its_end() {
    let mut world = superseded(|plan| plan.at_least = 3);
    world.machine.fleets[0].rollout = None;
    while phase(&world, 3) != Phase::Quarantined {
        kill(&mut world, 3);
        world.machine.supersede(&web(3));
        world.settle();
    }
    world.machine.fleets[0].rollout = Some(Default::default());
    world.tell(Event::Holds(Default::default()));
    for slot in 0..3 {
        grant(&mut world, slot);
        world.settle();
    }
    assert!(world.machine.fleet(&name("web")).unwrap().rollout.is_none());
    assert!(world.machine.is_ready());
}

#[test]
fn whoever_is_set_aside_or_held_takes_nothing_of_the_budget() {
    let mut world = superseded(|plan| {
        (plan.health.max_in_flight, plan.health.max_unhealthy) = (Share::Nodes(1), Share::Nodes(2));
    });
    world.machine.fleets[0].rollout = None;
    for slot in [0, 1] {
        let failure = failure(ErrorKind::Canceled, Status::Permanent);
        world.tell(Event::Quarantine { node: web(slot), failure });
    }
    world.settle();
    // Found stopped after a restart, and kept so.
    world.tell(Event::Holds([web(3)].into()));
    let node = world.machine.node_or_surplus(&web(3));
    (node.phase, node.adopted) = (Phase::Pending, Some(jiff::Timestamp::UNIX_EPOCH));
    let lost = Event::NotRan { node: web(3), instance: instance(&world, 3), failure: dead() };
    world.tell(lost);
    assert_eq!(phase(&world, 3), Phase::Pending);
    world.machine.fleets[0].rollout = Some(Default::default());
    assert_eq!(look(&mut world), [web(2)]);
}
