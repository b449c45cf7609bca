//! Random faults, repetitions and wishes.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::Event;
use super::super::target::State;
use super::world::{World, failing, key, running, today};
use crate::model::{Generation, Health, Share};
use crate::monitor::What;
use crate::provider::{Liveness, Verdict};

#[derive(Clone, Debug)]
enum Chance {
    Pass(u64),
    Kill(u32),
    Revive(u32),
    Terminate(u32),
    Impair(u32),
    Notice(u32),
    Unknown(u32),
    DeclareDead(u32),
    Vanish(u32),
    NextIsBad(u32),
    Hold(u32, u64),
    Release(u32),
    Condemn(u32),
    Quarantine(u32),
    WatchAgain(u32),
    Forget(u32),
    Replacing(u32),
    Leaves(u32),
    Sick(bool),
    Silent(bool),
    Canaries(u32),
    Stall(u64),
}

const NODES: u32 = 12;

fn chance() -> impl Strategy<Value = Chance> {
    let slot = || 0..NODES;
    prop_oneof![
        20 => (1..200_u64).prop_map(Chance::Pass),
        6 => slot().prop_map(Chance::Kill),
        3 => slot().prop_map(Chance::Revive),
        3 => slot().prop_map(Chance::Terminate),
        2 => slot().prop_map(Chance::Impair),
        2 => slot().prop_map(Chance::Notice),
        1 => slot().prop_map(Chance::Unknown),
        1 => slot().prop_map(Chance::DeclareDead),
        1 => slot().prop_map(Chance::Vanish),
        2 => slot().prop_map(Chance::NextIsBad),
        2 => (slot(), 1..2000_u64).prop_map(|(slot, seconds)| Chance::Hold(slot, seconds)),
        1 => slot().prop_map(Chance::Release),
        2 => slot().prop_map(Chance::Condemn),
        1 => slot().prop_map(Chance::Quarantine),
        1 => slot().prop_map(Chance::WatchAgain),
        1 => slot().prop_map(Chance::Forget),
        1 => slot().prop_map(Chance::Replacing),
        1 => slot().prop_map(Chance::Leaves),
        2 => any::<bool>().prop_map(Chance::Sick),
        2 => any::<bool>().prop_map(Chance::Silent),
        1 => (0..4_u32).prop_map(Chance::Canaries),
        1 => (0..600_u64).prop_map(Chance::Stall),
    ]
}

fn health() -> impl Strategy<Value = Health> {
    (1..60_u8, 1..100_u8, 1..4_u32).prop_map(|(in_flight, unhealthy, successes)| Health {
        max_in_flight: Share::Percent(in_flight),
        max_unhealthy: Share::Percent(unhealthy),
        success_threshold: successes,
        ..Health::default()
    })
}

fn take(world: &mut World, chance: &Chance) {
    match *chance {
        Chance::Pass(seconds) => world.pass(seconds),
        Chance::Kill(slot) => world.kill(slot),
        Chance::Revive(slot) => {
            (world.truth(slot).probe, world.truth(slot).cloud) = (Liveness::Live, Some(running()));
        }
        Chance::Terminate(slot) => world.terminated(slot),
        Chance::Impair(slot) => world.impair(slot),
        Chance::Notice(slot) => world.notice(slot, true),
        Chance::Unknown(slot) => world.truth(slot).probe = Liveness::Unknown("cannot tell".to_owned()),
        Chance::DeclareDead(slot) => {
            world.truth(slot).probe = Liveness::DeclaredDead("says so".to_owned());
        }
        Chance::Vanish(slot) => world.truth(slot).cloud = None,
        Chance::NextIsBad(slot) => world.truth(slot).next = failing(),
        Chance::Hold(slot, seconds) => world.hold(slot, seconds),
        Chance::Release(slot) => world.step(Event::Release { key: key(slot) }),
        Chance::Condemn(slot) => {
            world.step(Event::Condemn { key: key(slot), why: "old image", by: today() });
        }
        Chance::Quarantine(slot) => world.step(Event::Quarantine { key: key(slot), why: "given up" }),
        Chance::WatchAgain(slot) => world.watch(slot),
        Chance::Forget(slot) => world.step(Event::Forget { key: key(slot) }),
        Chance::Replacing(slot) => {
            let generation = Generation(world.nodes[&slot].generation);
            world.step(Event::Replacing { key: key(slot), generation });
            let back = world.seconds + 60;
            world.truth(slot).back_at.get_or_insert(back);
        }
        Chance::Leaves(slot) => {
            let generation = Generation(world.nodes[&slot].generation);
            world.step(Event::Leaves { key: key(slot), generation, why: "ordered", by: today() });
            let back = world.seconds + 60;
            world.truth(slot).back_at.get_or_insert(back);
        }
        Chance::Sick(sick) => world.sick = sick,
        Chance::Silent(silent) => world.silent = silent,
        Chance::Canaries(failing) => world.step(Event::Canaries { failing, of: 3 }),
        Chance::Stall(seconds) => {
            world.machine.expect(world.now());
            world.seconds += seconds;
            for truth in world.nodes.values_mut() {
                truth.back_at = truth.back_at.map(|at| at.max(world.seconds + 1));
            }
        }
    }
}

/// What was said of each node keeps to its order.
fn check(world: &World) -> Result<(), TestCaseError> {
    world.machine.assert_consistent();
    for verdicts in world.verdicts.values() {
        let rank = |verdict: &Verdict| match verdict {
            Verdict::Live | Verdict::Suspect(_) => 0,
            Verdict::Leaving { .. } => 1,
            Verdict::Replace(_) => 2,
        };
        prop_assert!(verdicts.is_sorted_by_key(rank), "{:?}", verdicts);
    }
    Ok(())
}

/// Lets a few seconds pass at a time, and looks at every decision that was made.
fn pass_and_look(world: &mut World, seconds: u64) -> Result<(), TestCaseError> {
    const STEP: u64 = 5;
    for _ in 0..seconds.div_ceil(STEP) {
        let (from, before, before_in) = (world.said.len(), world.in_flight(), in_zones(world));
        let holds: Vec<bool> = (0..NODES).map(|slot| is_held(world, slot)).collect();
        world.pass(STEP);
        let fleet = &world.machine.fleets[0];
        let most = world.health.max_in_flight.of(fleet.nodes).max(1);
        let decided = world.said[from..].iter().filter(|(.., what)| is_decision(what));
        for (_, slot, what) in decided {
            let slot = slot.unwrap();
            prop_assert!(!(holds[slot as usize] && is_held(world, slot)), "{} is held: {:?}", slot, what);
            prop_assert!(fleet.in_flight <= most.max(before), "{} > {}", fleet.in_flight, most);
            for zone in &fleet.zones {
                let most = world.health.max_in_flight.of(zone.nodes).max(1);
                let before = before_in.get(&zone.zone).copied().unwrap_or_default();
                prop_assert!(zone.in_flight <= most.max(before), "{:?}: {}", zone, most);
            }
        }
    }
    check(world)
}

fn in_zones(world: &World) -> BTreeMap<u32, u32> {
    world.machine.fleets[0].zones.iter().map(|zone| (zone.zone, zone.in_flight)).collect()
}

fn is_decision(what: &What) -> bool {
    matches!(what, What::Replace(_) | What::Leaving { .. })
}

fn is_held(world: &World, slot: u32) -> bool {
    world.machine.targets.get(&key(slot)).is_some_and(|target| target.hold().is_some())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn budgets_holds_and_verdicts_are_kept_and_all_is_well_in_the_end(
        health in health(),
        chances in prop::collection::vec(chance(), 0..40),
    ) {
        let mut world = World::starting(NODES, health, true);
        world.replaces_in = Some(60);
        for chance in &chances {
            if let Chance::Pass(seconds) = chance {
                pass_and_look(&mut world, *seconds)?;
            } else {
                take(&mut world, chance);
                check(&world)?;
            }
        }
        // All faults end; what was given up or forgotten is watched again, as an operator would have it.
        (world.sick, world.silent) = (false, false);
        world.step(Event::Canaries { failing: 0, of: 3 });
        for slot in 0..NODES {
            world.truth(slot).next = Liveness::Live;
            world.step(Event::Release { key: key(slot) });
            let target = world.machine.targets.get(&key(slot));
            let idle = target.is_none_or(|target| target.state == State::Quarantined);
            if idle && world.nodes[&slot].back_at.is_none() {
                world.watch(slot);
            }
            let truth = world.truth(slot);
            if !matches!(truth.probe, Liveness::Failing(_) | Liveness::DeclaredDead(_)) {
                (truth.probe, truth.cloud) = (Liveness::Live, Some(running()));
            }
        }
        pass_and_look(&mut world, 2 * 3600)?;
        if world.machine.blind().is_some() {
            // So many hang in two zones that only an operator can tell whether they do.
            (0..NODES).for_each(|slot| world.truth(slot).probe = Liveness::Live);
            pass_and_look(&mut world, 2 * 3600)?;
        }
        let live = world.count(State::Live);
        prop_assert_eq!(live, NODES as usize, "{:?} {:?}", world.machine.blind(), world.machine);
        prop_assert_eq!(world.in_flight(), 0);
        prop_assert!(world.machine.deadline().is_none(), "{:?}", world.machine.deadline());
    }

    #[test]
    fn whoever_is_healthy_is_not_replaced_because_the_watcher_is_sick(
        health in health(),
        spells in prop::collection::vec((1..900_u64, 1..900_u64, any::<bool>(), 0..900_u64), 1..5),
    ) {
        let mut world = World::starting(NODES, health, true);
        world.replaces_in = Some(60);
        world.pass(60);
        for (well, sick, silent, stall) in spells {
            world.pass(well);
            (world.sick, world.silent) = (true, silent);
            world.pass(sick);
            take(&mut world, &Chance::Stall(stall));
            world.pass(sick / 2);
            (world.sick, world.silent) = (false, false);
        }
        world.pass(600);
        let replaced: BTreeMap<u32, u32> =
            world.nodes.iter().map(|(slot, node)| (*slot, node.generation)).filter(|(_, at)| *at > 1).collect();
        prop_assert!(replaced.is_empty(), "{:?} {:?}", replaced, world.said);
        prop_assert_eq!(world.count(State::Live), NODES as usize);
    }
}
