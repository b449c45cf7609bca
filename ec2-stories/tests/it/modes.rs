//! What becomes of the nodes when the program lets go of them, with the real SDK between.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use ec2_stories::prelude::*;
use futures::FutureExt;

fn cloud() -> Sim {
    let (boot, terminate) = (Duration::from_millis(300), Duration::from_millis(200));
    Sim::builder().latency(Latencies::builder().boot(boot).terminate(terminate).build()).build()
}

fn shop(sim: &Sim, mode: Mode, journal: &MemoryStore) -> Deployment {
    Deployment::builder()
        .name("shop")
        .mode(mode)
        .cloud(Ec2::from_config(&sim.sdk_config()))
        .journal(journal.clone())
        .clock(sim.clock())
        .fleet(Fleet::builder().name("web").nodes(2).image(Image::public("debian-12")).build().unwrap())
        .build()
        .unwrap()
}

async fn running(sim: &Sim, mode: Mode, journal: &MemoryStore) -> Running {
    let running = shop(sim, mode, journal).start().await.unwrap();
    running.ready().await.unwrap();
    assert_eq!(sim.running().len(), 2);
    running
}

// Dropping waits on a multi-thread runtime only, and only real time passes while it does.
#[tokio::test(flavor = "multi_thread")]
async fn dropped_in_dev_mode_the_nodes_are_gone() {
    let sim = cloud();
    drop(running(&sim, Mode::Dev, &MemoryStore::new()).await);
    sim.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_takes_dev_nodes_down() {
    let sim = cloud();
    let shop = shop(&sim, Mode::Dev, &MemoryStore::new());
    let scoped = shop.run(async |running| {
        running.ready().await?;
        assert!(running.nodes().is_empty(), "not what the program hoped for");
        Ok(())
    });
    assert!(AssertUnwindSafe(scoped).catch_unwind().await.is_err(), "the panic goes on");
    assert_eq!(sim.instances().len(), 2, "they were there");
    sim.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_in_production_the_nodes_stay_and_a_later_program_adopts_them() {
    let (sim, journal) = (cloud(), MemoryStore::new());
    let first = running(&sim, Mode::Production, &journal).await;
    let known: Vec<_> = first.nodes().into_iter().map(|node| node.instance.unwrap().id).collect();
    let _ = first.detach().await.unwrap();
    drop(first);

    let second = running(&sim, Mode::Production, &journal).await;
    let adopted: Vec<_> = second.nodes().into_iter().map(|node| node.instance.unwrap().id).collect();
    assert_eq!(adopted, known);
    assert_eq!(sim.instances().len(), 2);
    second.terminate().await.unwrap().assert_clean();
    sim.assert_clean();
}
