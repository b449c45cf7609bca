//! Several lives of one deployment, each with faults and deaths wherever a seed puts them.

use ec2_stories_core::Fleet;
use ec2_stories_core::memory::{Fault, MemoryCustomizer, MemoryRegistrar};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::world::{World, debian};

/// Lives before all goes well, and faults in each.
const LIVES: usize = 3;
const FAULTS: usize = 3;

fn fault(random: &mut StdRng) -> Fault {
    match random.random_range(0..6) {
        0 | 1 => Fault::Before,
        2 | 3 => Fault::After,
        4 => Fault::StallBefore,
        _ => Fault::StallAfter,
    }
}

async fn live_through(seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let world = World::new();
    let (packages, names) = (MemoryCustomizer::new("packages", ["install"]), MemoryRegistrar::new());
    let fleets = || -> [Fleet; 2] {
        let web = debian("web", 3).after("db").customize(packages.clone()).registrar(names.clone());
        [web.build().unwrap(), debian("db", 2).build().unwrap()]
    };
    for _ in 0..LIVES {
        for _ in 0..FAULTS {
            let calls = world.cloud.script().calls().len();
            world.cloud.fail(calls + random.random_range(0..30), fault(&mut random));
            let writes = world.store.script().calls().len();
            world.store.fail(writes + random.random_range(0..40), fault(&mut random));
            let registered = names.script().calls().len();
            names.script().fail(registered + random.random_range(0..6), fault(&mut random));
        }
        if random.random_bool(0.3) {
            world.cloud.fail_boot("Server.InternalError", "Internal error on launch");
        }
        let ends = random.random_bool(0.3);
        let shop = world.shop(fleets());
        let mut running = None;
        let life = async {
            let Ok(started) = shop.start().await else { return };
            let started = running.insert(started);
            if started.ready().await.is_ok() && ends {
                drop(started.terminate().await);
            }
        };
        tokio::select! {
            () = life => {}
            () = world.cloud.script().stalled() => {}
            () = world.store.script().stalled() => {}
            () = names.script().stalled() => {}
        }
        if let Some(running) = running {
            running.kill().await;
        }
        world.assert_no_doubles();
    }
    world.cloud.script().heal();
    world.store.script().heal();
    names.script().heal();
    let running = world.shop(fleets()).start().await.unwrap();
    running.ready().await.unwrap_or_else(|error| panic!("seed {seed}: {error:?}"));
    world.assert_no_doubles();
    assert_eq!(world.cloud.live(), 5, "seed {seed}");
    let report = running.terminate().await.unwrap();
    assert!(report.is_clean(), "seed {seed}: {report}");
    assert!(world.cloud.leaks().is_empty(), "seed {seed}: {:?}", world.cloud.leaks());
    assert!(names.names().is_empty(), "seed {seed}: {:?}", names.names());
}

#[tokio::test(start_paused = true)]
async fn whatever_the_faults_the_last_life_finds_all_and_leaves_nothing() {
    for seed in 0..150 {
        live_through(seed).await;
    }
}
