//! One node's way.

use std::time::Duration;

use super::super::target::{State, Target};
use super::super::{At, Event};
use super::world::{World, dead, key, live, replace, suspect};
use crate::model::{Generation, Health};
use crate::monitor::What;
use crate::provider::{Liveness, Verdict};

fn starting(health: Health) -> World {
    let mut world = World::starting(1, health, true);
    world.kill(0);
    world
}

#[test]
fn until_its_first_success_a_node_has_the_start_up_time_and_no_more() {
    let mut world = starting(Health::default());
    world.pass(599);
    assert_eq!(world.state(0), State::Starting);
    assert_eq!(world.verdict(0), None);
    let took = world.until(0, 15, replace);
    assert!(took <= 10, "{took}");
}

#[test]
fn a_node_that_starts_late_lives_with_its_first_success() {
    let mut world = starting(Health::default());
    world.pass(585);
    world.truth(0).probe = Liveness::Live;
    assert!(world.until(0, 10, live) <= 10);
    assert_eq!(world.verdict(0), Some(Verdict::Live));
}

#[test]
fn three_failures_in_a_row_are_suspect_and_two_minutes_without_success_are_dead() {
    let mut world = World::live(1);
    world.kill(0);
    let to_suspect = world.until(0, 60, suspect);
    assert!((20..=30).contains(&to_suspect), "{to_suspect}");
    let to_death = to_suspect + world.until(0, 200, dead);
    assert!((110..=121).contains(&to_death), "{to_death}");
    assert_eq!(world.replaced(), [0]);
    assert!(matches!(world.verdict(0), Some(Verdict::Replace(why)) if why.contains("connection refused")));
}

#[test]
fn a_suspect_lives_again_after_two_successes_and_not_after_one() {
    let mut world = World::live(1);
    world.kill(0);
    world.until(0, 60, suspect);
    world.truth(0).probe = Liveness::Live;
    world.pass(10);
    assert_eq!(world.state(0), State::Suspect);
    world.pass(10);
    assert_eq!(world.state(0), State::Live);
}

#[test]
fn two_failures_are_nothing() {
    let mut world = World::live(1);
    for _ in 0..100 {
        world.kill(0);
        world.pass(20);
        world.truth(0).probe = Liveness::Live;
        world.pass(10);
    }
    assert_eq!(world.state(0), State::Live);
    assert!(world.said.is_empty(), "{:?}", world.said);
}

#[test]
fn unknown_counts_for_nothing() {
    let unknown = || Liveness::Unknown("no file descriptors".to_owned());
    let mut world = World::live(1);
    world.truth(0).probe = unknown();
    world.pass(3600);
    assert!(world.said.is_empty(), "{:?}", world.said);
    // Nor does the time count that passed unseen.
    world.kill(0);
    let to_death = world.until(0, 200, dead);
    assert!((110..=131).contains(&to_death), "{to_death}");

    let mut world = World::starting(1, Health::default(), true);
    world.truth(0).probe = unknown();
    world.pass(3600);
    assert_eq!(world.state(0), State::Starting);
}

#[test]
fn what_is_declared_dead_is_dead_at_once_also_in_grace() {
    let mut world = World::starting(1, Health::default(), true);
    world.truth(0).probe = Liveness::DeclaredDead("its supervisor gave up".to_owned());
    assert!(world.until(0, 11, replace) <= 10);
}

#[test]
fn four_changes_in_ten_minutes_are_flapping_and_double_the_time() {
    let mut world = World::live(1);
    for _ in 0..2 {
        world.kill(0);
        world.until(0, 60, suspect);
        world.truth(0).probe = Liveness::Live;
        world.until(0, 60, live);
    }
    let flapping = |what: &What| matches!(what, What::Flapping { changes: 4, .. });
    assert_eq!(world.said.iter().filter(|(.., what)| flapping(what)).count(), 1, "{:?}", world.said);
    world.kill(0);
    let to_death = world.until(0, 400, dead);
    assert!((230..=241).contains(&to_death), "{to_death}");
}

#[test]
fn changes_that_are_far_apart_are_not_flapping() {
    let mut world = World::live(1);
    for _ in 0..6 {
        world.kill(0);
        world.until(0, 60, suspect);
        world.truth(0).probe = Liveness::Live;
        world.until(0, 60, live);
        world.pass(600);
    }
    assert!(!world.said.iter().any(|(.., what)| matches!(what, What::Flapping { .. })));
}

#[test]
fn a_node_that_was_live_before_a_restart_has_no_start_up_time_but_three_probes() {
    let mut world =
        World::starting(0, Health { dead_after: Duration::from_secs(5), ..Health::default() }, true);
    let truth = World::live(1).nodes[&0].clone();
    world.nodes.insert(0, truth);
    world.kill(0);
    world.watch_as(0, true);
    let to_death = world.until(0, 100, dead);
    assert!((20..=31).contains(&to_death), "{to_death}");
}

#[test]
fn the_start_up_time_of_one_that_is_found_again_counts_from_its_launch() {
    for (age, dies) in [(0, 600..=610), (300, 300..=310), (590, 120..=130), (9000, 120..=130)] {
        let mut world = World::live(1);
        world.kill(0);
        world.adopt(0, age);
        let to_death = world.until(0, 700, dead);
        assert!(dies.contains(&to_death), "{age}: {to_death}");
    }
}

#[test]
fn three_answers_come_before_any_verdict_of_looking() {
    let health = Health { failure_threshold: 1, startup_timeout: Duration::ZERO, ..Health::default() };
    let mut world = starting(health);
    world.pass(20);
    assert_eq!(world.replaced(), [0_u32; 0]);
    world.pass(11);
    assert_eq!(world.replaced(), [0]);
}

#[test]
fn the_same_generation_again_has_its_start_up_time_anew() {
    let mut world = World::live(1);
    world.kill(0);
    world.until(0, 200, replace);
    world.watch(0);
    assert_eq!(world.in_flight(), 0);
    world.said.clear();
    world.pass(599);
    assert!(world.said.is_empty(), "{:?}", world.said);
    world.until(0, 20, replace);
}

#[test]
fn an_earlier_generation_changes_nothing() {
    let mut world = World::live(1);
    let (zone, generation) = (0, Generation(0));
    world.step(Event::Watch { key: key(0), zone, generation, was_live: false, age: Duration::ZERO });
    assert_eq!(world.state(0), State::Live);
    assert_eq!(world.machine.generation(key(0)), Some(Generation(1)));
}

#[test]
fn answers_of_a_former_watch_change_nothing() {
    let mut world = World::live(1);
    let watch = world.machine.watch_of(key(0)).unwrap();
    world.watch(0);
    for _ in 0..5 {
        let liveness = Liveness::DeclaredDead("long ago".to_owned());
        world.step(Event::Answer { key: key(0), watch, liveness });
    }
    assert_eq!(world.state(0), State::Starting);
}

#[test]
fn a_held_node_is_probed_and_judged_and_replaced_when_the_hold_ends() {
    for by_hand in [false, true] {
        let mut world = World::live(1);
        world.hold(0, 3600);
        world.kill(0);
        world.until(0, 200, dead);
        assert!(
            matches!(world.verdict(0), Some(Verdict::Suspect(why)) if why.contains("held by ann: debugging"))
        );
        if by_hand {
            world.pass(600);
            assert_eq!(world.replaced(), [0_u32; 0]);
            world.step(Event::Release { key: key(0) });
        } else {
            assert!(world.until(0, 3600, replace) > 3400);
        }
        assert_eq!(world.replaced(), [0]);
    }
}

#[test]
fn a_held_node_that_recovers_lives() {
    let mut world = World::live(1);
    world.hold(0, 3600);
    world.kill(0);
    world.until(0, 200, dead);
    world.truth(0).probe = Liveness::Live;
    world.until(0, 30, live);
    world.pass(3600);
    assert_eq!(world.replaced(), [0_u32; 0]);
}

#[test]
fn whoever_is_quarantined_is_neither_judged_nor_counted_until_watched_anew() {
    let mut world = World::live(4);
    world.step(Event::Quarantine { key: key(0), why: "five deaths in an hour" });
    world.terminated(0);
    world.kill(0);
    world.pass(3600);
    assert_eq!(world.replaced(), [0_u32; 0]);
    assert_eq!(world.machine.figures(0).nodes, 3);
    world.watch(0);
    world.until(0, 31, replace);
}

#[test]
fn a_failing_node_says_what_fails_and_for_how_long() {
    let mut world = World::live(1);
    world.truth(0).probe = Liveness::Failing("status 503".to_owned());
    world.until(0, 200, dead);
    let why = world.said.iter().find_map(|(.., what)| match what {
        What::Dead { why, definitive: false } => Some(why.clone()),
        _ => None,
    });
    assert!(why.is_some_and(|why| why.starts_with("status 503 (for 12")));
}

#[test]
fn an_idle_target_is_small() {
    assert!(size_of::<Target>() <= 128, "{}", size_of::<Target>());
    let mut world = World::live(1);
    world.kill(0);
    world.pass(10);
    world.truth(0).probe = Liveness::Live;
    world.pass(20);
    // What it failed with is forgotten with its next success.
    assert!(world.machine.targets[&key(0)].more.is_none());
    assert_eq!(world.machine.deadline(), None);
}

#[test]
fn a_table_that_is_half_empty_is_small() {
    fn bytes<K, V>(table: &std::collections::HashMap<K, V>) -> usize {
        let buckets = (table.capacity() * 8 / 7).next_power_of_two();
        buckets * (size_of::<(K, V)>() + 1)
    }
    // One too many for a table of 1,024.
    let world = World::live(1000);
    let each = bytes(&world.machine.targets) / 1000;
    assert!(each <= 40, "{each} bytes a target, beside the target");
}

#[test]
fn a_moment_is_in_milliseconds() {
    assert_eq!(
        At::after(Duration::from_secs(2)).since(At::after(Duration::from_millis(500))).as_millis(),
        1500
    );
    assert_eq!(At::START.since(At::after(Duration::from_secs(1))), Duration::ZERO);
}
