//! The process may die at any call and at any write; so may any call fail.

use ec2_stories_core::memory::Fault;
use ec2_stories_core::model::{FirewallPolicy, Source};
use ec2_stories_core::{Deployment, Fleet, Running};

use super::world::{World, debian};

/// Where a fault strikes.
#[derive(Clone, Copy, Debug)]
enum Where {
    Cloud,
    Journal,
}

fn fleets() -> Vec<Fleet> {
    let from_web = FirewallPolicy::builder().tcp(5432, Source::Fleet("web".parse().unwrap())).build();
    let from_db = FirewallPolicy::builder().tcp(443, Source::Fleet("db".parse().unwrap())).build();
    let web = debian("web", 2).after("db").firewall(from_db).build().unwrap();
    vec![debian("db", 1).firewall(from_web).build().unwrap(), web]
}

fn plan_fault(world: &World, place: Where, index: usize, fault: Fault) {
    match place {
        Where::Cloud => world.cloud.fail(index, fault),
        Where::Journal => world.store.fail(index, fault),
    }
}

/// A process that deploys, and ends the deployment if told to; whether it died on the way.
async fn live_and_die(world: &World, shop: &Deployment, to_the_end: bool) -> bool {
    let mut running: Option<Running> = None;
    let life = async {
        let running = running.insert(shop.start().await.unwrap());
        running.ready().await.unwrap();
        if to_the_end {
            running.terminate().await.unwrap().assert_clean();
        }
    };
    let died = tokio::select! {
        () = life => false,
        () = world.cloud.script().stalled() => true,
        () = world.store.script().stalled() => true,
    };
    if let Some(running) = running {
        running.kill().await;
    }
    died
}

/// A process that dies at each call in turn, and a second one that goes on. Returns at how many points it died.
async fn die_everywhere(place: Where, fault: fn() -> Fault, to_the_end: bool, then_start: bool) -> usize {
    for index in 0.. {
        let world = World::new();
        let shop = world.shop(fleets());
        plan_fault(&world, place, index, fault());
        if !live_and_die(&world, &shop, to_the_end).await {
            return index;
        }
        let at = format!("died at {place:?} {index}");
        if then_start {
            let running = shop.start().await.unwrap();
            running.ready().await.unwrap_or_else(|error| panic!("{at}: {error:?}"));
            world.assert_no_doubles();
            assert_eq!(world.cloud.live(), 3, "{at}");
            if !to_the_end {
                assert_eq!(world.cloud.instances().len(), 3, "{at}: something was launched twice");
            }
            running.terminate().await.unwrap().assert_clean();
        } else {
            let report = shop.terminate().await.unwrap();
            assert!(report.is_clean(), "{at}: {report}");
        }
        assert!(world.cloud.leaks().is_empty(), "{at}: {:?}", world.cloud.leaks());
    }
    unreachable!("the index has no end")
}

#[tokio::test(start_paused = true)]
async fn a_death_at_any_call_or_write_is_gone_on_from() {
    let mut points = 0;
    for place in [Where::Cloud, Where::Journal] {
        for fault in [(|| Fault::StallBefore) as fn() -> Fault, || Fault::StallAfter] {
            points += die_everywhere(place, fault, false, true).await;
            points += die_everywhere(place, fault, true, true).await;
        }
    }
    println!("died at {points} points, and went on from each");
    assert!(points > 100, "only {points}");
}

#[tokio::test(start_paused = true)]
async fn a_death_at_any_call_or_write_can_be_taken_down_by_another_process() {
    for place in [Where::Cloud, Where::Journal] {
        for fault in [(|| Fault::StallBefore) as fn() -> Fault, || Fault::StallAfter] {
            assert!(die_everywhere(place, fault, true, false).await > 15);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_journal_the_tags_alone_say_what_there_is() {
    for index in 0.. {
        let world = World::new();
        world.cloud.fail(index, Fault::StallAfter);
        let died = live_and_die(&world, &world.shop(fleets()), false).await;
        world.cloud.script().heal();
        let fresh = World { store: Default::default(), cloud: world.cloud.clone(), ..World::new() };
        let before = world.cloud.instances().len();
        let running = fresh.shop(fleets()).start().await.unwrap();
        running.ready().await.unwrap();
        fresh.assert_no_doubles();
        assert_eq!(world.cloud.instances().len(), 3, "{before} were there when it died at call {index}");
        running.terminate().await.unwrap().assert_clean();
        world.assert_nothing_is_left();
        if !died {
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn any_call_may_fail_once_before_or_after_its_effect() {
    for place in [Where::Cloud, Where::Journal] {
        for fault in [(|| Fault::Before) as fn() -> Fault, || Fault::After] {
            for index in 0.. {
                let world = World::new();
                let shop = world.shop(fleets());
                plan_fault(&world, place, index, fault());
                let at = format!("{place:?} {index}");
                // What a start reads is not read again by itself: its error is the caller's, and nothing was done.
                let running = match shop.start().await {
                    Ok(running) => running,
                    Err(_) => shop.start().await.unwrap_or_else(|error| panic!("{at}: {error:?}")),
                };
                running.ready().await.unwrap_or_else(|error| panic!("{at}: {error:?}"));
                assert_eq!(world.cloud.instances().len(), 3, "{at}");
                let report = running.terminate().await.unwrap();
                assert!(report.is_clean() && world.cloud.leaks().is_empty(), "{at}: {report}");
                let calls = match place {
                    Where::Cloud => world.cloud.script().calls().len(),
                    Where::Journal => world.store.script().calls().len(),
                };
                if index >= calls {
                    assert!(index > 15, "only {index} points");
                    break;
                }
            }
        }
    }
}
