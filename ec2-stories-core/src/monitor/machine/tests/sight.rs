//! When the watcher is sick.

use std::time::Duration;

use super::super::target::State;
use super::super::{At, Event};
use super::world::{World, dead, replace};
use crate::monitor::What;
use crate::provider::Liveness;

#[test]
fn nothing_is_replaced_while_nodes_fail_in_two_zones_and_all_recover() {
    let mut world = World::live(30);
    world.sick = true;
    world.pass(3600);
    let blind = world.machine.blind().expect("blind").to_owned();
    assert!(blind.contains("fail at once"), "{blind}");
    assert_eq!(world.count(State::Suspect), 30);
    world.sick = false;
    world.pass(60);
    assert_eq!(world.machine.blind(), None);
    assert_eq!(world.count(State::Live), 30);
    assert_eq!(world.replaced(), [0_u32; 0]);
}

#[test]
fn nothing_is_replaced_while_most_nodes_of_the_only_zone_fail() {
    let mut world = World::live_in(1, 10);
    world.sick = true;
    world.pass(3600);
    assert!(world.machine.blind().is_some());
    assert_eq!(world.replaced(), [0_u32; 0]);
    world.sick = false;
    world.pass(60);
    assert_eq!((world.machine.blind(), world.count(State::Live)), (None, 10));
}

#[test]
fn one_zone_that_fails_is_no_blindness() {
    let mut world = World::live(30);
    for slot in (0..30).filter(|slot| slot % 3 == 0) {
        world.kill(slot);
    }
    world.pass(200);
    assert_eq!(world.machine.blind(), None);
    assert!(!world.replaced().is_empty());
}

#[test]
fn the_two_nodes_of_a_small_fleet_may_die_together() {
    let mut world = World::live(3);
    world.kill(0);
    world.kill(1);
    world.pass(200);
    assert_eq!(world.machine.blind(), None);
    assert_eq!(world.replaced().len(), 1);
}

#[test]
fn after_blindness_everybody_gets_the_whole_time_anew() {
    let mut world = World::live(30);
    world.sick = true;
    world.pass(600);
    world.sick = false;
    // One stays dead; the others come back and end the blindness.
    world.kill(5);
    let begun = world.seconds;
    world.until(5, 400, replace);
    let seen = world.said.iter().find(|(.., what)| *what == What::Sees).unwrap().0;
    let took = world.seconds - seen;
    assert!((120..=131).contains(&took), "{took}, sees {} s after the end", seen - begun);
    assert_eq!(world.replaced(), [5]);
}

#[test]
fn who_waited_dead_before_the_blindness_is_looked_at_anew() {
    let mut world = World::live(30);
    world.kill(0);
    world.hold(0, 3600);
    world.kill(3);
    world.kill(6);
    world.until(6, 200, dead);
    let before = world.replaced();
    world.step(Event::Canaries { failing: 2, of: 3 });
    world.pass(60);
    // They recover while nobody sees.
    for slot in [0, 3, 6] {
        if !before.contains(&slot) {
            world.truth(slot).probe = Liveness::Live;
        }
    }
    world.step(Event::Canaries { failing: 1, of: 3 });
    world.pass(60);
    assert_eq!(world.replaced(), before);
}

#[test]
fn what_the_cloud_ended_is_replaced_once_sight_returns() {
    let mut world = World::live(9);
    world.step(Event::Canaries { failing: 1, of: 1 });
    world.terminated(4);
    world.notice(5, true);
    world.pass(120);
    assert_eq!(world.replaced(), [0_u32; 0]);
    assert_eq!(world.in_flight(), 0);
    world.step(Event::Canaries { failing: 0, of: 1 });
    world.pass(1);
    assert_eq!(world.in_flight(), 1, "a tenth of nine, rounded up");
}

#[test]
fn half_of_the_canaries_may_be_sick() {
    let mut world = World::live(3);
    world.step(Event::Canaries { failing: 1, of: 2 });
    assert_eq!(world.machine.blind(), None);
    world.step(Event::Canaries { failing: 2, of: 2 });
    assert_eq!(world.machine.blind(), Some("2 of 2 canaries do not answer"));
}

#[test]
fn a_watcher_that_was_kept_from_running_is_blind_for_a_while() {
    let mut world = World::live(3);
    world.kill(0);
    world.pass(110);
    assert_eq!(world.state(0), State::Suspect);
    world.machine.expect(world.now().plus(Duration::from_secs(1)));
    world.seconds += 300;
    // The first that comes is the probe that was under way when everything stood still.
    world.probe(0);
    assert!(world.machine.blind().is_some_and(|why| why.contains("kept from running for 299s")));
    assert_eq!(world.replaced(), [0_u32; 0]);
    assert_eq!(world.machine.deadline(), Some(At::after(Duration::from_secs(world.seconds + 10))));
    world.truth(0).probe = Liveness::Live;
    world.pass(200);
    assert_eq!(world.machine.blind(), None);
    assert_eq!(world.count(State::Live), 3);
    assert_eq!(world.replaced(), [0_u32; 0]);
}

#[test]
fn coming_back_a_second_late_is_nothing() {
    let mut world = World::live(3);
    world.machine.expect(world.now());
    world.pass(1);
    assert_eq!(world.machine.blind(), None);
}

#[test]
fn what_the_cloud_says_too_is_no_imagination() {
    let mut world = World::live(30);
    for slot in (0..30).filter(|slot| slot % 3 != 2) {
        world.kill(slot);
        world.impair(slot);
    }
    world.pass(60);
    assert_eq!(world.machine.blind(), None);
    world.pass(200);
    assert_eq!(world.in_flight(), 1, "one at a time, as two thirds are unhealthy");
}
