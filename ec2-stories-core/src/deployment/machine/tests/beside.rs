//! The next instance first, and then the end of the one before.

use super::super::{Action, Closing, Event, Phase};
use super::web::{dead, generation, instance, kill, leave, live, phase, web};
use super::world::Luck;
use crate::model::Replace;

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
