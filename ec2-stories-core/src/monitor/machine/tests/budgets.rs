//! How many at a time.

use std::collections::BTreeSet;

use super::super::Event;
use super::super::target::State;
use super::world::{World, dead, failing, key, replace, running, today};
use crate::model::{Generation, Health, Replace, Share};
use crate::monitor::What;
use crate::provider::{Liveness, Verdict};

/// Watches so many nodes that one in five of them is few.
fn budgets(nodes: u32, in_flight: Share) -> World {
    let health = Health { max_in_flight: in_flight, max_unhealthy: Share::Percent(100), ..Health::default() };
    let mut world = World::starting(nodes, health, true);
    world.pass(60);
    world
}

#[test]
fn a_tenth_of_a_fleet_is_replaced_at_a_time_the_first_dead_first() {
    let mut world = budgets(30, Share::Percent(10));
    // All are in the third part of slots that zone a has, in three zones they are one at a time each.
    for slot in [0, 1, 2, 3, 4, 5] {
        world.kill(slot);
    }
    world.pass(200);
    assert_eq!(world.in_flight(), 3);
    assert_eq!(world.replaced().len(), 3);
    let waits =
        |what: &What| matches!(what, What::Waits(why) if why.contains("3 of its fleet are being replaced"));
    assert!(world.said.iter().any(|(.., what)| waits(what)), "{:?}", world.said);
    world.replaces_in = Some(60);
    for slot in world.replaced() {
        world.truth(slot).back_at = Some(world.seconds + 5);
    }
    world.pass(300);
    assert_eq!(world.in_flight(), 0);
    assert_eq!(world.count(State::Live), 30);
}

#[test]
fn a_zone_has_a_budget_of_its_own() {
    let mut world = budgets(30, Share::Percent(10));
    // Slots 0, 3, 6 … are zone a's.
    for slot in [0, 3, 6, 9, 12] {
        world.kill(slot);
    }
    world.pass(400);
    assert_eq!(world.in_flight(), 1, "ten percent of the zone's ten");
}

#[test]
fn one_may_always_be_replaced() {
    let mut world = budgets(2, Share::Nodes(0));
    world.kill(0);
    world.kill(1);
    world.pass(400);
    assert_eq!(world.in_flight(), 1);
}

#[test]
fn a_replacement_counts_until_it_lives_and_is_proven_then() {
    let mut world = budgets(3, Share::Percent(10));
    world.kill(0);
    world.kill(1);
    world.pass(200);
    let first = world.replaced()[0];
    world.truth(first).generation = 2;
    world.watch(first);
    world.pass(300);
    assert_eq!(world.in_flight(), 1, "it has not lived yet");
    world.truth(first).probe = Liveness::Live;
    world.until(first, 20, |what| *what == What::Replaced);
    world.pass(1);
    assert_eq!(world.replaced().len(), 2);
}

#[test]
fn a_replacement_that_dies_queues_again_behind_the_others() {
    let mut world = budgets(3, Share::Percent(10));
    world.kill(0);
    world.kill(1);
    world.pass(200);
    let first = world.replaced()[0];
    let second = 1 - first;
    world.truth(first).generation = 2;
    world.watch(first);
    world.until(first, 700, dead);
    assert_eq!(world.replaced(), [first, second]);
    world.truth(second).generation = 2;
    world.truth(second).probe = Liveness::Live;
    world.watch(second);
    world.until(first, 30, replace);
}

#[test]
fn a_forgotten_replacement_counts_no_more() {
    let mut world = budgets(2, Share::Percent(10));
    world.kill(0);
    world.kill(1);
    world.pass(200);
    let first = world.replaced()[0];
    world.step(Event::Forget { key: key(first) });
    assert_eq!(world.replaced().len(), 2);
}

#[test]
fn with_too_many_unhealthy_one_at_a_time_doubled_at_each_success_back_to_one_on_failure() {
    let health = Health { max_in_flight: Share::Percent(100), ..Health::default() };
    let mut world = World::starting(30, health, true);
    world.pass(60);
    // One zone of three: more than a fifth, and not so many zones that the watcher would be blind.
    for slot in (0..30).filter(|slot| slot % 3 == 0) {
        world.kill(slot);
    }
    world.pass(200);
    let cautious = |what: &What| matches!(what, What::Cautious { unhealthy: 7, limit: 6, at_a_time: 1, .. });
    assert!(world.said.iter().any(|(.., what)| cautious(what)), "{:?}", world.said);
    assert_eq!(world.in_flight(), 1);
    let succeed = |world: &mut World| {
        let slot = *world.replaced().last().unwrap();
        (world.truth(slot).generation, world.truth(slot).probe) = (2, Liveness::Live);
        world.watch(slot);
        world.until(slot, 20, |what| *what == What::Replaced);
    };
    succeed(&mut world);
    assert_eq!(world.in_flight(), 2);
    succeed(&mut world);
    assert_eq!(world.in_flight(), 4);
    // The next dies before it lives: nothing more until that one of them has helped.
    let failed = *world.replaced().last().unwrap();
    let before = world.replaced().len();
    (world.truth(failed).generation, world.truth(failed).probe) = (2, failing());
    world.watch(failed);
    world.until(failed, 700, dead);
    world.pass(60);
    assert_eq!(world.replaced().len(), before);
    assert_eq!(world.machine.fleets[0].allowed(), 1);
}

#[test]
fn few_enough_unhealthy_end_the_caution() {
    let mut world = World::starting(10, Health::default(), true);
    world.pass(60);
    for slot in [0, 3, 6] {
        world.kill(slot);
    }
    world.pass(60);
    assert!(world.machine.fleets[0].cautious.is_some());
    world.truth(0).probe = Liveness::Live;
    world.pass(30);
    assert!(world.machine.fleets[0].cautious.is_none());
    assert!(world.said.iter().any(|(.., what)| matches!(what, What::Calm { .. })));
}

#[test]
fn two_of_a_small_fleet_are_not_too_many() {
    let mut world = World::live(3);
    world.kill(0);
    world.kill(1);
    world.pass(200);
    assert!(world.machine.fleets[0].cautious.is_none());
}

#[test]
fn the_condemned_leave_within_the_budgets_and_after_the_dead() {
    let mut world = budgets(9, Share::Percent(10));
    let condemn = |world: &mut World, slot| {
        world.step(Event::Condemn { key: key(slot), why: "it has an old image", by: today() });
    };
    world.kill(8);
    world.hold(8, 300);
    world.pass(200);
    for slot in 0..4 {
        condemn(&mut world, slot);
    }
    assert_eq!(world.in_flight(), 1);
    assert!(matches!(world.verdict(0), Some(Verdict::Leaving { why, .. }) if why.contains("old image")));
    assert_eq!(world.verdict(1), Some(Verdict::Live));
    world.step(Event::Release { key: key(8) });
    world.replaces_in = Some(30);
    world.truth(0).back_at = Some(world.seconds + 1);
    world.pass(25);
    assert_eq!(world.replaced(), [8], "the dead go before those who work");
    world.truth(8).back_at = Some(world.seconds + 1);
    world.pass(600);
    assert_eq!(world.in_flight(), 0);
    let generations: Vec<u32> = world.nodes.values().map(|node| node.generation).collect();
    assert_eq!(generations, [2, 2, 2, 2, 1, 1, 1, 1, 2]);
}

#[test]
fn the_condemned_leave_though_an_announced_end_was_called_off() {
    for condemned_first in [true, false] {
        let mut world = budgets(9, Share::Percent(10));
        world.kill(8);
        world.pass(200);
        assert_eq!(world.replaced(), [8]);
        let condemn = |world: &mut World| {
            world.step(Event::Condemn { key: key(0), why: "it has an old image", by: today() });
        };
        if condemned_first {
            condemn(&mut world);
        }
        world.notice(0, true);
        world.pass(120);
        if !condemned_first {
            condemn(&mut world);
        }
        assert_eq!(world.verdict(0), Some(Verdict::Live), "another is being replaced");
        world.truth(0).cloud = Some(running());
        world.pass(120);
        world.replaces_in = Some(30);
        world.truth(8).back_at = Some(world.seconds + 1);
        world.until(0, 300, |what| matches!(what, What::Leaving { why, .. } if why.contains("old image")));
    }
}

#[test]
fn nobody_who_works_leaves_while_too_many_are_unhealthy() {
    let health = Health { max_in_flight: Share::Percent(100), ..Health::default() };
    let mut world = World::starting(10, health, true);
    world.pass(60);
    for slot in 0..10 {
        world.step(Event::Condemn { key: key(slot), why: "it has an old image", by: today() });
    }
    assert_eq!(world.in_flight(), 2, "a fifth of ten");
    world.kill(9);
    world.kill(8);
    world.pass(200);
    let leaving = |what: &What| matches!(what, What::Leaving { .. });
    assert_eq!(world.said.iter().filter(|(.., what)| leaving(what)).count(), 2);
}

#[test]
fn a_zone_that_dies_comes_back_within_the_budgets() {
    let mut world = budgets(120, Share::Percent(10));
    world.replaces_in = Some(60);
    for slot in (0..120).filter(|slot| slot % 3 == 0) {
        world.kill(slot);
    }
    let mut most = 0;
    for _ in 0..1200 {
        world.pass(1);
        most = most.max(world.in_flight());
    }
    assert_eq!(most, 4, "a tenth of the zone's forty");
    assert_eq!((world.count(State::Live), world.in_flight()), (120, 0));
}

#[test]
fn a_node_that_leaves_by_order_counts_at_once_and_is_probed_on() {
    let mut world = budgets(3, Share::Percent(10));
    world.kill(1);
    world.pass(100);
    world.step(Event::Leaves { key: key(0), generation: Generation(1), why: "ordered", by: today() });
    assert_eq!(
        (world.in_flight(), world.verdict(0)),
        (1, Some(Verdict::Leaving { why: "ordered".into(), by: today() }))
    );
    world.pass(300);
    assert!(world.replaced().is_empty(), "one at a time: {:?}", world.said);
    world.kill(0);
    world.until(0, 200, replace);
    assert_eq!(world.in_flight(), 1);
    world.step(Event::Replacing { key: key(0), generation: Generation(1) });
    assert_eq!(world.in_flight(), 1);
    (world.truth(0).generation, world.truth(0).probe) = (2, Liveness::Live);
    world.watch(0);
    world.until(1, 60, replace);
}

#[test]
fn a_dead_node_that_nobody_will_replace_takes_no_turn_and_is_unhealthy() {
    let health = Health { replace: Replace::Never, max_in_flight: Share::Nodes(1), ..Health::default() };
    let mut world = World::starting(10, health, true);
    world.pass(60);
    world.kill(0);
    world.kill(1);
    world.pass(300);
    let told: BTreeSet<u32> = world.replaced().into_iter().collect();
    assert_eq!(told, [0, 1].into(), "it is told of both");
    assert_eq!((world.in_flight(), world.machine.fleets[0].unhealthy), (0, 2));
    world.step(Event::Leaves { key: key(0), generation: Generation(1), why: "ordered", by: today() });
    assert_eq!(world.in_flight(), 1, "somebody ordered it");
}

#[test]
fn those_that_are_held_keep_nobody_from_leaving_who_is_asked_to() {
    let health = Health { max_unhealthy: Share::Nodes(2), ..Health::default() };
    let mut world = World::starting(10, health, true);
    world.pass(60);
    for slot in [0, 3] {
        world.hold(slot, 7200);
        world.kill(slot);
    }
    world.pass(400);
    assert_eq!((world.count(State::Dead), world.in_flight()), (2, 0));
    world.step(Event::Condemn { key: key(1), why: "it has an old image", by: today() });
    world.pass(5);
    assert!(matches!(world.verdict(1), Some(Verdict::Leaving { .. })), "{:?}", world.verdict(1));
    world.machine.assert_consistent();
}

#[test]
fn those_that_ended_unseen_queue_with_the_dead_and_too_many_come_back_one_at_a_time() {
    let mut world = World::starting(10, Health { max_in_flight: Share::Nodes(4), ..Health::default() }, true);
    let lost = |slots: &[u32]| -> Vec<_> {
        slots.iter().map(|slot| (key(*slot), Generation(1), "its instance had ended".to_owned())).collect()
    };
    world.step(Event::Lost { nodes: &lost(&[0, 3, 6, 9, 1, 4]) });
    world.machine.assert_consistent();
    assert_eq!((world.in_flight(), world.replaced().len()), (1, 1), "six of ten are too many");
    let first = world.replaced()[0];
    world.truth(first).generation = 2;
    world.watch(first);
    world.until(first, 60, |what| *what == What::Replaced);
    world.pass(1);
    assert_eq!(world.in_flight(), 2, "one has proven itself");
    world.step(Event::Lost { nodes: &lost(&[first]) });
    assert_eq!(world.state(first), State::Live, "that was of an earlier generation");
    world.machine.assert_consistent();
}
