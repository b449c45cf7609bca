//! Random orders, repetitions and losses.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::{Closing, Event, FleetPlan, Machine, Phase};
use super::world::{Luck, World, failure, plan};
use crate::model::Replace;
use crate::{ErrorKind, Status};

const LUCK: [Luck; 10] = [
    Luck::Good,
    Luck::Good,
    Luck::Good,
    Luck::Good,
    Luck::Throttled,
    Luck::Capacity,
    Luck::Partial,
    Luck::LostBefore,
    Luck::LostAfter,
    Luck::Permanent,
];

fn plans() -> impl Strategy<Value = Vec<FleetPlan>> {
    (1..4_u32, 1..6_u32, any::<[bool; 5]>()).prop_map(
        |(dbs, webs, [customizes, registers, few, alone, beside])| {
            let after: &[&str] = if alone { &[] } else { &["db"] };
            let db = plan("db", dbs, 1, &[]);
            let web = plan("web", webs, if few { 1 } else { webs }, after);
            let mut web = FleetPlan { customizes, registers, ..web };
            if beside {
                web.health.replace = Replace::LaunchFirst;
            }
            vec![web, db]
        },
    )
}

/// What a test does next.
#[derive(Clone, Debug)]
enum Chance {
    /// Performs one of the due actions.
    Perform { which: prop::sample::Index, luck: Luck, twice: bool },
    /// Performs one, and the process dies before the machine hears of it; the next goes on from the saved state.
    Die { which: prop::sample::Index, luck: Luck },
    /// An instance ends by itself; nobody says so.
    Kill { which: prop::sample::Index },
    /// A monitor, or somebody, wants a node replaced; rightly or not.
    Judge { which: prop::sample::Index, how: u8 },
    /// Tells an event of the past once more.
    Repeat { which: prop::sample::Index },
}

fn chance() -> impl Strategy<Value = Chance> {
    let luck = || prop::sample::select(&LUCK[..]);
    let index = any::<prop::sample::Index>;
    prop_oneof![
        12 => (index(), luck(), prop::bool::weighted(0.2))
            .prop_map(|(which, luck, twice)| Chance::Perform { which, luck, twice }),
        2 => (index(), luck()).prop_map(|(which, luck)| Chance::Die { which, luck }),
        1 => index().prop_map(|which| Chance::Kill { which }),
        2 => (index(), 0..6_u8).prop_map(|(which, how)| Chance::Judge { which, how }),
        2 => index().prop_map(|which| Chance::Repeat { which }),
    ]
}

fn take_chance(world: &mut World, past: &mut Vec<Event>, chance: &Chance) {
    match chance {
        Chance::Perform { which, luck, twice } if !world.due.is_empty() => {
            let (action, batch) = world.due.remove(which.index(world.due.len()));
            for _ in 0..=u8::from(*twice) {
                let events = world.perform(&action, batch.as_ref(), *luck);
                past.extend(events.iter().cloned());
                for event in events {
                    world.tell(event);
                }
            }
        }
        Chance::Die { which, luck } if !world.due.is_empty() => {
            let (action, batch) = world.due.remove(which.index(world.due.len()));
            world.perform(&action, batch.as_ref(), *luck);
            world.due.clear();
            let saved = serde_json::to_vec(&world.machine).unwrap();
            world.machine = serde_json::from_slice::<Machine>(&saved).unwrap();
            world.tell(Event::Start);
        }
        Chance::Kill { which } if !world.instances.is_empty() => {
            let which = which.index(world.instances.len());
            world.instances.values_mut().nth(which).unwrap().1 = false;
        }
        Chance::Judge { which, how } => {
            let nodes: Vec<_> =
                world.machine.nodes().map(|(address, node)| (address, node.instance.clone())).collect();
            let (node, instance) = nodes[which.index(nodes.len())].clone();
            let failure = failure(ErrorKind::Failed, Status::Permanent);
            let event = match (how, instance) {
                (0, Some(instance)) => Event::Dead { node, instance, failure },
                (1, Some(instance)) => Event::Leaving { node, instance, failure, by: None },
                (2, _) => Event::Renew { node, failure },
                (3, _) => Event::Quarantine { node, failure },
                (4, _) => Event::Release { node },
                _ => Event::Outdated { node },
            };
            past.push(event.clone());
            world.tell(event);
        }
        Chance::Repeat { which } if !past.is_empty() => {
            let event = past[which.index(past.len())].clone();
            world.tell(event);
        }
        _ => {}
    }
}

/// No slot has more instances that live than it may, whatever their generations: one, and one more where the next lives before
/// the old one goes.
fn check(world: &World) {
    let mut seen: BTreeMap<_, usize> = BTreeMap::new();
    for node in world.living() {
        let count = seen.entry(node).or_default();
        *count += 1;
        let fleet = world.machine.fleet(&node.fleet).unwrap();
        let beside = fleet.plan.health.replace == Replace::LaunchFirst;
        assert!(*count <= 1 + usize::from(beside), "{node} has {count} instances: {:?}", world.instances);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_launched_twice_nothing_is_forgotten_and_the_end_is_reached(
        plans in plans(),
        before in prop::collection::vec(chance(), 0..120),
        during in prop::collection::vec(chance(), 0..60),
    ) {
        let mut world = World::new(plans);
        let mut past = Vec::new();
        for chance in &before {
            take_chance(&mut world, &mut past, chance);
            check(&world);
        }
        world.tell(Event::Terminate { cause: None });
        for chance in &during {
            take_chance(&mut world, &mut past, chance);
            check(&world);
        }
        world.settle();
        // A launch that may have had its effect is replayed, to learn what is to be terminated.
        let new = world.late_launches.iter().find(|batch| !batch.doubtful);
        prop_assert!(new.is_none(), "launched after the end began: {:?}", new);
        prop_assert_eq!(world.machine.closing, Closing::Done, "{:?}", world.machine);
        prop_assert_eq!(world.living().count(), 0, "{:?}", world.machine);
        prop_assert!(world.registered.is_empty(), "{:?}", world.registered);
    }

    #[test]
    fn once_all_goes_well_every_node_lives_or_was_given_up_for_a_reason(
        plans in plans(),
        before in prop::collection::vec(chance(), 0..120),
    ) {
        let mut world = World::new(plans);
        let mut past = Vec::new();
        for chance in &before {
            take_chance(&mut world, &mut past, chance);
            check(&world);
        }
        world.settle();
        let waits = |node: &super::super::FleetPlan| {
            node.after.iter().any(|before| !world.machine.fleet(before).unwrap().is_ready())
        };
        for (address, node) in world.machine.nodes() {
            let fleet = world.machine.fleet(&address.fleet).unwrap();
            match node.phase {
                Phase::Live => {}
                Phase::Failed | Phase::Quarantined => prop_assert!(node.failure.is_some(), "{}", address),
                Phase::Absent => prop_assert!(waits(&fleet.plan), "{} waits for nothing", address),
                phase => prop_assert!(false, "{} came to rest {}", address, phase),
            }
        }
    }
}
