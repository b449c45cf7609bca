//! Nodes that live, and whose customizers are to run again.

use super::super::{Action, Event, FleetPlan, Phase};
use super::web::{dead, live};
use super::world::{Luck, World, name, plan};
use crate::model::{NodeAddress, Share};

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
fn nobody_is_customized_again_during_a_pause() {
    let mut web = plan("web", 2, 2, &[]);
    (web.customizes, web.revision) = (true, "one".to_owned());
    let mut world = World::new(vec![web]);
    world.settle();
    world.tell(Event::Paused(true));
    world.machine.revise(&name("web"), "two".to_owned());
    let outcome = world.tell(Event::Holds(Default::default()));
    assert_eq!(outcome.actions, []);
    let outcome = world.tell(Event::Paused(false));
    assert!(matches!(outcome.actions[..], [Action::Customize { .. }]), "{outcome:?}");
}
