//! What the cloud says.

use super::super::target::State;
use super::super::{Event, Machine};
use super::world::{World, dead, key, live, replace, running, suspect};
use crate::model::{Check, Generation, Health, InstanceHealth, InstanceState};
use crate::monitor::What;
use crate::provider::Verdict;

#[test]
fn definitive_death_is_at_once_also_in_grace() {
    use InstanceState::{ShuttingDown, Stopped, Stopping, Terminated};
    for state in [Stopping, Stopped, ShuttingDown, Terminated] {
        for settled in [0, 60] {
            let mut world = World::starting(1, Health::default(), true);
            world.pass(settled);
            world.truth(0).cloud = Some(InstanceHealth { state, ..running() });
            assert!(world.until(0, 31, replace) <= 30, "{state}");
            let definitive = |what: &What| matches!(what, What::Dead { definitive: true, why } if why.contains(state.as_str()));
            assert!(world.said.iter().any(|(.., what)| definitive(what)), "{:?}", world.said);
        }
    }
}

#[test]
fn while_the_cloud_does_not_answer_a_suspect_stays_one() {
    let mut world = World::live(1);
    world.silent = true;
    world.kill(0);
    world.pass(3600);
    assert_eq!(world.state(0), State::Suspect);
    assert_eq!(world.machine.silent_cloud(), Some("unreachable"));
    world.silent = false;
    assert!(world.until(0, 35, replace) <= 30);
    let told = |wanted: &What| world.said.iter().filter(|(.., what)| what == wanted).count();
    assert_eq!(told(&What::CloudAnswers), 1);
    assert_eq!(told(&What::CloudSilent("unreachable".to_owned())), 1);
}

#[test]
fn an_answer_from_before_the_suspicion_is_not_asking() {
    let mut world = World::live(1);
    world.pass(30);
    world.kill(0);
    world.pass(15);
    world.silent = true;
    world.until(0, 60, suspect);
    world.pass(300);
    assert_eq!(world.state(0), State::Suspect);
}

#[test]
fn without_a_cloud_probes_alone_decide() {
    let mut world = World::starting(0, Health::default(), true);
    world.machine = Machine::new(false);
    world.machine.add_fleet("web", Health::default(), true);
    let truth = World::live(1).nodes[&0].clone();
    world.nodes.insert(0, truth);
    world.silent = true;
    world.watch(0);
    world.pass(60);
    world.kill(0);
    world.until(0, 130, replace);
}

#[test]
fn impaired_checks_kill_in_time_although_the_probe_is_content() {
    let mut world = World::live(1);
    world.impair(0);
    let to_suspect = world.until(0, 31, suspect);
    let to_death = world.until(0, 200, dead);
    assert!(to_suspect <= 30 && (119..=122).contains(&to_death), "{to_suspect} {to_death}");
}

#[test]
fn impaired_checks_that_recover_are_forgiven() {
    let mut world = World::live(1);
    world.impair(0);
    world.until(0, 31, suspect);
    world.pass(60);
    world.truth(0).cloud = Some(InstanceHealth { instance: Check::Unknown, ..running() });
    world.truth(0).cloud.as_mut().unwrap().system = Check::Unknown;
    world.pass(31);
    assert_eq!(world.state(0), State::Suspect, "a check that cannot tell takes nothing back");
    world.truth(0).cloud = Some(running());
    world.until(0, 31, live);
    world.pass(600);
    assert_eq!(world.replaced(), [0_u32; 0]);
}

#[test]
fn impaired_checks_count_only_while_the_cloud_goes_on_saying_so() {
    let mut world = World::live(1);
    world.impair(0);
    world.until(0, 31, suspect);
    world.silent = true;
    world.pass(3600);
    assert_eq!(world.state(0), State::Suspect);
}

#[test]
fn a_fleet_without_a_probe_has_the_clouds_word_alone() {
    let mut world = World::starting(1, Health::default(), false);
    world.truth(0).cloud = Some(InstanceHealth { state: InstanceState::Pending, ..running() });
    world.pass(60);
    assert_eq!(world.state(0), State::Starting);
    world.truth(0).cloud = Some(InstanceHealth { instance: Check::Initializing, ..running() });
    world.pass(60);
    assert_eq!(world.state(0), State::Starting);
    world.truth(0).cloud = Some(running());
    world.until(0, 31, live);
    // A reboot is no failure.
    world.truth(0).cloud = Some(InstanceHealth { instance: Check::Initializing, ..running() });
    world.pass(600);
    assert_eq!(world.state(0), State::Live);
    world.impair(0);
    assert!(world.until(0, 200, dead) <= 151);

    let mut world = World::starting(1, Health::default(), false);
    world.pass(31);
    assert_eq!(world.state(0), State::Live);
    world.truth(0).cloud = None;
    let to_death = world.until(0, 300, dead);
    assert!((110..=151).contains(&to_death), "{to_death}");
}

#[test]
fn a_fleet_without_a_probe_that_does_not_start_is_dead() {
    let mut world = World::starting(1, Health::default(), false);
    world.truth(0).cloud = Some(InstanceHealth { system: Check::Initializing, ..running() });
    world.pass(599);
    assert_eq!(world.state(0), State::Starting);
    world.until(0, 35, dead);
}

#[test]
fn a_node_the_cloud_does_not_know_is_not_dead_while_it_answers() {
    let mut world = World::live(1);
    world.truth(0).cloud = None;
    world.pass(3600);
    assert!(world.said.is_empty(), "{:?}", world.said);
}

#[test]
fn a_notice_that_ends_a_node_lets_it_leave_and_its_death_is_then_no_news() {
    let mut world = World::live(4);
    world.notice(0, true);
    world.until(0, 31, |what| matches!(what, What::Leaving { .. }));
    assert!(
        matches!(world.verdict(0), Some(Verdict::Leaving { why, .. }) if why.contains("spot-interruption"))
    );
    assert_eq!(world.in_flight(), 1);
    world.pass(300);
    assert!(matches!(world.verdict(0), Some(Verdict::Leaving { .. })), "it stays so");
    world.terminated(0);
    world.until(0, 31, replace);
    assert_eq!(world.in_flight(), 1);
}

#[test]
fn a_notice_that_was_taken_back_before_its_turn_is_void() {
    let mut world = World::live(4);
    world.hold(0, 600);
    world.notice(0, true);
    world.pass(60);
    world.truth(0).cloud = Some(running());
    world.pass(31);
    world.step(Event::Release { key: key(0) });
    world.pass(60);
    assert_eq!(world.verdict(0), Some(Verdict::Live));
}

#[test]
fn a_notice_of_a_reboot_is_told_once() {
    let mut world = World::live(1);
    world.notice(0, false);
    world.pass(600);
    let notices = world.said.iter().filter(|(.., what)| matches!(what, What::Notice { .. }));
    assert_eq!(notices.count(), 1);
    assert_eq!(world.verdict(0), Some(Verdict::Live));
}

#[test]
fn a_node_that_hangs_from_the_start_is_dead_when_its_start_up_time_is_over() {
    let mut world = World::starting(1, Health::default(), true);
    world.kill(0);
    world.impair(0);
    world.pass(599);
    assert_eq!(world.state(0), State::Starting);
    world.until(0, 35, dead);
}

#[test]
fn a_replacement_that_nobody_watches_yet_counts() {
    let mut world = World::live(3);
    world.step(Event::Replacing { key: key(7), generation: Generation(1) });
    assert_eq!(world.in_flight(), 1);
    world.kill(0);
    world.until(0, 200, dead);
    world.pass(100);
    assert_eq!(world.replaced(), [0_u32; 0]);
    world.step(Event::Forget { key: key(7) });
    assert_eq!(world.replaced(), [0]);
}
