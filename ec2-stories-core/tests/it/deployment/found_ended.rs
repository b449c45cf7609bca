//! Nodes whose instances ended while no controller was there: they are deaths as any other, and have no other budget.

use std::time::Duration;

use ec2_stories_core::deployment::machine::Phase;
use ec2_stories_core::memory::{Fault, MemoryRegistrar, Operation};
use ec2_stories_core::model::{Health, InstanceState, Mode, Share};
use ec2_stories_core::provider::Hold;
use ec2_stories_core::{Clock, Deployment, Error, ErrorKind, Running};
use tokio::time::{sleep, timeout};

use super::replacement::{Shop, is_live, node, until};
use super::world::{World, debian};

fn shop(world: &World, at_once: u32) -> Deployment {
    let health = Health { max_in_flight: Share::Nodes(at_once), ..Health::default() };
    world.shop([debian("web", 10).health(health).build().unwrap()])
}

/// A deployment whose controller died after its nodes had lived.
async fn left(at_once: u32) -> World {
    let world = World { mode: Mode::Production, ..World::new() };
    let running = shop(&world, at_once).start().await.unwrap();
    running.ready().await.unwrap();
    running.kill().await;
    world
}

/// Ends the instances of the first nodes.
fn end(world: &World, nodes: usize, end: impl Fn(&World, &ec2_stories_core::model::InstanceId)) {
    world.cloud.instances().iter().take(nodes).for_each(|instance| end(world, &instance.id));
}

fn boots(world: &World) -> usize {
    let instances = world.cloud.instances();
    instances.iter().filter(|instance| instance.state == InstanceState::Pending).count()
}

/// The most instances that boot at once, each time that there are more or fewer, until all nodes live.
async fn launches(world: &World, running: &Running) -> Vec<usize> {
    let mut seen = Vec::new();
    let ready = running.ready();
    tokio::pin!(ready);
    loop {
        tokio::select! {
            done = &mut ready => break done.unwrap(),
            () = sleep(Duration::from_secs(1)) => {
                let now = boots(world);
                if now > 0 && seen.last() != Some(&now) {
                    seen.push(now);
                }
            }
        }
    }
    assert_eq!(world.cloud.live(), 10);
    world.assert_no_doubles();
    seen
}

#[tokio::test(start_paused = true)]
async fn few_are_launched_anew_within_the_budget() {
    for stopped in [false, true] {
        let world = left(1).await;
        end(&world, 3, |world, id| match stopped {
            true => world.cloud.stop(id),
            false => world.cloud.kill(id, "Server.SpotInstanceTermination", "taken back"),
        });
        sleep(Duration::from_secs(120)).await;
        let running = shop(&world, 1).start().await.unwrap();
        assert_eq!(launches(&world, &running).await, [1], "stopped: {stopped}");
        running.terminate().await.unwrap().assert_clean();
        world.assert_nothing_is_left();
    }
}

#[tokio::test(start_paused = true)]
async fn all_come_back_few_first_and_then_more_as_they_prove_themselves() {
    // After an hour nobody remembers the instances, and each is found missing by itself: two are not too many yet.
    for (away, first) in [(120, 1), (7200, 2)] {
        let world = left(4).await;
        end(&world, 10, |world, id| {
            world.cloud.kill(id, "Client.InstanceInitiatedShutdown", "its time was over");
        });
        sleep(Duration::from_secs(away)).await;
        let running = shop(&world, 4).start().await.unwrap();
        let launches = launches(&world, &running).await;
        assert_eq!(launches[0], first, "{launches:?}");
        assert!(launches.iter().all(|at_once| *at_once <= 4) && launches.contains(&4), "{launches:?}");
        running.terminate().await.unwrap().assert_clean();
        world.assert_nothing_is_left();
    }
}

#[tokio::test(start_paused = true)]
async fn a_fleet_that_never_lived_is_launched_anew_at_once() {
    let mut shop = Shop::new();
    shop.world.mode = Mode::Production;
    let running = shop.describe([shop.web(6)]).start().await.unwrap();
    until(&running, "web/5", |node| node.instance.is_some()).await;
    running.kill().await;
    end(&shop.world, 6, |world, id| world.cloud.kill(id, "Server.InternalError", "it failed"));
    sleep(Duration::from_secs(120)).await;
    let running = shop.describe([shop.web(6)]).start().await.unwrap();
    until(&running, "web/0", |node| node.phase == Phase::Pending).await;
    assert_eq!(boots(&shop.world), 6);
    running.ready().await.unwrap();
    running.terminate().await.unwrap().assert_clean();
    shop.world.assert_nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn one_that_is_held_waits_for_the_end_of_the_hold() {
    let world = left(1).await;
    end(&world, 1, |world, id| world.cloud.kill(id, "Client", "somebody ended it"));
    sleep(Duration::from_secs(120)).await;
    let until_when = world.cloud.clock().now() + Duration::from_secs(3600);
    let hold =
        Hold { owner: "ada".to_owned(), reason: "its volume is looked at".to_owned(), until: until_when };
    shop(&world, 1).hold(&"web/0".parse().unwrap(), hold).await.unwrap();
    let running = shop(&world, 1).start().await.unwrap();
    sleep(Duration::from_secs(3000)).await;
    assert_eq!((node(&running, "web/0").generation.0, world.cloud.live()), (1, 9));
    until(&running, "web/0", is_live(2)).await;
    running.terminate().await.unwrap().assert_clean();
    world.assert_nothing_is_left();
}

/// A controller that dies while they come back leaves no budget taken, and forgets none.
#[tokio::test(start_paused = true)]
async fn a_restart_in_the_middle_goes_on_with_it() {
    let world = left(2).await;
    end(&world, 7, |world, id| world.cloud.kill(id, "Client", "somebody ended it"));
    sleep(Duration::from_secs(120)).await;
    for after in [1, 20, 45, 100] {
        let running = shop(&world, 2).start().await.unwrap();
        sleep(Duration::from_secs(after)).await;
        running.kill().await;
    }
    let running = shop(&world, 2).start().await.unwrap();
    let launches = launches(&world, &running).await;
    assert!(launches.iter().all(|at_once| *at_once <= 2), "{launches:?}");
    running.terminate().await.unwrap().assert_clean();
    world.assert_nothing_is_left();
}

/// The monitor forgets what is given up for a while.
#[tokio::test(start_paused = true)]
async fn those_that_cannot_be_terminated_at_first_come_back_all_the_same() {
    let world = left(1).await;
    end(&world, 3, |world, id| world.cloud.stop(id));
    sleep(Duration::from_secs(120)).await;
    for _ in 0..3 {
        let refused = Error::new(ErrorKind::Forbidden, "it is protected").code("OperationNotPermitted");
        world.cloud.fail(Operation::Terminate, Fault::Error(refused));
    }
    let running = shop(&world, 1).start().await.unwrap();
    for slot in 0..3 {
        until(&running, &format!("web/{slot}"), is_live(2)).await;
    }
    running.ready().await.unwrap();
    assert_eq!(world.cloud.live(), 10);
    world.assert_no_doubles();
    running.terminate().await.unwrap().assert_clean();
    world.assert_nothing_is_left();
}

/// What somebody orders while the nodes wait for each other is done, and none of them waits for ever.
#[tokio::test(start_paused = true)]
async fn they_come_back_whatever_is_ordered_meanwhile() {
    for order in ["none", "fewer and more", "fewer and more in a pause", "quarantine", "replace"] {
        let world = World { mode: Mode::Production, ..World::new() };
        let names = MemoryRegistrar::new();
        let shop = || {
            let health = Health { max_in_flight: Share::Nodes(1), ..Health::default() };
            let db = debian("db", 3).health(health.clone()).registrar(names.clone());
            let web = debian("web", 4).after("db").health(health).registrar(names.clone());
            world.shop([db.build().unwrap(), web.build().unwrap()])
        };
        let running = shop().start().await.unwrap();
        running.ready().await.unwrap();
        running.kill().await;
        end(&world, 7, |world, id| world.cloud.kill(id, "Client", "somebody ended it"));
        sleep(Duration::from_secs(120)).await;
        let running = shop().start().await.unwrap();
        let (web, last) = ("web".parse().unwrap(), "web/3".parse().unwrap());
        sleep(Duration::from_secs(5)).await;
        match order {
            "fewer and more" => {
                running.scale(&web, 1).await.unwrap();
                running.scale(&web, 4).await.unwrap();
            }
            "fewer and more in a pause" => {
                running.pause("ada", "a look at it").await.unwrap();
                running.scale(&web, 1).await.unwrap();
                sleep(Duration::from_secs(600)).await;
                running.scale(&web, 4).await.unwrap();
                running.resume().await.unwrap();
            }
            "quarantine" => {
                running.quarantine(&last, "a look at it").await.unwrap();
                sleep(Duration::from_secs(60)).await;
                running.release(&last).await.unwrap();
            }
            "replace" => running.replace(&last, "it is old").await.unwrap(),
            _ => {}
        }
        let ready = timeout(Duration::from_secs(24 * 3600), running.ready()).await;
        ready.unwrap_or_else(|_| panic!("{order}: {:?}", running.nodes())).unwrap();
        assert_eq!(world.cloud.live(), 7, "{order}");
        world.assert_no_doubles();
        running.terminate().await.unwrap().assert_clean();
        world.assert_nothing_is_left();
    }
}
